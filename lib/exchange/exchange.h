/*
 * exchange: a pipeline in the formats of other tools, and theirs as a definition of ours.
 *
 * An export says of every step what its command is, what it waits for and what it makes; where the
 * format cannot, that is an error that names the step. Parameters and conditions stay what they
 * are as far as the format has such, else they have the values of now. What is lost is a warning.
 *
 * An import writes the text of a Pipefile. What a Pipefile cannot say is an error with its place.
 * What has no meaning on one machine, as an instance's type, becomes a comment.
 */
#ifndef EXCHANGE_H
#define EXCHANGE_H

#include "pipeline/pipeline.h"

struct exchange_format {
    const char *name;
    const char *summary; /* one line, lower case */
};
/* Number i of those of one direction; NULL behind the last. *count is how many there are. */
const struct exchange_format *exchange_exports(size_t *count, size_t i);
const struct exchange_format *exchange_imports(size_t *count, size_t i);

/* Appends the pipeline of a definition, and to warnings, which may be NULL, a line for all that the
 * format loses of it. ERR_USAGE: there is no such format; and as pipeline_load. ERR_DATA with file
 * and line: the format cannot say what a step does. */
int exchange_export(const char *format, const char *path, const char *const *given,
                    size_t given_count, struct buf *out, struct buf *warnings, struct error *e);

/* The same of a definition that is there already; path is for messages and folders. */
int exchange_export_text(const char *format, const char *path, struct text source,
                         const char *const *given, size_t given_count, struct buf *out,
                         struct buf *warnings, struct error *e);

/* Appends the text of a Pipefile. path is for messages, and for the files that stand beside it
 * (params.yaml of DVC). ERR_DATA with file, line and column. */
int exchange_import(const char *format, const char *path, struct text bytes, struct buf *out,
                    struct error *e);

#endif
