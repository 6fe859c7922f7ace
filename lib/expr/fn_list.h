/* What the families of list and map functions share: reading and building JSON text. */
#ifndef EXPR_FN_LIST_H
#define EXPR_FN_LIST_H

#include "expr/eval.h"

enum { LIST_MAX = 1000000 };

/* Appends an item behind "[" or behind other items; a JSON text, or a value. */
void list_put(struct buf *b, struct text json);
void list_put_value(struct buf *b, const struct value *v);
/* Begins reading; false and an error when json is not a list (not a map). */
bool list_open(struct call *c, struct json_reader *r, struct text json);
bool map_open(struct call *c, struct json_reader *r, struct text json);
/* The next entry; the key decoded into the arena. False at the end. */
bool map_next(struct json_reader *r, struct arena *arena, struct text *key, struct text *value);
void map_put_entry(struct buf *b, struct text key, struct text json);
/* The items of a list as values, in the batch's arena. */
struct values {
    struct value *at;
    size_t count;
};
bool list_values(struct call *c, struct text json, struct values *out);
/* The same as doubles, null left out; an error when an item is not a number. */
struct doubles {
    double *at;
    size_t count;
};
bool list_doubles(struct call *c, struct text json, struct doubles *out);
size_t list_length(struct text json);
/* The value of a JSON text as a result: null is missing. */
bool give_item(struct value *out, struct text json);
bool is_list_text(struct text json);

#endif
