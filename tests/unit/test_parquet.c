#include "unit.h"

#include "sys/sys.h"
#include "table/parquet.h"
#include "table/parquet_codec.h"
#include "table/parquet_cursor.h"
#include "table/snappy.h"
#include "table/thrift.h"

#include <math.h>

TEST(thrift_reads_what_it_wrote)
{
    struct buf out = {0};
    struct thrift_writer w = {.out = &out};
    thrift_put_int(&w, 1, THRIFT_I32, -7);
    thrift_put_bool(&w, 2, true);
    thrift_put_binary(&w, 40, "name", 4);
    struct thrift_writer inner = thrift_put_struct(&w, 41);
    thrift_put_int(&inner, 3, THRIFT_I64, INT64_MIN);
    thrift_put_stop(&inner);
    thrift_put_list(&w, 42, THRIFT_I32, 20);
    for (int i = 0; i < 20; i++)
        thrift_put_element(&out, i);
    thrift_put_stop(&w);

    struct thrift_reader r = {.at = (uint8_t *)out.at, .end = (uint8_t *)out.at + out.len};
    struct thrift_field f = {0}, g = {0};
    enum thrift_type item;
    CHECK(thrift_next(&r, &f) && f.id == 1);
    CHECK_INT(thrift_int(&r, f.type), -7);
    CHECK(thrift_next(&r, &f) && f.id == 2 && thrift_bool(&r, f.type));
    CHECK(thrift_next(&r, &f) && f.id == 40);
    CHECK(text_equal(thrift_binary(&r, f.type), text_of("name")));
    CHECK(thrift_next(&r, &f) && f.id == 41 && thrift_enter(&r, f.type));
    CHECK(thrift_next(&r, &g) && g.id == 3);
    CHECK_INT(thrift_int(&r, g.type), INT64_MIN);
    CHECK(!thrift_next(&r, &g));
    thrift_leave(&r);
    CHECK(thrift_next(&r, &f) && f.id == 42);
    CHECK_INT(thrift_list(&r, f.type, &item), 20);
    for (int i = 0; i < 20; i++)
        CHECK_INT(thrift_int(&r, item), i);
    CHECK(!thrift_next(&r, &f) && !r.failed && r.at == r.end);

    for (size_t n = 0; n < out.len; n++) { /* cut anywhere it fails, and reads no further */
        char *cut = mem_copy(out.at, n ? n : 1);
        r = (struct thrift_reader){.at = (uint8_t *)cut, .end = (uint8_t *)cut + n};
        f = (struct thrift_field){0};
        while (thrift_next(&r, &f))
            thrift_skip(&r, f.type);
        CHECK(r.failed);
        mem_free(cut);
    }
    buf_release(&out);
}

TEST(thrift_refuses_depth_and_length)
{
    uint8_t deep[200], wide[] = {0x19, 0xF8, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0};
    memset(deep, 0x1C, sizeof deep); /* field 1: a struct */
    struct thrift_reader r = {.at = deep, .end = deep + sizeof deep};
    struct thrift_field f = {0};
    CHECK(thrift_next(&r, &f));
    thrift_skip(&r, f.type);
    CHECK(r.failed);
    r = (struct thrift_reader){.at = wide, .end = wide + sizeof wide};
    f = (struct thrift_field){0};
    CHECK(thrift_next(&r, &f));
    thrift_skip(&r, f.type);
    CHECK(r.failed);
}

/* Bytes of which more or fewer repeat. */
static void fill(struct buf *b, size_t n, uint64_t kind)
{
    b->len = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t r = random_bits(kind, 1, i);
        buf_putc(b, (char)(kind == 0 ? r : kind == 1 ? (r % 4) + 'a' : (r % 100 ? 'x' : r >> 32)));
    }
}

TEST(snappy_gives_back_what_it_took)
{
    static const size_t sizes[] = {0,   1,   3,   15,   16,    17,    60,    61,
                                   255, 256, 257, 4096, 65535, 65536, 65537, 200000};
    struct buf in = {0}, packed = {0}, out = {0};
    for (uint64_t kind = 0; kind < 3; kind++)
        for (size_t i = 0; i < COUNT_OF(sizes); i++) {
            fill(&in, sizes[i], kind);
            packed.len = out.len = 0;
            snappy_compress(buf_text(&in), in.len, &packed);
            buf_reserve(&out, in.len + 16);
            CHECK(snappy_decompress(packed.at, packed.len, out.at, in.len));
            CHECK(in.len == 0 || memcmp(in.at, out.at, in.len) == 0);
            CHECK(!snappy_decompress(packed.at, packed.len, out.at, in.len + 1));
            CHECK(!snappy_decompress(packed.at, packed.len - 1, out.at, in.len));
        }
    CHECK(packed.len < in.len / 4);
    buf_release(&in);
    buf_release(&packed);
    buf_release(&out);
}

TEST(snappy_survives_anything)
{
    uint8_t bytes[64];
    char out[128 + 16];
    for (uint64_t i = 0; i < 20000; i++) {
        for (size_t k = 0; k < sizeof bytes; k++)
            bytes[k] = (uint8_t)random_bits(i, 2, k);
        bytes[0] = (uint8_t)(i % 128);
        (void)snappy_decompress(bytes, sizeof bytes, out, i % 128);
    }
}

TEST(codecs_give_back_what_they_took)
{
    static const enum parquet_codec codecs[] = {PARQUET_NONE, PARQUET_SNAPPY, PARQUET_GZIP,
                                                PARQUET_ZSTD};
    struct buf in = {0}, packed = {0}, out = {0};
    struct parquet_library l = {0};
    struct error e = {0};
    fill(&in, 50000, 1);
    buf_reserve(&out, in.len + PARQUET_SLACK);
    for (size_t i = 0; i < COUNT_OF(codecs); i++) {
        packed.len = 0;
        int status = parquet_compress(&l, codecs[i], (struct text){in.at, in.len}, &packed, &e);
        if (status == ERR_SYSTEM && codecs[i] == PARQUET_ZSTD)
            continue; /* this machine has no libzstd */
        struct text bytes = {packed.at, packed.len};
        CHECK_INT(status, 0);
        CHECK_INT(parquet_decompress(&l, codecs[i], bytes, out.at, in.len, &e), 0);
        CHECK(memcmp(in.at, out.at, in.len) == 0);
        bytes.len -= 5;
        CHECK_INT(parquet_decompress(&l, codecs[i], bytes, out.at, in.len, &e), ERR_DATA);
    }
    buf_release(&in);
    buf_release(&packed);
    buf_release(&out);
}

TEST(lz4_raw_is_read)
{
    /* "abcabcabcabcabcabcX": 3 literals, a match of 15 at 3, one literal */
    static const char block[] = "\x3B"
                                "abc\x03\x00\x10X";
    char out[64 + PARQUET_SLACK];
    struct parquet_library l = {0};
    struct error e = {0};
    struct text bytes = {block, 8};
    CHECK_INT(parquet_decompress(&l, PARQUET_LZ4_RAW, bytes, out, 19, &e), 0);
    CHECK(memcmp(out, "abcabcabcabcabcabcX", 19) == 0);
    CHECK_INT(parquet_decompress(&l, PARQUET_LZ4_RAW, bytes, out, 20, &e), ERR_DATA);
    bytes.len = 5;
    CHECK_INT(parquet_decompress(&l, PARQUET_LZ4_RAW, bytes, out, 19, &e), ERR_DATA);
}

static void pad(struct buf *b)
{
    buf_reserve(b, PARQUET_SLACK);
    memset(b->at + b->len, 0, PARQUET_SLACK);
}

TEST(hybrid_reads_what_it_wrote)
{
    enum { N = 1000 };
    static uint32_t in[N], out[N];
    for (unsigned width = 0; width <= 32; width++)
        for (uint64_t runs = 1; runs < 40; runs += 9) {
            struct buf b = {0};
            struct hybrid h;
            uint64_t mask = (UINT64_C(1) << width) - 1;
            for (size_t i = 0; i < N; i++)
                in[i] = (uint32_t)(random_bits(width, runs, i / runs) & mask);
            hybrid_write(in, N, width, &b);
            pad(&b);
            hybrid_start(&h, (uint8_t *)b.at, (uint8_t *)b.at + b.len, width);
            for (size_t at = 0, n; at < N; at += n) {
                n = at % 7 * 20 + 1;
                n = n < N - at ? n : N - at;
                CHECK(hybrid_read(&h, out + at, n));
            }
            CHECK(memcmp(in, out, sizeof in) == 0);
            CHECK(!hybrid_read(&h, out, 8));
            buf_release(&b);
        }
}

TEST(hybrid_runs_are_short)
{
    static uint32_t in[10000];
    struct buf b = {0};
    hybrid_write(in, COUNT_OF(in), 1, &b);
    CHECK_INT(b.len, 4); /* a header of three bytes and the value */
    buf_release(&b);
}

static void put_varint(struct buf *b, uint64_t u)
{
    for (; u >= 0x80; u >>= 7)
        buf_putc(b, (char)(u | 0x80));
    buf_putc(b, (char)u);
}

static uint64_t zigzag(int64_t i)
{
    return (uint64_t)i << 1 ^ (uint64_t)(i >> 63);
}

/* Blocks of 128, four miniblocks each. */
static void delta_write(const int64_t *in, size_t n, struct buf *b)
{
    put_varint(b, 128);
    put_varint(b, 4);
    put_varint(b, n);
    put_varint(b, zigzag(n ? in[0] : 0));
    for (size_t at = 1; at < n; at += 128) {
        size_t end = at + 128 < n ? at + 128 : n;
        int64_t least = INT64_MAX;
        for (size_t i = at; i < end; i++) {
            int64_t d = (int64_t)((uint64_t)in[i] - (uint64_t)in[i - 1]);
            least = d < least ? d : least;
        }
        put_varint(b, zigzag(least));
        unsigned widths[4] = {0};
        uint64_t over[128] = {0};
        for (size_t i = at; i < end; i++) {
            over[i - at] = (uint64_t)in[i] - (uint64_t)in[i - 1] - (uint64_t)least;
            unsigned *width = &widths[(i - at) / 32];
            while (*width < 64 && over[i - at] >> *width)
                ++*width;
        }
        for (size_t k = 0; k < 4; k++)
            buf_putc(b, (char)(at + k * 32 < end ? widths[k] : 0xEE)); /* unneeded: anything */
        for (size_t k = 0; k < 4 && at + k * 32 < end; k++)
            for (size_t bit = 0; bit < 32 * widths[k]; bit += 8) {
                unsigned byte = 0;
                for (size_t i = 0; i < 8; i++)
                    byte |=
                        (unsigned)(over[k * 32 + (bit + i) / widths[k]] >> ((bit + i) % widths[k]) &
                                   1)
                        << i;
                buf_putc(b, (char)byte);
            }
    }
}

static void check_delta(const int64_t *in, size_t n)
{
    int64_t out[1000];
    struct buf b = {0};
    struct delta d;
    delta_write(in, n, &b);
    size_t len = b.len;
    buf_puts(&b, "behind");
    pad(&b);
    CHECK(delta_start(&d, (uint8_t *)b.at, (uint8_t *)b.at + b.len));
    CHECK(delta_end(&d) == (uint8_t *)b.at + len);
    for (size_t at = 0, k; at < n; at += k) {
        k = at % 5 * 17 + 1;
        k = k < n - at ? k : n - at;
        CHECK(delta_read(&d, out + at, k));
        CHECK(delta_end(&d) == (uint8_t *)b.at + len);
    }
    CHECK(n == 0 || memcmp(in, out, n * sizeof *in) == 0);
    CHECK(!delta_read(&d, out, 1));
    buf_release(&b);
}

TEST(delta_packed_numbers)
{
    static const int64_t example[] = {7, 5, 3, 1, 2, 3, 4, 5};
    int64_t in[1000];
    check_delta(example, COUNT_OF(example));
    for (unsigned bits = 1; bits <= 64; bits += 3)
        for (size_t n = 0; n < 600; n += 1 + n / 3) {
            for (size_t i = 0; i < n; i++)
                in[i] = (int64_t)(random_bits(bits, n, i) >> (64 - bits));
            check_delta(in, n);
        }
    for (size_t i = 0; i < COUNT_OF(in); i++)
        in[i] = i % 2 ? INT64_MIN : INT64_MAX;
    check_delta(in, COUNT_OF(in));
}

static void check_texts(struct buf *page, enum parquet_encoding encoding, const char *const *want,
                        size_t n)
{
    struct parquet_values v = {.encoding = encoding, .physical = PHYSICAL_BYTES};
    struct arena arena = {0};
    pad(page);
    CHECK(!parquet_values_start(&v, (uint8_t *)page->at, (uint8_t *)page->at + page->len));
    for (size_t i = 0; i < n; i++) { /* one by one, each in an arena of its own */
        struct text t = {NULL, 0};
        CHECK(!parquet_values_read(&v, 1, &t, &arena));
        CHECK(text_equal(t, text_of(want[i])));
        arena_release(&arena);
    }
    struct text t;
    CHECK(parquet_values_read(&v, 1, &t, &arena));
    arena_release(&arena);
    buf_release(&v.before_bytes);
    buf_release(page);
}

TEST(delta_texts)
{
    static const char *const words[] = {"axis", "axle", "babble", "babyhood", "baby", ""};
    static const int64_t prefixes[] = {0, 2, 0, 3, 4, 0}, suffixes[] = {4, 2, 6, 5, 0, 0};
    static const int64_t lengths[] = {4, 4, 6, 8, 4, 0};
    struct buf page = {0};
    delta_write(prefixes, COUNT_OF(words), &page);
    delta_write(suffixes, COUNT_OF(words), &page);
    buf_puts(&page, "axislebabbleyhood");
    check_texts(&page, ENCODING_DELTA_BYTES, words, COUNT_OF(words));
    page = (struct buf){0};
    delta_write(lengths, COUNT_OF(words), &page);
    buf_puts(&page, "axisaxlebabblebabyhoodbaby");
    check_texts(&page, ENCODING_DELTA_LENGTH, words, COUNT_OF(words));
}

TEST(split_bytes)
{
    const double want[] = {1.5, -2.25, 1e300};
    uint8_t page[24 + PARQUET_SLACK] = {0};
    double got[3];
    for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < 8; k++)
            page[k * 3 + i] = ((const uint8_t *)want)[8 * i + k];
    struct parquet_values v = {
        .encoding = ENCODING_BYTE_STREAM_SPLIT, .physical = PHYSICAL_DOUBLE, .width = 8};
    CHECK(!parquet_values_start(&v, page, page + 24));
    CHECK(!parquet_values_read(&v, 2, got, NULL));
    CHECK(!parquet_values_read(&v, 1, got + 2, NULL));
    CHECK(memcmp(got, want, sizeof want) == 0);
    CHECK(parquet_values_read(&v, 1, got, NULL));
}

/* Meanings: stored values and the text they become. */
static void check_int(struct parquet_leaf leaf, int64_t value, const char *want)
{
    struct arena arena = {0};
    struct text t = {NULL, 0};
    leaf.physical = PHYSICAL_INT64;
    leaf.shown.form = FORM_TEXT;
    CHECK(!parquet_mean(&leaf, &value, 1, &t, &arena));
    char *text = arena_text(&arena, t.at, t.len);
    CHECK_TEXT(text, want);
    arena_release(&arena);
}

static void check_decimal(const char *bytes, size_t n, unsigned scale, const char *want)
{
    struct parquet_leaf leaf = {.physical = PHYSICAL_BYTES,
                                .meaning = MEANS_DECIMAL,
                                .scale = scale,
                                .shown = {.form = FORM_TEXT}};
    struct arena arena = {0};
    struct text in = {bytes, n}, t = {NULL, 0};
    CHECK(!parquet_mean(&leaf, &in, 1, &t, &arena));
    char *text = arena_text(&arena, t.at, t.len);
    CHECK_TEXT(text, want);
    arena_release(&arena);
}

TEST(what_numbers_mean)
{
    struct parquet_leaf decimal = {.meaning = MEANS_DECIMAL, .scale = 2};
    check_int(decimal, 12345, "123.45");
    check_int(decimal, -5, "-0.05");
    check_int(decimal, 0, "0.00");
    check_int(decimal, INT64_MIN, "-92233720368547758.08");
    check_decimal("\x01\x00\x00\x00\x00\x00\x00\x00\x00", 9, 0, "18446744073709551616");
    check_decimal("\xFF", 1, 1, "-0.1");
    check_decimal("\x80", 1, 0, "-128");
    check_decimal("", 0, 3, "0.000");
    check_decimal("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"
                  "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x85",
                  37, 1, "-12.3");
    check_int((struct parquet_leaf){.meaning = MEANS_DATE}, -1, "1969-12-31");
    check_int((struct parquet_leaf){.meaning = MEANS_DATE}, -719162, "0001-01-01");
    check_int((struct parquet_leaf){.meaning = MEANS_CLOCK, .unit = 1000}, 45296789,
              "12:34:56.789");
    check_int((struct parquet_leaf){.meaning = MEANS_LOCAL, .unit = 1000000000}, -1,
              "1969-12-31T23:59:59.999999");
    check_int((struct parquet_leaf){.meaning = MEANS_UNSIGNED, .bits = 64}, -1,
              "18446744073709551615");
    struct parquet_leaf instant = {.physical = PHYSICAL_INT64,
                                   .meaning = MEANS_INSTANT,
                                   .unit = 1000,
                                   .shown = {.form = FORM_TIME}};
    int64_t far = INT64_MAX, t;
    CHECK(parquet_mean(&instant, &far, 1, &t, NULL) != NULL);
}

/* Tables: one column of each type. */
static const enum type types[] = {TYPE_INT, TYPE_FLOAT, TYPE_BOOL, TYPE_TIME, TYPE_TEXT, TYPE_JSON};

struct table {
    size_t rows, distinct; /* values there are of each column */
    unsigned missing;      /* one cell in so many is; 0: none */
};

static int64_t value_of(const struct table *t, size_t column, size_t row)
{
    if (t->missing && random_bits(1, column, row) % t->missing == 0)
        return -1;
    return (int64_t)(random_bits(2, column, row) % t->distinct);
}

static struct text text_cell(struct arena *a, enum type type, int64_t v)
{
    if (v < 0)
        return (struct text){NULL, 0};
    if (type != TYPE_JSON && v % 10 == 0)
        return TEXT_LITERAL("");
    return text_of(type == TYPE_JSON ? arena_format(a, "{\"v\":%lld}", (long long)v)
                                     : arena_format(a, "t%lld", (long long)v));
}

static struct batch *make_batch(const struct table *t, size_t from, size_t n)
{
    struct batch *b = batch_new();
    b->rows = n;
    for (size_t c = 0; c < COUNT_OF(types); c++) {
        int64_t *i = batch_array(b, n, sizeof *i);
        double *f = batch_array(b, n, sizeof *f);
        uint8_t *truth = batch_array(b, n, 1);
        struct text *text = batch_array(b, n, sizeof *text);
        for (size_t r = 0; r < n; r++) {
            int64_t v = value_of(t, c, from + r);
            i[r] = v < 0 ? INT_MISSING : v * 1000003 - 77;
            f[r] = v < 0 ? (double)NAN : (double)v / 7;
            truth[r] = v < 0 ? BOOL_MISSING : v & 1;
            text[r] = text_cell(&b->arena, types[c], v);
        }
        struct column made[] = {
            [TYPE_INT] = column_of_int(i),       [TYPE_FLOAT] = column_of_double(f),
            [TYPE_BOOL] = column_of_bool(truth), [TYPE_TIME] = column_of_time(i),
            [TYPE_TEXT] = column_of_text(text),  [TYPE_JSON] = column_of_json(text)};
        batch_add(b, made[types[c]]);
    }
    return b;
}

static struct schema all_types(void)
{
    struct schema s = {0};
    for (size_t c = 0; c < COUNT_OF(types); c++)
        schema_add(&s, text_of(type_name(types[c])), types[c]);
    return s;
}

/* The bytes of the table as a file; batches of `step` rows. */
static struct buf write_table(const struct table *t, const struct parquet_options *o, size_t step)
{
    struct schema s = all_types();
    struct sink *sink = NULL;
    struct parquet_writer *w = NULL;
    struct error e = {0};
    struct buf bytes = {0};
    const char *path = in_folder("x.parquet");
    CHECK_INT(sink_open(path, &sink, &e), 0);
    CHECK_INT(parquet_writer_new(&s, o, sink, &w, &e), 0);
    struct parquet_rows *rows = parquet_rows_new(w);
    for (size_t at = 0, n; at < t->rows; at += n) {
        n = step < t->rows - at ? step : t->rows - at;
        struct batch *b = make_batch(t, at, n);
        CHECK_INT(parquet_convert(w, b, rows, &e), 0);
        batch_free(b);
        if (at % 2)
            CHECK_INT(parquet_append(w, rows, &e), 0);
    }
    CHECK_INT(parquet_append(w, rows, &e), 0);
    CHECK_INT(parquet_finish(w, &e), 0);
    CHECK_INT(sink_commit(sink, &e), 0);
    CHECK_INT(file_load(path, 1 << 26, &bytes, &e), 0);
    parquet_rows_free(rows);
    parquet_writer_free(w);
    schema_release(&s);
    return bytes;
}

static int read_memory(void *context, uint64_t offset, void *into, size_t n, struct error *e)
{
    const struct buf *b = context;
    if (offset > b->len || n > b->len - offset)
        return error_set(e, ERR_SYSTEM, "read beyond the end");
    memcpy(into, b->at + offset, n);
    return 0;
}

static int open_memory(struct buf *bytes, struct parquet_file **f, struct error *e)
{
    struct parquet_bytes source = {read_memory, bytes, bytes->len, "x.parquet"};
    return parquet_open(&source, f, e);
}

static bool same_cell(const struct column *a, const struct column *b, size_t row)
{
    switch (a->form) {
    case FORM_BOOL:
        return a->b8[row] == b->b8[row];
    case FORM_TEXT:
    case FORM_JSON:
        return text_equal(a->text[row], b->text[row]);
    case FORM_FLOAT:
        return isnan(a->f64[row]) ? isnan(b->f64[row]) : a->f64[row] == b->f64[row];
    default:
        return a->i64[row] == b->i64[row];
    }
}

static void check_group(const struct table *t, const struct parquet_file *f, size_t group,
                        size_t from, size_t step)
{
    size_t rows = (size_t)parquet_group_rows(f, group);
    struct error e = {0};
    for (size_t c = 0; c < parquet_columns(f); c++) {
        struct parquet_cursor *cursor = NULL;
        CHECK_INT(parquet_cursor_open(f, group, c, &cursor, &e), 0);
        for (size_t at = 0, n, passed = 0; at < rows; at += n) {
            n = step < rows - at ? step : rows - at;
            if (step > 1 && passed++ % 3 == 1) {
                CHECK_INT(parquet_cursor_skip(cursor, n, &e), 0);
                continue;
            }
            struct batch *got = batch_new(), *want = make_batch(t, from + at, n);
            struct column column;
            CHECK_INT(parquet_cursor_read(cursor, n, got, &column, &e), 0);
            CHECK(column.form == want->columns.at[c].form);
            bool same = true;
            for (size_t r = 0; r < n; r++)
                same &= same_cell(&want->columns.at[c], &column, r);
            CHECK(same);
            batch_free(got);
            batch_free(want);
        }
        struct batch *none = batch_new();
        struct column column;
        CHECK_INT(parquet_cursor_read(cursor, 1, none, &column, &e), ERR_DATA);
        batch_free(none);
        parquet_cursor_close(cursor);
    }
}

static void check_table(const struct table *t, const struct parquet_options *o)
{
    struct buf bytes = write_table(t, o, 100), other;
    struct parquet_options parallel = *o;
    struct parquet_file *f = NULL;
    struct error e = {0};
    parallel.jobs = 3;
    other = write_table(t, &parallel, 37);
    CHECK(bytes.len == other.len && memcmp(bytes.at, other.at, bytes.len) == 0);
    buf_release(&other);
    CHECK_INT(open_memory(&bytes, &f, &e), 0);
    CHECK_TEXT(e.message, "");
    if (f) {
        CHECK_INT(parquet_rows(f), t->rows);
        CHECK_INT(parquet_columns(f), COUNT_OF(types));
        size_t from = 0;
        for (size_t g = 0; g < parquet_groups(f); g++) {
            check_group(t, f, g, from, 1 + g % 3 * 50);
            from += (size_t)parquet_group_rows(f, g);
        }
        CHECK_INT(from, t->rows);
    }
    parquet_close(f);
    buf_release(&bytes);
}

TEST(tables_come_back)
{
    static const struct table tables[] = {
        {0, 10, 0},      {1, 10, 0},        {1, 10, 1},      {8, 1, 0},      {1000, 5, 3},
        {1000, 5000, 3}, {3000, 100000, 0}, {3000, 3, 1000}, {2500, 300, 2}, {700, 70, 1},
    };
    static const struct parquet_options options[] = {
        {.codec = PARQUET_SNAPPY},
        {.codec = PARQUET_NONE, .group_rows = 1000, .page_bytes = 500},
        {.codec = PARQUET_GZIP, .group_rows = 333, .page_bytes = 1},
        {.codec = PARQUET_SNAPPY, .group_rows = 128, .page_bytes = 100},
    };
    for (size_t i = 0; i < COUNT_OF(tables); i++)
        for (size_t k = 0; k < COUNT_OF(options); k++)
            if (options[k].page_bytes != 1 || tables[i].rows <= 1000)
                check_table(&tables[i], &options[k]);
}

TEST(groups_of_one_row)
{
    struct table t = {12, 4, 3};
    struct parquet_options o = {.codec = PARQUET_NONE, .group_rows = 1};
    check_table(&t, &o);
}

TEST(ranges_of_groups)
{
    struct table t = {1000, 500, 4};
    struct parquet_options o = {.codec = PARQUET_SNAPPY, .group_rows = 300};
    struct buf bytes = write_table(&t, &o, 100);
    struct parquet_file *f = NULL;
    struct error e = {0};
    CHECK_INT(open_memory(&bytes, &f, &e), 0);
    for (size_t g = 0; f && g < parquet_groups(f); g++) {
        struct batch *b = make_batch(&t, g * 300, (size_t)parquet_group_rows(f, g));
        struct parquet_range ints = parquet_range(f, g, 0), floats = parquet_range(f, g, 1);
        struct parquet_range texts = parquet_range(f, g, 4);
        int64_t missing = 0;
        CHECK(ints.bounded && floats.bounded && texts.bounded);
        for (size_t r = 0; r < b->rows; r++) {
            int64_t i = b->columns.at[0].i64[r];
            double d = b->columns.at[1].f64[r];
            struct text v = b->columns.at[4].text[r];
            missing += i == INT_MISSING;
            CHECK(i == INT_MISSING || (ints.min.i <= i && i <= ints.max.i));
            CHECK(isnan(d) || (floats.min.f <= d && d <= floats.max.f));
            CHECK(!v.at ||
                  (text_compare(texts.min.t, v) <= 0 && text_compare(v, texts.max.t) <= 0));
        }
        CHECK_INT(ints.missing, missing);
        batch_free(b);
    }
    parquet_close(f);
    buf_release(&bytes);
}

TEST(no_columns_are_refused)
{
    struct schema s = {0};
    struct parquet_options o = {0};
    struct parquet_writer *w = NULL;
    struct error e = {0};
    CHECK_INT(parquet_writer_new(&s, &o, NULL, &w, &e), ERR_DATA);
}

/* Reads all there is; false at the first error, which must be one of data. */
static bool read_all(struct buf *bytes)
{
    struct parquet_file *f = NULL;
    struct error e = {0};
    int status = open_memory(bytes, &f, &e);
    for (size_t g = 0; status == 0 && g < parquet_groups(f); g++)
        for (size_t c = 0; status == 0 && c < parquet_columns(f); c++) {
            struct parquet_cursor *cursor = NULL;
            struct batch *b = batch_new();
            struct column column;
            uint64_t rows = parquet_group_rows(f, g);
            (void)parquet_range(f, g, c);
            status = parquet_cursor_open(f, g, c, &cursor, &e);
            if (status == 0)
                status =
                    parquet_cursor_read(cursor, rows < 1000 ? (size_t)rows : 1000, b, &column, &e);
            parquet_cursor_close(cursor);
            batch_free(b);
        }
    parquet_close(f);
    CHECK(status == 0 || status == ERR_DATA);
    return status == 0;
}

TEST(truncated_anywhere_is_an_error)
{
    struct table t = {20, 5, 4};
    struct parquet_options o = {.codec = PARQUET_SNAPPY, .group_rows = 10};
    struct buf bytes = write_table(&t, &o, 100);
    CHECK(read_all(&bytes));
    for (size_t n = 0; n < bytes.len; n++) {
        struct buf cut = {mem_copy(bytes.at, n ? n : 1), n, n};
        CHECK(!read_all(&cut));
        buf_release(&cut);
    }
    buf_release(&bytes);
}

TEST(damaged_anywhere_is_survived)
{
    struct table t = {60, 12, 4};
    static const enum parquet_codec codecs[] = {PARQUET_NONE, PARQUET_SNAPPY};
    for (size_t k = 0; k < COUNT_OF(codecs); k++) {
        struct parquet_options o = {.codec = codecs[k], .group_rows = 40, .page_bytes = 64};
        struct buf bytes = write_table(&t, &o, 100);
        size_t wrong = 0;
        for (size_t at = 0; at < bytes.len; at++)
            for (unsigned way = 0; way < 3; way++) {
                char was = bytes.at[at];
                bytes.at[at] = (char)(way == 0 ? was ^ 1 : way == 1 ? was ^ 0x80 : 0xFF);
                wrong += !read_all(&bytes);
                bytes.at[at] = was;
            }
        CHECK(wrong > bytes.len); /* checksums see to the pages */
        CHECK(read_all(&bytes));
        buf_release(&bytes);
    }
}

static int convert_cells(const char *const *cells, size_t n, enum type type, struct error *e)
{
    struct schema s = {0};
    struct parquet_options o = {0};
    struct parquet_writer *w = NULL;
    struct sink *sink = NULL;
    struct batch *b = batch_new();
    schema_add(&s, text_of("x"), type);
    struct text *text = batch_array(b, n, sizeof *text);
    for (size_t i = 0; i < n; i++)
        text[i] = cells[i] ? text_of(cells[i]) : (struct text){NULL, 0};
    batch_add(b, column_of_text(text));
    b->rows = n;
    CHECK_INT(sink_open(in_folder("y.parquet"), &sink, e), 0);
    CHECK_INT(parquet_writer_new(&s, &o, sink, &w, e), 0);
    struct parquet_rows *rows = parquet_rows_new(w);
    int status = parquet_convert(w, b, rows, e);
    parquet_rows_free(rows);
    parquet_writer_free(w);
    sink_abort(sink);
    batch_free(b);
    schema_release(&s);
    return status;
}

TEST(cells_must_be_of_the_type)
{
    static const char *const ints[] = {"1", NULL, "-5", "3.0"}, *const half[] = {"1", "1.5"};
    static const char *const code[] = {"007"}, *const word[] = {"x"};
    struct error e = {0};
    CHECK_INT(convert_cells(ints, COUNT_OF(ints), TYPE_INT, &e), 0);
    CHECK_INT(convert_cells(half, COUNT_OF(half), TYPE_FLOAT, &e), 0);
    CHECK_INT(convert_cells(half, COUNT_OF(half), TYPE_INT, &e), ERR_DATA);
    CHECK(strstr(e.message, "column 'x': '1.5' is not an integer") != NULL);
    CHECK(strstr(e.message, "--types 'x:text'") != NULL);
    CHECK_INT(convert_cells(code, 1, TYPE_INT, &e), ERR_DATA);
    CHECK_INT(convert_cells(word, 1, TYPE_FLOAT, &e), ERR_DATA);
    CHECK_INT(convert_cells(word, 1, TYPE_BOOL, &e), ERR_DATA);
    CHECK_INT(convert_cells(word, 1, TYPE_TIME, &e), ERR_DATA);
    CHECK_INT(convert_cells(word, 1, TYPE_JSON, &e), ERR_DATA);
    CHECK_INT(convert_cells(word, 1, TYPE_TEXT, &e), 0);
}
