/*
 * generate ROWS [SEED]: the benchmark's table as CSV. 19 columns: 4 integers, 6 floats, dates,
 * texts of few and many values, quoted commas, doubled quotes, UTF-8, newlines inside quotes, 5 %
 * missing. About 190 bytes a row; 2,800,000 rows are 530 MB.
 */
#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const countries[] = {"France",   "Germany", "Spain",   "Italy",   "Poland",
                                        "Sweden",   "Norway",  "Finland", "Denmark", "Austria",
                                        "Belgium",  "Ireland", "Greece",  "Hungary", "Romania",
                                        "Bulgaria", "Croatia", "Estonia"};
static const char *const segments[] = {"consumer", "corporate", "home office", "public"};
static const char *const channels[] = {"web", "store", "phone", "partner", "app"};
static const char *const words[] = {
    "fast",         "late",   "parcel", "damaged", "great", "refund", "d\xc3\xa9livr\xc3\xa9",
    "sch\xc3\xb6n", "return", "again",  "ordered", "blue"};

struct row {
    uint64_t seed, number, draw;
};

static uint64_t below(struct row *r, uint64_t n)
{
    return random_below(r->seed, r->draw++, r->number, n);
}

static double unit(struct row *r)
{
    return random_unit(r->seed, r->draw++, r->number);
}

/* A cell, or nothing for one in twenty. */
#define CELL(...)                                                                                  \
    do {                                                                                           \
        if (below(r, 20) != 0)                                                                     \
            buf_format(out, __VA_ARGS__);                                                          \
        buf_putc(out, ',');                                                                        \
    } while (0)

static void put_comment(struct row *r, struct buf *out)
{
    uint64_t n = below(r, 6);
    bool quoted = below(r, 8) == 0;
    if (quoted)
        buf_puts(out, "\"he said \"\"");
    for (uint64_t i = 0; i < n; i++)
        buf_format(out, "%s%s", i ? " " : "", words[below(r, COUNT_OF(words))]);
    if (quoted)
        buf_puts(out, below(r, 10) == 0 ? "\"\"\nand left\"" : "\"\", twice\"");
    buf_putc(out, ',');
}

static void put_row(struct row *r, struct buf *out)
{
    usec day = (usec)(10957 + below(r, 9000)) * USEC_DAY;
    time_print_pattern(out, day, 0, "%Y-%m-%d,");
    char id[16];
    snprintf(id, sizeof id, "%07llu", (unsigned long long)below(r, 400000));
    buf_format(out, "u%s,", id);
    time_print_pattern(out, day + (usec)below(r, 86400) * USEC_SECOND, 0, "%Y-%m-%dT%H:%M:%SZ,");
    CELL("%s", countries[below(r, COUNT_OF(countries))]);
    CELL("%s", segments[below(r, COUNT_OF(segments))]);
    CELL("%s", channels[below(r, COUNT_OF(channels))]);
    CELL("%llu", (unsigned long long)below(r, 20) + 1);
    double price = 1 + unit(r) * 200;
    CELL("%.2f", price);
    CELL("%.2f", unit(r) * 0.4);
    CELL("%.2f", price * (double)(below(r, 20) + 1));
    CELL("%llu", (unsigned long long)below(r, 70) + 18);
    CELL("%.17g", unit(r));
    CELL("%.6f", unit(r) * 180 - 90);
    CELL("%.6f", unit(r) * 360 - 180);
    buf_format(out, "\"%llu Main St, Apt %llu\",", (unsigned long long)below(r, 9999),
               (unsigned long long)below(r, 99));
    put_comment(r, out);
    buf_format(out, "%s,%llu\n", below(r, 10) == 0 ? "true" : "false",
               (unsigned long long)below(r, 2));
}

int main(int argc, char **argv)
{
    uint64_t rows = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    struct buf out = {0};
    buf_puts(&out,
             "id,order_date,user_id,ts,country,segment,channel,quantity,unit_price,discount,amount,"
             "age,score,lat,lon,address,comment,is_returned,target\n");
    for (uint64_t i = 0; i < rows; i++) {
        struct row r = {seed, i, 0};
        buf_format(&out, "%llu,", (unsigned long long)i + 1);
        put_row(&r, &out);
        if (out.len > 1 << 16 || i + 1 == rows) {
            if (fwrite(out.at, 1, out.len, stdout) != out.len)
                return 4;
            out.len = 0;
        }
    }
    buf_release(&out);
    return fclose(stdout) == 0 ? 0 : 4;
}
