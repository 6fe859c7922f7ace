/* Rows of a pairing as bytes, and those that are kept while their tables go on. */
#include "prep/pairing_rows.h"
#include "prep/sorted.h"
#include "table/tape.h"

enum { HAS_SPAN = 1, HAS_TEXT = 2 };

void pair_row_put(const struct pair_row *row, bool on_line, struct buf *out)
{
    uint32_t length = (uint32_t)row->text.len;
    buf_putc(out, (char)((on_line ? HAS_SPAN : 0) | (row->text.at ? HAS_TEXT : 0)));
    buf_add(out, &row->place, sizeof row->place);
    if (on_line)
        buf_add(out, &row->span, sizeof row->span);
    if (row->text.at) {
        buf_add(out, &length, sizeof length);
        buf_add(out, row->text.at, length);
    }
    if (row->row.len > 0)
        buf_add(out, row->row.at, row->row.len);
}

static void take(struct text *from, void *to, size_t n)
{
    memcpy(to, from->at, n);
    from->at += n;
    from->len -= n;
}

void pair_row_get(struct text bytes, struct pair_row *row)
{
    char has;
    uint32_t length;
    *row = (struct pair_row){0};
    take(&bytes, &has, sizeof has);
    take(&bytes, &row->place, sizeof row->place);
    if (has & HAS_SPAN)
        take(&bytes, &row->span, sizeof row->span);
    if (has & HAS_TEXT) {
        take(&bytes, &length, sizeof length);
        row->text = (struct text){bytes.at, length};
        bytes.at += length;
        bytes.len -= length;
    }
    row->row = bytes;
}

void kept_row_set(struct kept_row *k, const struct pair_row *row)
{
    k->there = true;
    k->bytes.len = 0;
    pair_row_put(row, true, &k->bytes);
    pair_row_get((struct text){k->bytes.at, k->bytes.len}, &k->row);
}

void kept_row_release(struct kept_row *k)
{
    buf_release(&k->bytes);
    *k = (struct kept_row){0};
}

struct pair_list {
    struct tape *tape;
    struct buf bytes;
};

struct pair_list *pair_list_new(const struct step *s)
{
    struct pair_list *l = mem_alloc(sizeof *l);
    l->tape = tape_new(step_memory_whole(s) / 8);
    return l;
}

int pair_list_add(struct pair_list *l, const struct pair_row *row, struct error *e)
{
    l->bytes.len = 0;
    pair_row_put(row, true, &l->bytes);
    return tape_add(l->tape, (struct text){l->bytes.at, l->bytes.len}, e);
}

int pair_list_rewind(struct pair_list *l, struct error *e)
{
    return tape_rewind(l->tape, e);
}

int pair_list_next(struct pair_list *l, struct pair_row *row, struct error *e)
{
    struct text bytes;
    int got = tape_next(l->tape, &bytes, e);
    if (got > 0)
        pair_row_get(bytes, row);
    return got;
}

void pair_list_clear(struct pair_list *l)
{
    tape_clear(l->tape);
}

void pair_list_free(struct pair_list *l)
{
    if (!l)
        return;
    tape_free(l->tape);
    buf_release(&l->bytes);
    mem_free(l);
}
