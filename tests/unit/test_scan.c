/* Every kernel against the scalar reference, on random bytes rich in what CSV cares about. */
#include "table/scan.h"
#include "unit.h"

static const char alphabet[] = "aaab,,\"\"\"\n\n\r\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80";

/* n bytes and the slack behind them. */
static char *random_text(uint64_t seed, size_t n, bool ends_with_newline)
{
    char *text = mem_alloc(n + SCAN_SLACK);
    for (size_t i = 0; i < n; i++)
        text[i] = alphabet[random_below(seed, 1, i, sizeof alphabet - 1)];
    if (n && ends_with_newline)
        text[n - 1] = '\n';
    return text;
}

/* A regular table: quoted cells with everything inside, plain ones, CRLF now and then. */
static void regular_text(uint64_t seed, size_t stride, size_t rows, struct buf *out)
{
    uint64_t draw = 0;
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < stride; c++) {
            uint64_t n = random_below(seed, 2, draw++, 70);
            bool quoted = random_below(seed, 2, draw++, 3) == 0;
            if (quoted)
                buf_putc(out, '"');
            for (uint64_t i = 0; i < n; i++)
                buf_puts(out, quoted ? (const char *[]){"x", ",", "\n", "\"\"",
                                                        "\r"}[random_below(seed, 3, draw++, 5)]
                                     : "y");
            if (quoted)
                buf_putc(out, '"');
            if (c + 1 < stride)
                buf_putc(out, ',');
            else
                buf_puts(out, random_below(seed, 2, draw++, 4) ? "\n" : "\r\n");
        }
    buf_reserve(out, SCAN_SLACK);
    memset(out->at + out->len, 0, SCAN_SLACK);
}

static size_t each_level(const struct scan_kernels *out[static 4])
{
    size_t n = 0;
    for (enum simd level = SIMD_SSE2; level <= simd_level() && level <= SIMD_NEON; level++)
        if (scan_kernels(level) != &scan_scalar)
            out[n++] = scan_kernels(level);
    return n;
}

static const struct scan_chars csv = {',', '"', '\n'}, plain = {'\t', '\n', '\n'};

TEST(totals_agree)
{
    const struct scan_kernels *kernels[4];
    size_t count = each_level(kernels);
    for (uint64_t seed = 0; seed < 3000; seed++) {
        size_t n = (size_t)random_below(seed, 0, 0, 300);
        char *text = random_text(seed, n, seed % 2);
        for (size_t k = 0; k < count; k++)
            for (int dialect = 0; dialect < 2; dialect++) {
                struct scan_chars chars = dialect ? plain : csv;
                struct scan_totals want = scan_scalar.totals(text, n, chars);
                struct scan_totals got = kernels[k]->totals(text, n, chars);
                CHECK_INT(got.records, want.records);
                CHECK_INT(got.lines, want.lines);
                CHECK_INT(got.odd, want.odd);
            }
        mem_free(text);
    }
}

/* Going forward byte by byte from a known state. */
TEST(the_last_end_is_found_from_behind)
{
    for (uint64_t seed = 0; seed < 3000; seed++) {
        size_t n = (size_t)random_below(seed, 0, 0, 300), end = 0;
        char *text = random_text(seed, n, false);
        bool inside = seed % 2;
        uint64_t lines = 0, got;
        for (size_t i = 0; i < n; i++) {
            inside ^= text[i] == '"';
            lines += text[i] == '\n';
            if (text[i] == '\n' && !inside) {
                end = i + 1;
                lines = 0;
            }
        }
        CHECK_INT(scan_last_end(text, n, csv, inside, &got), end);
        CHECK_INT(got, lines);
        mem_free(text);
    }
}

/* Runs to the end, growing the index as its contract says. */
static void run_index(const struct scan_kernels *k, struct scan_index *s, size_t cap)
{
    s->at = mem_array(NULL, cap, sizeof *s->at);
    s->cap = cap;
    s->at[0] = 0;
    s->count = 1;
    s->before = 1;
    while (!k->index(s) && !s->problem) {
        s->cap *= 2;
        s->at = mem_array(s->at, s->cap, sizeof *s->at);
    }
}

TEST(regular_tables_are_indexed_alike)
{
    const struct scan_kernels *kernels[4];
    size_t count = each_level(kernels);
    for (uint64_t seed = 0; seed < 300; seed++) {
        size_t stride = 1 + (size_t)random_below(seed, 0, 1, 9), rows = 1 + (size_t)(seed % 40);
        struct buf text = {0};
        regular_text(seed, stride, rows, &text);
        struct scan_index want = {
            .text = text.at, .n = text.len, .chars = csv, .stride = (uint32_t)stride};
        run_index(&scan_scalar, &want, 1 << 16);
        CHECK_INT(want.problem, SCAN_REGULAR);
        CHECK_INT(want.rows, rows);
        CHECK_INT(want.count, rows * stride + 1);
        for (size_t k = 0; k < count; k++) {
            struct scan_index got = {
                .text = text.at, .n = text.len, .chars = csv, .stride = (uint32_t)stride};
            run_index(kernels[k], &got, 256);
            CHECK_INT(got.problem, SCAN_REGULAR);
            CHECK_INT(got.rows, want.rows);
            CHECK_INT(got.count, want.count);
            CHECK(memcmp(got.at, want.at, want.count * sizeof *want.at) == 0);
            mem_free(got.at);
        }
        mem_free(want.at);
        buf_release(&text);
    }
}

TEST(irregular_texts_are_found_alike)
{
    const struct scan_kernels *kernels[4];
    size_t count = each_level(kernels), irregular = 0;
    for (uint64_t seed = 0; seed < 3000; seed++) {
        size_t n = 1 + (size_t)random_below(seed, 0, 0, 200);
        char *text = random_text(seed, n, true);
        struct scan_index want = {.text = text, .n = n, .chars = csv, .stride = 2};
        run_index(&scan_scalar, &want, 1 << 12);
        irregular += want.problem != SCAN_REGULAR;
        for (size_t k = 0; k < count; k++) {
            struct scan_index got = {.text = text, .n = n, .chars = csv, .stride = 2};
            run_index(kernels[k], &got, 256);
            CHECK_INT(got.problem != SCAN_REGULAR, want.problem != SCAN_REGULAR);
            mem_free(got.at);
        }
        mem_free(want.at);
        mem_free(text);
    }
    CHECK(irregular > 1000);
}

TEST(utf8_is_judged_alike)
{
    const struct scan_kernels *kernels[4];
    size_t count = each_level(kernels);
    for (uint64_t seed = 0; seed < 20000; seed++) {
        size_t n = (size_t)random_below(seed, 0, 0, 150);
        char *text = mem_alloc(n + SCAN_SLACK);
        for (size_t i = 0; i < n; i++) { /* whole characters, and now and then a stray byte */
            uint32_t c = (uint32_t)random_below(seed, 4, i, 4)
                             ? 'a'
                             : (uint32_t)random_below(seed, 5, i, 0x110000);
            char bytes[4];
            size_t len = utf8_print(bytes, c ? c : 1);
            if (len > n - i)
                len = n - i;
            memcpy(text + i, bytes, len);
            i += len - 1;
        }
        if (n && seed % 2)
            text[random_below(seed, 6, 0, n)] = (char)random_bits(seed, 7, 0);
        size_t want = scan_valid_scalar(text, n);
        for (size_t k = 0; k < count; k++)
            CHECK_INT(kernels[k]->valid(text, n), want);
        mem_free(text);
    }
}

TEST(every_two_and_three_bytes_are_judged_alike)
{
    const struct scan_kernels *kernels[4];
    size_t count = each_level(kernels);
    char text[40 + SCAN_SLACK];
    memset(text, 'a', sizeof text);
    for (uint32_t v = 0; v < 1u << 24; v += v < 0xC00000 ? 257 : 61) {
        text[30] = (char)(v >> 16);
        text[31] = (char)(v >> 8);
        text[32] = (char)v;
        size_t want = scan_valid_scalar(text, 40);
        for (size_t k = 0; k < count; k++)
            CHECK_INT(kernels[k]->valid(text, 40), want);
    }
}
