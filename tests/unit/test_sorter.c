#include "unit.h"

#include "table/sorter.h"

#include <stdlib.h>

struct item {
    unsigned char key[40];
    size_t len;
    uint32_t number;
};

static int by_key(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    int order = memcmp(x->key, y->key, x->len < y->len ? x->len : y->len);
    if (order == 0)
        order = (x->len > y->len) - (x->len < y->len);
    return order ? order : (x->number > y->number) - (x->number < y->number);
}

/* Keys of few different bytes and lengths, so that many share long beginnings; each ends with its
 * number when unique. */
static void make_items(struct item *items, size_t n, uint64_t seed, unsigned letters, bool unique)
{
    for (size_t i = 0; i < n; i++) {
        struct item *it = &items[i];
        it->number = (uint32_t)i;
        it->len = random_below(seed, 1, i, 30) + (unique ? 0 : 1);
        for (size_t k = 0; k < it->len; k++)
            it->key[k] = (unsigned char)random_below(seed, 2 + k, i, letters);
        for (int k = 24; unique && k >= 0; k -= 8)
            it->key[it->len++] = (unsigned char)(i >> k);
    }
}

static void add_items(struct sorter *s, const struct item *items, size_t from, size_t to,
                      size_t bytes)
{
    struct error e = {0};
    char *payload = mem_alloc(bytes + 4);
    for (size_t i = from; i < to; i++) {
        memcpy(payload, &items[i].number, 4);
        int rc = sorter_add(s, (struct text){(const char *)items[i].key, items[i].len},
                            (struct text){payload, bytes + 4}, &e);
        CHECK_INT(rc, 0);
    }
    mem_free(payload);
}

/* What comes out is in the order of qsort; equal keys may come in any order when not unique. */
static void check_order(struct sorter *s, struct item *items, size_t n, bool unique)
{
    struct error e = {0};
    struct text key, payload;
    qsort(items, n, sizeof *items, by_key);
    CHECK_INT(sorter_count(s), n);
    CHECK_INT(sorter_finish(s, &e), 0);
    size_t wrong = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t number = 0;
        if (sorter_next(s, &key, &payload, &e) != 1) {
            wrong++;
            continue;
        }
        memcpy(&number, payload.at, 4);
        wrong += key.len != items[i].len || memcmp(key.at, items[i].key, key.len) != 0;
        wrong += unique && number != items[i].number;
    }
    CHECK_INT(wrong, 0);
    CHECK_INT(sorter_next(s, &key, &payload, &e), 0);
    CHECK_INT(sorter_next(s, &key, &payload, &e), 0);
}

static void sort_items(size_t n, unsigned letters, bool unique, size_t payload, size_t memory,
                       size_t parts)
{
    struct error e = {0};
    struct item *items = mem_array(NULL, n + 1, sizeof *items);
    make_items(items, n, n + letters, letters, unique);
    struct sorter *whole = sorter_new(memory);
    for (size_t p = 0; p < parts; p++) {
        struct sorter *part = sorter_new(memory);
        add_items(part, items, n * p / parts, n * (p + 1) / parts, payload);
        CHECK_INT(sorter_merge(whole, part, &e), 0);
        sorter_free(part);
    }
    check_order(whole, items, n, unique);
    sorter_free(whole);
    mem_free(items);
}

TEST(nothing_comes_of_nothing)
{
    sort_items(0, 2, true, 0, 1 << 20, 1);
}

TEST(few_and_many_records_in_memory)
{
    for (size_t n = 1; n < 200; n += 7)
        sort_items(n, 3, true, 0, 64 << 20, 1);
    sort_items(20000, 256, true, 10, 64 << 20, 1);
}

TEST(keys_with_long_beginnings_in_common)
{
    sort_items(20000, 1, true, 0, 64 << 20, 1);
    sort_items(20000, 2, true, 0, 64 << 20, 1);
}

TEST(equal_keys_and_keys_that_begin_others)
{
    sort_items(20000, 1, false, 0, 64 << 20, 1);
    sort_items(20000, 2, false, 0, 64 << 20, 2);
}

TEST(records_past_the_memory_go_through_a_file)
{
    sort_items(30000, 4, true, 300, 1 << 20, 1);
}

TEST(sorters_of_threads_merge)
{
    sort_items(30000, 4, true, 20, 64 << 20, 5);
    sort_items(30000, 4, true, 300, 1 << 20, 5);
}

TEST(a_record_larger_than_the_memory)
{
    sort_items(3, 4, true, 3 << 20, 1 << 20, 1);
}

TEST(order_of_arrival_in_equal_long_keys)
{
    struct error e = {0};
    struct sorter *s = sorter_new(1 << 20);
    struct buf key = {0};
    for (uint32_t i = 0; i < 1000; i++) {
        key.len = 0;
        for (int k = 0; k < 500; k++)
            buf_putc(&key, 'x');
        key_put_id(&key, i);
        CHECK_INT(sorter_add(s, (struct text){key.at, key.len},
                             (struct text){(const char *)&i, sizeof i}, &e),
                  0);
    }
    CHECK_INT(sorter_finish(s, &e), 0);
    struct text k, payload;
    for (uint32_t i = 0, got; i < 1000 && sorter_next(s, &k, &payload, &e) == 1; i++) {
        memcpy(&got, payload.at, sizeof got);
        CHECK_INT(got, i);
    }
    buf_release(&key);
    sorter_free(s);
}

static const struct key_order up = {0}, down = {.descending = true},
                              first = {.missing_first = true};

static int compare_bufs(const struct buf *a, const struct buf *b)
{
    int order = text_compare((struct text){a->at, a->len}, (struct text){b->at, b->len});
    return (order > 0) - (order < 0);
}

static void check_numbers(struct number a, struct number b, int want)
{
    struct buf x = {0}, y = {0};
    key_put_number(&x, a, up);
    key_put_number(&y, b, up);
    CHECK_INT(compare_bufs(&x, &y), want);
    x.len = y.len = 0;
    key_put_number(&x, a, down);
    key_put_number(&y, b, down);
    CHECK_INT(compare_bufs(&x, &y), -want);
    buf_release(&x);
    buf_release(&y);
}

static struct number int_of(int64_t i)
{
    return (struct number){.i = i, .is_int = true};
}

static struct number float_of(double f)
{
    return (struct number){.f = f};
}

TEST(number_keys_compare_as_values)
{
    check_numbers(int_of(-5), int_of(3), -1);
    check_numbers(int_of(2), float_of(2.5), -1);
    check_numbers(int_of(2), float_of(2.0), 0);
    check_numbers(float_of(-0.0), int_of(0), 0);
    check_numbers(float_of(-1e300), float_of(-1e299), -1);
    check_numbers(int_of(INT64_MAX - 1), int_of(INT64_MAX), -1);
    check_numbers(int_of(INT64_MIN + 1), int_of(INT64_MIN + 2), -1);
    check_numbers(int_of(9007199254740993), int_of(9007199254740992), 1);
    check_numbers(int_of(9007199254740993), float_of(9007199254740992.0), 1);
}

static void put(struct buf *key, const char *text, struct key_order o, bool natural)
{
    key->len = 0;
    if (natural)
        key_put_natural(key, text_of(text), o);
    else
        key_put_text(key, text_of(text), o);
    key_put_id(key, 7); /* what follows must not matter */
}

static void check_texts(const char *a, const char *b, int want, bool natural)
{
    struct buf x = {0}, y = {0};
    put(&x, a, up, natural);
    put(&y, b, up, natural);
    CHECK_INT(compare_bufs(&x, &y), want);
    put(&x, a, down, natural);
    put(&y, b, down, natural);
    CHECK_INT(compare_bufs(&x, &y), -want);
    buf_release(&x);
    buf_release(&y);
}

TEST(text_keys_compare_as_texts)
{
    check_texts("a", "b", -1, false);
    check_texts("a", "ab", -1, false);
    check_texts("", "a", -1, false);
    check_texts("a10", "a2", -1, false);
    check_texts("same", "same", 0, false);
}

TEST(natural_keys_compare_digits_as_numbers)
{
    check_texts("a2", "a10", -1, true);
    check_texts("a2b", "a2a", 1, true);
    check_texts("a02", "a2", 0, true);
    check_texts("9", "a", -1, true);
    check_texts("x99999999999999999999", "x100000000000000000000", -1, true);
}

TEST(missing_last_or_first_in_either_order)
{
    struct buf value = {0}, missing = {0};
    key_put_double(&value, 1e300, up);
    key_put_text(&missing, (struct text){NULL, 0}, up);
    CHECK_INT(compare_bufs(&value, &missing), -1);
    value.len = missing.len = 0;
    key_put_double(&value, 1e300, down);
    key_put_int(&missing, INT_MISSING, down);
    CHECK_INT(compare_bufs(&value, &missing), -1);
    value.len = missing.len = 0;
    key_put_double(&value, -1e300, first);
    key_put_time(&missing, INT_MISSING, first);
    CHECK_INT(compare_bufs(&value, &missing), 1);
    buf_release(&value);
    buf_release(&missing);
}
