/* pipe graph -t svg: the steps in columns, each behind those it waits for. */
#include "pipe.h"

#include <stdio.h>
#include <stdlib.h>

enum { WIDTH = 168, HEIGHT = 28, ACROSS = 240, DOWN = 44, MARGIN = 16, NAME_MAX_CHARS = 24 };

struct spot {
    uint32_t step, column, row;
    double wish; /* where those it waits for are, on average */
};

static void put_text(const char *text, size_t most)
{
    size_t n = 0;
    for (; *text && n < most; text++) {
        n += ((unsigned char)*text & 0xc0) != 0x80; /* characters, not bytes */
        if (*text == '<' || *text == '&' || *text == '"')
            printf("&#%d;", *text);
        else
            putchar(*text);
    }
    if (*text)
        fputs("\u2026", stdout);
}

static int by_wish(const void *a, const void *b)
{
    const struct spot *x = a, *y = b;
    if (x->column != y->column)
        return x->column < y->column ? -1 : 1;
    if (x->wish != y->wish)
        return x->wish < y->wish ? -1 : 1;
    return (x->step > y->step) - (x->step < y->step);
}

/* Columns first; then each column from left to right, by where the one before has put its own.
 * place: by step, the number of its spot. */
static void arrange(const struct pipeline *p, struct spot *spots, uint32_t *place)
{
    uint32_t *column = mem_alloc((p->step_count + 1) * sizeof *column), *row;
    row = mem_alloc((p->step_count + 1) * sizeof *row);
    for (uint32_t i = 0; i < p->step_count; i++) {
        const struct step *s = &p->steps[p->order[i]];
        uint32_t at = 0;
        for (uint32_t k = 0; k < s->wait_count; k++)
            at = column[s->waits_for[k]] >= at ? column[s->waits_for[k]] + 1 : at;
        column[p->order[i]] = at;
        spots[i] = (struct spot){.step = p->order[i], .column = at};
    }
    if (p->step_count > 1)
        qsort(spots, p->step_count, sizeof *spots, by_wish);
    for (size_t from = 0, to; from < p->step_count; from = to) {
        for (to = from; to < p->step_count && spots[to].column == spots[from].column; to++) {
            const struct step *s = &p->steps[spots[to].step];
            for (uint32_t k = 0; k < s->wait_count; k++)
                spots[to].wish += (double)row[s->waits_for[k]] / s->wait_count;
        }
        qsort(spots + from, to - from, sizeof *spots, by_wish);
        for (size_t i = from; i < to; i++) {
            spots[i].row = row[spots[i].step] = (uint32_t)(i - from);
            place[spots[i].step] = (uint32_t)i;
        }
    }
    mem_free(row);
    mem_free(column);
}

static uint32_t left_of(const struct spot *s)
{
    return MARGIN + s->column * ACROSS;
}

static uint32_t top_of(const struct spot *s)
{
    return MARGIN + s->row * DOWN;
}

static void put_edge(const struct spot *from, const struct spot *to)
{
    uint32_t x = left_of(from) + WIDTH, y = top_of(from) + HEIGHT / 2;
    uint32_t ends_x = left_of(to), ends_y = top_of(to) + HEIGHT / 2,
             bend = (ACROSS - WIDTH) * 2 / 3;
    printf("<path d=\"M%u %uC%u %u %u %u %u %u\"/>\n", x, y, x + bend, y, ends_x - bend, ends_y,
           ends_x, ends_y);
}

static void put_box(const struct step *s, const struct spot *at)
{
    printf("<g><title>");
    put_text(s->script ? s->script : s->name, 2000);
    printf("</title><rect x=\"%u\" y=\"%u\" width=\"%d\" height=\"%d\" rx=\"4\"/><text x=\"%u\" "
           "y=\"%u\">",
           left_of(at), top_of(at), WIDTH, HEIGHT, left_of(at) + WIDTH / 2,
           top_of(at) + HEIGHT / 2 + 4);
    put_text(s->name, NAME_MAX_CHARS);
    puts("</text></g>");
}

void put_svg(const struct pipeline *p)
{
    struct spot *spots = mem_alloc((p->step_count + 1) * sizeof *spots);
    uint32_t *place = mem_alloc((p->step_count + 1) * sizeof *place), across = 0, down = 0;
    arrange(p, spots, place);
    for (size_t i = 0; i < p->step_count; i++) {
        across = left_of(&spots[i]) > across ? left_of(&spots[i]) : across;
        down = top_of(&spots[i]) > down ? top_of(&spots[i]) : down;
    }
    printf("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %u %u\" "
           "font-family=\"sans-serif\" font-size=\"12\" text-anchor=\"middle\">\n"
           "<style>rect{fill:#eef3fb;stroke:#4a6fa5}path{fill:none;stroke:#999}</style>\n",
           across + WIDTH + MARGIN, down + HEIGHT + MARGIN);
    for (size_t i = 0; i < p->step_count; i++)
        for (uint32_t k = 0; k < p->steps[i].wait_count; k++)
            put_edge(&spots[place[p->steps[i].waits_for[k]]], &spots[place[i]]);
    for (size_t i = 0; i < p->step_count; i++)
        put_box(&p->steps[spots[i].step], &spots[i]);
    puts("</svg>");
    mem_free(place);
    mem_free(spots);
}
