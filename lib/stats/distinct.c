#include "stats/stats.h"

#include <math.h>

enum { INDEX_BITS = 14, REGISTERS = 1 << INDEX_BITS, RANK_MAX = 64 - INDEX_BITS + 1 };

void distinct_add(struct distinct *d, uint64_t hash)
{
    if (!d->registers)
        d->registers = mem_alloc(REGISTERS);
    size_t i = hash >> (64 - INDEX_BITS);
    uint64_t rest = hash << INDEX_BITS | UINT64_C(1) << (INDEX_BITS - 1); /* ends the zeros */
    uint8_t rank = (uint8_t)(__builtin_clzll(rest) + 1);
    if (rank > d->registers[i])
        d->registers[i] = rank;
}

void distinct_merge(struct distinct *into, const struct distinct *from)
{
    if (!from->registers)
        return;
    if (!into->registers)
        into->registers = mem_alloc(REGISTERS);
    for (size_t i = 0; i < REGISTERS; i++)
        if (from->registers[i] > into->registers[i])
            into->registers[i] = from->registers[i];
}

double distinct_value(const struct distinct *d)
{
    const double m = REGISTERS, alpha = 0.7213 / (1 + 1.079 / m);
    double sum = 0, zeros = 0;
    for (size_t i = 0; d->registers && i < REGISTERS; i++) {
        sum += ldexp(1, -d->registers[i]);
        zeros += d->registers[i] == 0;
    }
    if (!d->registers)
        return 0;
    double estimate = alpha * m * m / sum;
    return estimate <= 2.5 * m && zeros > 0 ? m * log(m / zeros) : estimate;
}

/* Registers as letters (A = 1 ... Z = 26, a = 27 ...),
 * runs of zero registers as decimal numbers. */
json_t *distinct_save(const struct distinct *d)
{
    struct buf text = {0};
    size_t zeros = 0;
    for (size_t i = 0; d->registers && i <= REGISTERS; i++) {
        if (i < REGISTERS && d->registers[i] == 0) {
            zeros++;
            continue;
        }
        if (zeros)
            buf_format(&text, "%zu", zeros);
        zeros = 0;
        if (i < REGISTERS)
            buf_putc(&text, (char)(d->registers[i] <= 26 ? 'A' + d->registers[i] - 1
                                                         : 'a' + d->registers[i] - 27));
    }
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

static bool load_registers(uint8_t *registers, const char *text)
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
            registers[i++] = rank;
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
        d->registers = mem_alloc(REGISTERS);
        if (load_registers(d->registers, text))
            return 0;
        distinct_release(d);
    }
    return error_set(e, ERR_DATA, "not the state of a distinct count (%d registers)", REGISTERS);
}

void distinct_release(struct distinct *d)
{
    mem_free(d->registers);
    d->registers = NULL;
}
