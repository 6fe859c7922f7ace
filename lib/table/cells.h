/* Raw cells, for the files of this module. */
#ifndef TABLE_CELLS_H
#define TABLE_CELLS_H

#include "table/table.h"

/* Cell of a FORM_VIEW column in a row of the chunk. */
static inline struct text view_cell(const struct column *c, uint32_t chunk_row)
{
    const uint32_t *at = c->view.at + (size_t)chunk_row * c->view.stride;
    size_t start = at[0], end = (size_t)at[1] - 1;
    if (c->view.last && end > start && c->view.base[end - 1] == '\r')
        end--;
    return (struct text){c->view.base + start, end - start};
}

/* The raw cell of a FORM_VIEW or FORM_RAW column. */
static inline struct text raw_cell(const struct batch *b, const struct column *c, size_t row)
{
    if (c->form == FORM_VIEW)
        return view_cell(c, b->kept ? b->kept[row] : (uint32_t)row);
    return c->text[row];
}

/* True for one of the tokens that mean missing. */
static inline bool is_na(const struct cell_policy *p, struct text value)
{
    for (size_t i = 0; p && i < p->na_count; i++)
        if (p->na[i].len == value.len && memcmp(p->na[i].at, value.at, value.len) == 0)
            return true;
    return false;
}

/* The value of a raw cell with the policy's missing tokens applied, to quoted cells too. */
static inline struct text raw_value(struct batch *b, struct text raw)
{
    const struct format *f = b->format;
    bool plain = f->kind == FORMAT_CSV && !f->backslash && raw.len && raw.at[0] != f->quote;
    struct text v = plain ? raw : cell_value(f, raw, &b->arena);
    return v.at && is_na(b->policy, v) ? (struct text){NULL, 0} : v;
}

#endif
