/* output: batches, in order, as the rows of one file in any format. */
#ifndef TABLE_OUTPUT_H
#define TABLE_OUTPUT_H

#include "table/parquet.h"

struct output;
/* Borrows schema and sink until output_free; the sink is the caller's to commit or abort. parquet:
 * for that format; NULL: the usual. */
int output_new(const struct format *format, const struct parquet_options *parquet,
               const struct schema *schema, struct sink *sink, struct output **out,
               struct error *e);
/* b's columns may be changed. One thread at a time. */
int output_add(struct output *o, struct batch *b, struct error *e);
int output_finish(struct output *o, struct error *e);
void output_free(struct output *o); /* NULL is fine */

#endif
