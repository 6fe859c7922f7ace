/* Texts in YAML. For the files of this module. */
#ifndef EXCHANGE_YAML_H
#define EXCHANGE_YAML_H

#include "base/base.h"

/* A scalar that reads back as this text: as it is where it can be, else in double quotes. */
void yaml_put_text(struct buf *b, struct text text);
/* The same in double quotes whatever it is. */
void yaml_put_quoted(struct buf *b, struct text text);
/* A value behind "key:", with its line feed: several lines as a literal block indented by
 * `indent` where that can say it, else as above. */
void yaml_put_value(struct buf *b, struct text text, int indent);

#endif
