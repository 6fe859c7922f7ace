#include "stats/stats.h"

#include <math.h>

enum {
    INDEX_BITS = 14,
    REGISTERS = 1 << INDEX_BITS,
    RANK_MAX = 64 - INDEX_BITS + 1,
    RANK_BITS = 8,
    FEW_MAX = 512, /* entries of `few`: an eighth of the registers' memory */
};

static uint32_t entry_of(size_t i, uint8_t rank)
{
    return (uint32_t)i << RANK_BITS | rank;
}

static size_t index_of(uint32_t entry)
{
    return entry >> RANK_BITS;
}

/* From the list to registers. */
static void widen(struct distinct *d)
{
    d->registers = mem_alloc(REGISTERS);
    for (size_t k = 0; k < d->few.len; k++)
        d->registers[index_of(d->few.at[k])] = (uint8_t)d->few.at[k];
    vec_release(&d->few);
}

/* The first entry of register i or a later one. */
static size_t find_few(const struct distinct *d, size_t i)
{
    size_t low = 0, high = d->few.len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (index_of(d->few.at[middle]) < i)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void raise_few(struct distinct *d, size_t i, uint8_t rank)
{
    size_t at = find_few(d, i);
    if (at < d->few.len && index_of(d->few.at[at]) == i) {
        if ((uint8_t)d->few.at[at] < rank)
            d->few.at[at] = entry_of(i, rank);
        return;
    }
    vec_push(&d->few, 0);
    memmove(d->few.at + at + 1, d->few.at + at, (d->few.len - 1 - at) * sizeof *d->few.at);
    d->few.at[at] = entry_of(i, rank);
    if (d->few.len > FEW_MAX)
        widen(d);
}

/* Register i is at least rank. */
static void raise_to(struct distinct *d, size_t i, uint8_t rank)
{
    if (!d->registers)
        raise_few(d, i, rank);
    else if (rank > d->registers[i])
        d->registers[i] = rank;
}

void distinct_add(struct distinct *d, uint64_t hash)
{
    uint64_t rest = hash << INDEX_BITS | UINT64_C(1) << (INDEX_BITS - 1); /* ends the zeros */
    raise_to(d, hash >> (64 - INDEX_BITS), (uint8_t)(__builtin_clzll(rest) + 1));
}

void distinct_merge(struct distinct *into, const struct distinct *from)
{
    for (size_t k = 0; k < from->few.len; k++)
        raise_to(into, index_of(from->few.at[k]), (uint8_t)from->few.at[k]);
    if (!from->registers)
        return;
    if (!into->registers)
        widen(into);
    for (size_t i = 0; i < REGISTERS; i++)
        if (from->registers[i] > into->registers[i])
            into->registers[i] = from->registers[i];
}

double distinct_value(const struct distinct *d)
{
    const double m = REGISTERS, alpha = 0.7213 / (1 + 1.079 / m);
    if (!d->registers) /* so few that linear counting serves */
        return d->few.len > 0 ? m * log(m / (m - (double)d->few.len)) : 0;
    double sum = 0, zeros = 0;
    for (size_t i = 0; i < REGISTERS; i++) {
        sum += ldexp(1, -d->registers[i]);
        zeros += d->registers[i] == 0;
    }
    double estimate = alpha * m * m / sum;
    return estimate <= 2.5 * m && zeros > 0 ? m * log(m / zeros) : estimate;
}

size_t distinct_held(const struct distinct *d)
{
    return d->registers ? REGISTERS : d->few.cap * sizeof *d->few.at;
}

static void put_rank(struct buf *text, uint8_t rank)
{
    buf_putc(text, (char)(rank <= 26 ? 'A' + rank - 1 : 'a' + rank - 27));
}

static void put_zeros(struct buf *text, size_t zeros)
{
    if (zeros)
        buf_format(text, "%zu", zeros);
}

/* Registers as letters (A = 1 ... Z = 26, a = 27 ...),
 * runs of zero registers as decimal numbers. */
json_t *distinct_save(const struct distinct *d)
{
    struct buf text = {0};
    size_t next = 0; /* register */
    for (size_t k = 0; k < d->few.len; k++) {
        put_zeros(&text, index_of(d->few.at[k]) - next);
        put_rank(&text, (uint8_t)d->few.at[k]);
        next = index_of(d->few.at[k]) + 1;
    }
    for (size_t i = 0; d->registers && i < REGISTERS; i++) {
        if (d->registers[i] == 0)
            continue;
        put_zeros(&text, i - next);
        put_rank(&text, d->registers[i]);
        next = i + 1;
    }
    if (next > 0)
        put_zeros(&text, REGISTERS - next);
    json_t *j = json_string(buf_text(&text));
    buf_release(&text);
    return j;
}

/* Rank a letter stands for, 0 when none. */
static uint8_t rank_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (uint8_t)(c - 'A' + 1);
    return c >= 'a' && c <= 'z' && c - 'a' + 27 <= RANK_MAX ? (uint8_t)(c - 'a' + 27) : 0;
}

static bool load_registers(struct distinct *d, const char *text)
{
    size_t i = 0;
    while (*text) {
        size_t zeros = 0;
        uint8_t rank = 0;
        if (*text >= '0' && *text <= '9') {
            for (; *text >= '0' && *text <= '9' && zeros <= REGISTERS; text++)
                zeros = zeros * 10 + (size_t)(*text - '0');
        } else if ((rank = rank_of(*text++)) == 0) {
            return false;
        }
        if (zeros + (rank > 0) > REGISTERS - i)
            return false;
        if (rank)
            raise_to(d, i++, rank);
        i += zeros;
    }
    return i == REGISTERS;
}

int distinct_load(struct distinct *d, const json_t *j, struct error *e)
{
    const char *text = json_string_value(j);
    *d = (struct distinct){0};
    if (text && !*text)
        return 0;
    if (text) {
        if (load_registers(d, text))
            return 0;
        distinct_release(d);
    }
    return error_set(e, ERR_DATA, "not the state of a distinct count (%d registers)", REGISTERS);
}

void distinct_release(struct distinct *d)
{
    mem_free(d->registers);
    d->registers = NULL;
    vec_release(&d->few);
}
