#include "unit.h"

#include "table/csv_read.h"
#include "table/rows.h"

#include <math.h>

static struct format csv;

/* A chunk of CSV, parsed; rows that are not regular make it cells instead of views. */
static struct batch *chunk(const char *text, size_t cells)
{
    struct batch *b = batch_new();
    struct error e = {0};
    struct csv_reader reader;
    csv = format_csv(',');
    csv_reader_init(&reader, &csv, '\n', RAGGED_PAD, simd_level());
    reader.cells = cells;
    buf_puts(&b->text, text);
    buf_reserve(&b->text, SCAN_SLACK);
    memset(b->text.at + b->text.len, 0, SCAN_SLACK);
    b->format = &csv;
    CHECK_INT(csv_parse_chunk(&reader, b, &e), 0);
    for (size_t i = 0; i < cells; i++)
        b->columns.at[i].source = (int32_t)i;
    return b;
}

/* Packs rows[] of b behind the others. */
static void pack(struct batch *b, const size_t *rows, size_t n, struct row_origin *origin,
                 struct buf *bytes, size_t *ends, size_t *count)
{
    struct row_packer packer = row_packer(b);
    row_origin_see(origin, b);
    for (size_t i = 0; i < n; i++) {
        row_packer_put(&packer, rows[i], bytes);
        ends[(*count)++] = bytes->len;
    }
}

/* Packed rows as a batch, their bytes in its text (or arena), the order turned round when
 * backwards. */
static struct batch *unpack(const struct row_origin *origin, const struct buf *bytes,
                            const size_t *ends, size_t n, bool in_arena, bool backwards)
{
    struct batch *b = batch_new();
    struct text *rows = batch_array(b, n, sizeof *rows);
    const char *at;
    if (in_arena) {
        at = arena_copy(&b->arena, bytes->at, bytes->len);
    } else {
        buf_add(&b->text, bytes->at, bytes->len);
        buf_reserve(&b->text, SCAN_SLACK);
        at = b->text.at;
    }
    for (size_t i = 0; i < n; i++) {
        size_t start = i ? ends[i - 1] : 0;
        rows[backwards ? n - 1 - i : i] = (struct text){at + start, ends[i] - start};
    }
    rows_unpack(b, origin, rows, n, NULL);
    return b;
}

static void check_csv(struct batch *b, const char *want)
{
    struct schema schema = {0};
    struct writer w = {.format = format_csv(','), .schema = &schema};
    struct buf out = {0};
    write_batch(&w, b, &out);
    CHECK_TEXT(buf_text(&out), want);
    buf_release(&out);
}

static void check_chunk(const char *text, size_t cells, const size_t *rows, size_t n,
                        const char *want, const char *want_backwards)
{
    struct row_origin origin = {0};
    struct buf bytes = {0};
    size_t ends[16], count = 0;
    struct batch *from = chunk(text, cells);
    pack(from, rows, n, &origin, &bytes, ends, &count);
    for (int way = 0; way < 4; way++) {
        struct batch *b = unpack(&origin, &bytes, ends, count, way & 1, way & 2);
        CHECK_INT(b->rows, n);
        CHECK_INT(b->columns.len, cells);
        check_csv(b, way & 2 ? want_backwards : want);
        CHECK_INT(b->columns.at[cells - 1].source, cells - 1);
        batch_free(b);
    }
    batch_free(from);
    buf_release(&bytes);
    row_origin_release(&origin);
}

TEST(records_leave_byte_for_byte)
{
    size_t rows[] = {2, 0};
    check_chunk("1,\"a \"\"b\"\"\"\n2,\n3,\"x\ny\"\n", 2, rows, 2,
                "3,\"x\ny\"\n1,\"a \"\"b\"\"\"\n", "1,\"a \"\"b\"\"\"\n3,\"x\ny\"\n");
}

TEST(carriage_returns_go)
{
    size_t rows[] = {1, 0};
    check_chunk("1,a\r\n2,b\r\n", 2, rows, 2, "2,b\n1,a\n", "1,a\n2,b\n");
}

TEST(cells_of_irregular_chunks_leave_byte_for_byte)
{
    size_t rows[] = {1, 0};
    check_chunk("1,\"a\"\n2\n", 2, rows, 2, "2,\n1,\"a\"\n", "1,\"a\"\n2,\n");
}

TEST(records_and_cells_side_by_side)
{
    struct row_origin origin = {0}, other = {0};
    struct buf bytes = {0};
    size_t ends[16], count = 0, all[] = {0, 1};
    struct batch *regular = chunk("1,\"a,b\"\r\n2,\n", 2), *irregular = chunk("3\n\"4\",d\n", 2);
    pack(regular, all, 2, &origin, &bytes, ends, &count);
    pack(irregular, all, 2, &other, &bytes, ends, &count);
    row_origin_merge(&origin, &other);
    struct batch *b = unpack(&origin, &bytes, ends, count, false, true);
    check_csv(b, "\"4\",d\n3,\n2,\n1,\"a,b\"\n");
    batch_free(b);
    batch_free(regular);
    batch_free(irregular);
    buf_release(&bytes);
    row_origin_release(&origin);
    row_origin_release(&other);
}

TEST(rows_of_a_file_written_otherwise_become_values)
{
    struct row_origin origin = {0}, other = {0};
    struct buf bytes = {0};
    size_t ends[16], count = 0, all[] = {0, 1};
    struct batch *second = chunk("3,\"c\"\n4,\"d,e\"\n", 2), *first = chunk("1,\"a\"\n2,b\n", 2);
    struct format tabs = format_csv('\t');
    first->format = &tabs; /* its cells would be written otherwise: none of them holds a tab */
    second->part = 1;
    pack(second, all, 2, &origin, &bytes, ends, &count);
    pack(first, all, 2, &other, &bytes, ends, &count);
    row_origin_merge(&origin, &other);
    CHECK(origin.format == &tabs);
    bytes.len = ends[1];
    struct batch *b = unpack(&origin, &bytes, ends, 2, false, true);
    CHECK_INT(b->columns.at[1].form, FORM_TEXT);
    check_csv(b, "4,\"d,e\"\n3,c\n");
    batch_free(b);
    batch_free(first);
    batch_free(second);
    buf_release(&bytes);
    row_origin_release(&origin);
    row_origin_release(&other);
}

TEST(a_moved_column_is_packed_by_cells)
{
    struct row_origin origin = {0};
    struct buf bytes = {0};
    size_t ends[16], count = 0, all[] = {0, 1};
    struct batch *from = chunk("1,\"a\"\n2,b\n", 2);
    batch_move(from, 1, 0);
    CHECK(!row_packer(from).whole);
    pack(from, all, 2, &origin, &bytes, ends, &count);
    struct batch *b = unpack(&origin, &bytes, ends, count, false, false);
    check_csv(b, "\"a\",1\nb,2\n");
    CHECK_INT(b->columns.at[0].source, 1);
    batch_free(b);
    batch_free(from);
    buf_release(&bytes);
    row_origin_release(&origin);
}

TEST(values_of_every_form)
{
    const struct text texts[] = {{"x", 1}, {NULL, 0}, {"", 0}};
    const struct text json[] = {{"[1]", 3}, {NULL, 0}, {"{}", 2}};
    const int64_t ints[] = {5, INT_MISSING, INT64_MAX};
    const double doubles[] = {0.1, (double)NAN, -1e300};
    const struct number numbers[] = {{.i = 7, .is_int = true}, {.f = 0.5}, {.f = (double)NAN}};
    const uint8_t bools[] = {1, BOOL_MISSING, 0};
    const usec times[] = {0, INT_MISSING, 86400000000};
    struct batch *from = batch_new();
    from->rows = 3;
    batch_add(from, column_of_text(texts));
    batch_add(from, column_of_int(ints));
    batch_add(from, column_of_double(doubles));
    batch_add(from, column_of_number(numbers));
    batch_add(from, column_of_bool(bools));
    batch_add(from, column_of_time(times));
    batch_add(from, column_of_json(json));
    struct row_origin origin = {0};
    struct buf bytes = {0};
    size_t ends[16], count = 0, all[] = {0, 1, 2};
    pack(from, all, 3, &origin, &bytes, ends, &count);
    struct batch *b = unpack(&origin, &bytes, ends, count, true, false);
    CHECK_INT(b->columns.at[1].form, FORM_INT);
    CHECK_INT(b->columns.at[2].form, FORM_FLOAT);
    CHECK_INT(b->columns.at[3].form, FORM_NUMBER);
    CHECK_INT(b->columns.at[4].form, FORM_BOOL);
    CHECK_INT(b->columns.at[5].form, FORM_TIME);
    CHECK_INT(b->columns.at[6].form, FORM_JSON);
    check_csv(b, "x,5,0.1,7,true,1970-01-01T00:00:00Z,[1]\n,,,0.5,,,\n"
                 "\"\",9223372036854775807,-1e+300,,false,1970-01-02T00:00:00Z,{}\n");
    batch_free(b);
    batch_free(from);
    buf_release(&bytes);
    row_origin_release(&origin);
}
