/* image: a model compiled into the one piece of memory that runs (runtime/image.h). For the files
 * of this module. */
#ifndef INFER_IMAGE_H
#define INFER_IMAGE_H

#include "infer/infer.h"
#include "infer/plan.h"

/* Stages and transform of a model, without its predictor: returns owned, free with mem_free. */
struct ml_image *image_of_stages(const struct model *m);
/* All of it, with the row program that makes its features: returns owned; NULL with ERR_DATA when
 * the model is too large. info is borrowed. */
struct ml_image *image_new(const struct model *m, const struct compile_options *o,
                           const struct buf *program, const char *info, struct error *e);
/* Appends what ml_info gives: JSON. */
void image_info(const struct model *m, const struct compile_options *o,
                const struct ml_program *program, struct buf *out);

#endif
