/* Samples of rows of numbers; what they look like in a state file. */
#include "steps/row_sample.h"

#include <math.h>

void row_sample_init(struct row_sample *s, size_t most, size_t width, uint64_t seed,
                     uint64_t stream)
{
    *s = (struct row_sample){.width = width};
    sample_init(&s->sample, most, seed, stream);
}

void row_sample_add(struct row_sample *s, uint64_t id, const double *const *columns, size_t r)
{
    struct buf item = {0};
    if (!sample_wants(&s->sample, id))
        return;
    for (size_t i = 0; i < s->width; i++) {
        char digits[NUMBER_MAX];
        if (i)
            buf_putc(&item, ',');
        if (!isnan(columns[i][r]))
            buf_add(&item, digits, number_print(digits, columns[i][r]));
    }
    sample_add(&s->sample, id, (struct text){buf_text(&item), item.len});
    buf_release(&item);
}

static bool read_row(struct text item, double *row, size_t width)
{
    const char *at = item.at, *end = item.at + item.len;
    for (size_t i = 0; i < width; i++) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma ? comma : end;
        row[i] = (double)NAN;
        if (stop > at && !number_parse_double(at, (size_t)(stop - at), &row[i]))
            return false;
        if (!comma != (i + 1 == width))
            return false;
        at = comma ? comma + 1 : end;
    }
    return true;
}

int row_sample_finish(struct row_sample *s, struct error *e)
{
    sample_sort(&s->sample);
    s->count = s->sample.heap.len;
    s->at = mem_array(s->at, s->count * s->width + 1, sizeof *s->at);
    for (size_t i = 0; i < s->count; i++)
        if (!read_row(s->sample.heap.at[i].item, s->at + i * s->width, s->width))
            return error_set(e, ERR_DATA, "a row of the sample does not hold %zu numbers",
                             s->width);
    return 0;
}

int row_sample_load(struct row_sample *s, const json_t *j, struct error *e)
{
    return sample_load(&s->sample, j, e);
}

void row_sample_release(struct row_sample *s)
{
    sample_release(&s->sample);
    mem_free(s->at);
}
