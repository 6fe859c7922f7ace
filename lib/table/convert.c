/* Conversions: from cells as they came to text, numbers, times and booleans, a column at a time. */
#include "table/cells.h"
#include "table/numbers.h"

#include <math.h>

static struct text csv_value(const struct format *f, struct text raw, struct arena *arena)
{
    if (raw.len == 0)
        return (struct text){NULL, 0};
    bool quoted = f->quote && raw.len >= 2 && raw.at[0] == f->quote;
    struct text in = quoted ? (struct text){raw.at + 1, raw.len - 2} : raw;
    char escape = f->backslash ? '\\' : f->quote;
    if ((!quoted && !f->backslash) || !memchr(in.at, escape, in.len))
        return in;
    char *out = arena_alloc(arena, in.len);
    size_t n = 0;
    for (size_t i = 0; i < in.len; i++) {
        if (in.at[i] == escape && i + 1 < in.len)
            i++;
        out[n++] = in.at[i];
    }
    return (struct text){out, n};
}

static struct text json_value(struct text raw, struct arena *arena)
{
    if (!raw.at || raw.len == 0)
        return (struct text){NULL, 0};
    if (raw.at[0] == 'n')
        return (struct text){NULL, 0};
    if (raw.at[0] != '"')
        return raw;
    struct text inner = {raw.at + 1, raw.len - 2};
    if (!memchr(inner.at, '\\', inner.len))
        return inner;
    struct buf decoded = {0};
    json_unescape(&decoded, inner);
    const char *copy = arena_text(arena, decoded.at ? decoded.at : "", decoded.len);
    inner = (struct text){copy, decoded.len};
    buf_release(&decoded);
    return inner;
}

struct text cell_value(const struct format *f, struct text raw, struct arena *arena)
{
    if (!raw.at)
        return raw;
    if (f->kind == FORMAT_PARQUET) /* there are only values */
        return raw;
    return f->kind == FORMAT_JSONL ? json_value(raw, arena) : csv_value(f, raw, arena);
}

static struct text text_of_double(struct arena *a, double f)
{
    if (isnan(f))
        return (struct text){NULL, 0};
    char digits[NUMBER_MAX];
    size_t n = number_print(digits, f);
    return (struct text){arena_copy(a, digits, n), n};
}

static struct text text_of_int(struct arena *a, int64_t i)
{
    if (i == INT_MISSING)
        return (struct text){NULL, 0};
    char digits[NUMBER_MAX];
    size_t n = number_print_int(digits, i);
    return (struct text){arena_copy(a, digits, n), n};
}

static struct text text_of_time(struct arena *a, usec t)
{
    if (t == INT_MISSING)
        return (struct text){NULL, 0};
    char out[TIME_MAX];
    size_t n = time_print(out, t);
    return (struct text){arena_copy(a, out, n), n};
}

static struct text text_of_bool(uint8_t v)
{
    if (v == BOOL_MISSING)
        return (struct text){NULL, 0};
    return v ? TEXT_LITERAL("true") : TEXT_LITERAL("false");
}

struct text batch_cell(struct batch *b, size_t column, size_t row)
{
    const struct column *c = &b->columns.at[column];
    switch (c->form) {
    case FORM_VIEW:
    case FORM_RAW:
        return raw_value(b, raw_cell(b, c, row));
    case FORM_TEXT:
    case FORM_JSON:
        return c->text[row];
    case FORM_INT:
        return text_of_int(&b->arena, c->i64[row]);
    case FORM_FLOAT:
        return text_of_double(&b->arena, c->f64[row]);
    case FORM_NUMBER:
        return c->number[row].is_int ? text_of_int(&b->arena, c->number[row].i)
                                     : text_of_double(&b->arena, c->number[row].f);
    case FORM_BOOL:
        return text_of_bool(c->b8[row]);
    case FORM_TIME:
        return text_of_time(&b->arena, c->i64[row]);
    }
    return (struct text){NULL, 0};
}

bool batch_missing(struct batch *b, size_t column, size_t row)
{
    const struct column *c = &b->columns.at[column];
    switch (c->form) {
    case FORM_INT:
    case FORM_TIME:
        return c->i64[row] == INT_MISSING;
    case FORM_FLOAT:
        return isnan(c->f64[row]);
    case FORM_NUMBER:
        return !c->number[row].is_int && isnan(c->number[row].f);
    case FORM_BOOL:
        return c->b8[row] == BOOL_MISSING;
    case FORM_TEXT:
    case FORM_JSON:
        return !c->text[row].at;
    case FORM_VIEW:
    case FORM_RAW:
        break;
    }
    return !batch_cell(b, column, row).at;
}

const struct text *batch_text(struct batch *b, size_t column)
{
    struct column *c = &b->columns.at[column];
    if (c->form == FORM_TEXT || c->form == FORM_JSON)
        return c->text;
    if (c->as_text)
        return c->as_text;
    struct text *out = batch_array(b, b->rows, sizeof *out);
    for (size_t r = 0; r < b->rows; r++)
        out[r] = batch_cell(b, column, r);
    c->as_text = out;
    return out;
}

static int reject_cell(struct batch *b, size_t row, size_t column, const char *name,
                       const char *wanted, struct error *e)
{
    struct error local = {0};
    if (!e)
        e = &local;
    struct text v = batch_cell(b, column, row);
    char quoted[QUOTE_MAX];
    error_set(e, ERR_DATA, "%s is not %s", quote(quoted, v.at, v.len), wanted);
    return batch_reject(b, row, column, name, e);
}

/* --na 999: a number that is none. */
static bool some_na_is_number(const struct batch *b)
{
    double f;
    for (size_t i = 0; b->policy && i < b->policy->na_count; i++)
        if (number_parse_double(b->policy->na[i].at, b->policy->na[i].len, &f))
            return true;
    return false;
}

/* The cell of row r, which is not plainly a number: quoted, a missing token, or wrong. */
static int double_of_cell(struct batch *b, size_t column, size_t r, const char *name, double *out,
                          struct error *e)
{
    struct text v = raw_value(b, raw_cell(b, &b->columns.at[column], r));
    if (v.at && number_parse_double(v.at, v.len, &out[r]))
        return 0;
    out[r] = (double)NAN;
    return v.at && reject_cell(b, r, column, name, "a number", e) ? (e ? e->code : ERR_DATA) : 0;
}

static int doubles_of_raw(struct batch *b, size_t column, const char *name, double *out,
                          struct error *e)
{
    const struct column *c = &b->columns.at[column];
    bool fast = c->form == FORM_VIEW && !some_na_is_number(b);
    number_kernel *kernel = number_kernel_of(simd_level());
    int status = 0;
    for (size_t r = 0; r < b->rows && status == 0; r++) {
        if (fast)
            r = kernel(b, c, r, out);
        if (r < b->rows)
            status = double_of_cell(b, column, r, name, out, e);
    }
    return status;
}

static int doubles_of_text(struct batch *b, size_t column, const char *name, double *out,
                           struct error *e)
{
    const struct text *t = b->columns.at[column].text;
    for (size_t r = 0; r < b->rows; r++) {
        out[r] = (double)NAN;
        if (t[r].at && !number_parse_double(t[r].at, t[r].len, &out[r]) &&
            reject_cell(b, r, column, name, "a number", e))
            return e ? e->code : ERR_DATA;
    }
    return 0;
}

static int fill_doubles(struct batch *b, size_t column, const char *name, double *out,
                        struct error *e)
{
    const struct column *c = &b->columns.at[column];
    switch (c->form) {
    case FORM_VIEW:
    case FORM_RAW:
        return doubles_of_raw(b, column, name, out, e);
    case FORM_TEXT:
    case FORM_JSON:
        return doubles_of_text(b, column, name, out, e);
    case FORM_INT:
        for (size_t r = 0; r < b->rows; r++)
            out[r] = c->i64[r] == INT_MISSING ? (double)NAN : (double)c->i64[r];
        return 0;
    case FORM_TIME:
        for (size_t r = 0; r < b->rows; r++)
            out[r] = c->i64[r] == INT_MISSING ? (double)NAN : (double)c->i64[r] / 1e6;
        return 0;
    case FORM_NUMBER:
        for (size_t r = 0; r < b->rows; r++)
            out[r] = c->number[r].is_int ? (double)c->number[r].i : c->number[r].f;
        return 0;
    case FORM_BOOL:
        for (size_t r = 0; r < b->rows; r++)
            out[r] = c->b8[r] == BOOL_MISSING ? (double)NAN : (double)c->b8[r];
        return 0;
    case FORM_FLOAT:
        break;
    }
    return 0;
}

int batch_double(struct batch *b, size_t column, const char *name, const double **out,
                 struct error *e)
{
    struct column *c = &b->columns.at[column];
    if (c->form == FORM_FLOAT) {
        *out = c->f64;
        return 0;
    }
    if (!c->as_double) {
        double *values = batch_array(b, b->rows, sizeof *values);
        int status = fill_doubles(b, column, name, values, e);
        if (status)
            return status;
        c->as_double = values;
    }
    *out = c->as_double;
    return 0;
}

/* Cells as numbers; tells whether there were integers and others among them. */
static int fill_numbers(struct batch *b, size_t column, const char *name, struct number *out,
                        bool *ints, bool *floats, struct error *e)
{
    for (size_t r = 0; r < b->rows; r++) {
        struct text v = batch_cell(b, column, r);
        out[r] = (struct number){.f = (double)NAN, .is_int = false};
        if (!v.at)
            continue;
        int64_t i = 0;
        double f = 0;
        enum number_kind kind = number_parse(v.at, v.len, &i, &f);
        if (kind == NUMBER_INT) {
            out[r] = (struct number){.i = i, .is_int = true};
            *ints = true;
        } else if (kind == NUMBER_FLOAT || number_parse_double(v.at, v.len, &f)) {
            out[r].f = f;
            *floats = true;
        } else if (reject_cell(b, r, column, name, "a number", e)) {
            return e ? e->code : ERR_DATA;
        }
    }
    return 0;
}

static struct column narrow_numbers(struct batch *b, const struct number *values, bool ints,
                                    bool floats)
{
    if (ints && floats)
        return column_of_number(values);
    if (ints) {
        int64_t *i = batch_array(b, b->rows, sizeof *i);
        for (size_t r = 0; r < b->rows; r++)
            i[r] = values[r].is_int ? values[r].i : INT_MISSING;
        return column_of_int(i);
    }
    double *f = batch_array(b, b->rows, sizeof *f);
    for (size_t r = 0; r < b->rows; r++)
        f[r] = values[r].f;
    return column_of_double(f);
}

int batch_number(struct batch *b, size_t column, const char *name, struct column *out,
                 struct error *e)
{
    const struct column *c = &b->columns.at[column];
    if (c->form == FORM_INT || c->form == FORM_FLOAT || c->form == FORM_NUMBER) {
        *out = *c;
        return 0;
    }
    if (c->form == FORM_BOOL || c->form == FORM_TIME) {
        const double *f = NULL;
        int status = batch_double(b, column, name, &f, e);
        *out = column_of_double(f);
        return status;
    }
    struct number *values = batch_array(b, b->rows, sizeof *values);
    bool ints = false, floats = false;
    int status = fill_numbers(b, column, name, values, &ints, &floats, e);
    if (status)
        return status;
    *out = narrow_numbers(b, values, ints, floats);
    return 0;
}

static bool parse_int(struct text v, int64_t *out)
{
    double f = 0;
    if (number_parse(v.at, v.len, out, &f) == NUMBER_INT)
        return true;
    if (!number_parse_double(v.at, v.len, &f) || f != floor(f) || fabs(f) > 9007199254740992.0)
        return false;
    *out = (int64_t)f;
    return true;
}

int batch_int(struct batch *b, size_t column, const char *name, const int64_t **out,
              struct error *e)
{
    const struct column *c = &b->columns.at[column];
    if (c->form == FORM_INT) {
        *out = c->i64;
        return 0;
    }
    int64_t *values = batch_array(b, b->rows, sizeof *values);
    for (size_t r = 0; r < b->rows; r++) {
        struct text v = batch_cell(b, column, r);
        values[r] = INT_MISSING;
        if (c->form == FORM_BOOL)
            values[r] = c->b8[r] == BOOL_MISSING ? INT_MISSING : c->b8[r];
        else if (v.at && !parse_int(v, &values[r])) {
            values[r] = INT_MISSING;
            if (reject_cell(b, r, column, name, "an integer", e))
                return e ? e->code : ERR_DATA;
        }
    }
    *out = values;
    return 0;
}

/* A date alone needs no zone; a clock time without one does. */
static const char *parse_time(const struct batch *b, struct text v, usec *out)
{
    bool has_offset = false;
    if (!time_parse(v.at, v.len, out, &has_offset))
        return "a time (RFC 3339)";
    if (has_offset || v.len <= 10)
        return NULL;
    if (!b->policy || !b->policy->zone_to_utc)
        return "a time with a zone (declare one with --zone)";
    *out = b->policy->zone_to_utc(b->policy->zone, *out);
    return NULL;
}

int batch_time(struct batch *b, size_t column, const char *name, const usec **out, struct error *e)
{
    const struct column *c = &b->columns.at[column];
    if (c->form == FORM_TIME) {
        *out = c->i64;
        return 0;
    }
    usec *values = batch_array(b, b->rows, sizeof *values);
    for (size_t r = 0; r < b->rows; r++) {
        struct text v = batch_cell(b, column, r);
        values[r] = INT_MISSING;
        const char *wanted = v.at ? parse_time(b, v, &values[r]) : NULL;
        if (wanted) {
            values[r] = INT_MISSING;
            if (reject_cell(b, r, column, name, wanted, e))
                return e ? e->code : ERR_DATA;
        }
    }
    *out = values;
    return 0;
}

static bool parse_bool(struct text v, uint8_t *out)
{
    static const struct {
        const char *word;
        uint8_t value;
    } words[] = {{"true", 1}, {"false", 0}, {"1", 1}, {"0", 0}};
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        size_t n = strlen(words[i].word), k = 0;
        while (k < n && k < v.len && (v.at[k] | 0x20) == (words[i].word[k] | 0x20))
            k++;
        if (k == n && v.len == n) {
            *out = words[i].value;
            return true;
        }
    }
    return false;
}

int batch_bool(struct batch *b, size_t column, const char *name, const uint8_t **out,
               struct error *e)
{
    const struct column *c = &b->columns.at[column];
    if (c->form == FORM_BOOL) {
        *out = c->b8;
        return 0;
    }
    uint8_t *values = batch_array(b, b->rows, sizeof *values);
    for (size_t r = 0; r < b->rows; r++) {
        struct text v = batch_cell(b, column, r);
        values[r] = BOOL_MISSING;
        if (v.at && !parse_bool(v, &values[r])) {
            values[r] = BOOL_MISSING;
            if (reject_cell(b, r, column, name, "true or false", e))
                return e ? e->code : ERR_DATA;
        }
    }
    *out = values;
    return 0;
}
