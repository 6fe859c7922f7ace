/* Reading the tree of a condition. For the files of this module. */
#ifndef EXCHANGE_CONDITIONS_H
#define EXCHANGE_CONDITIONS_H

#include "exchange/export.h"
#include "expr/node.h"

static inline bool node_is_call(const struct node *n, const char *name)
{
    return n->form == NODE_CALL && text_equal(n->name, text_of(name));
}
/* The literals of the list that `in` looks into; NULL: it is none of literals. Returns owned. */
static inline json_t *node_items(const struct node *in)
{
    const struct node *list = in->args[1];
    bool literals = list->form == NODE_LITERAL && list->kind == KIND_JSON;
    json_t *items =
        literals ? json_loadb(list->value.text.at, list->value.text.len, 0, NULL) : NULL;
    if (json_array_size(items) > 0)
        return items;
    json_decref(items);
    return NULL;
}

#endif
