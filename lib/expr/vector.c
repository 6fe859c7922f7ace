/* Vectors: reading, converting, choosing among and filling them. */
#include "expr/eval.h"

#include <math.h>

static const struct text no_text = {NULL, 0};
static const double no_double = (double)NAN;
static const int64_t no_int = INT_MISSING;
static const uint8_t no_bool = BOOL_MISSING;

enum kind vector_kind(const struct vector *v)
{
    static const enum kind kinds[] = {
        [FORM_VIEW] = KIND_TEXT,  [FORM_RAW] = KIND_TEXT,     [FORM_TEXT] = KIND_TEXT,
        [FORM_INT] = KIND_NUMBER, [FORM_FLOAT] = KIND_NUMBER, [FORM_NUMBER] = KIND_NUMBER,
        [FORM_BOOL] = KIND_BOOL,  [FORM_TIME] = KIND_TIME,    [FORM_JSON] = KIND_JSON,
    };
    return kinds[v->form];
}

struct vector vector_missing(enum kind k)
{
    struct vector v = {.form = FORM_TEXT, .constant = true, .text = &no_text};
    switch (k) {
    case KIND_NUMBER:
        v.form = FORM_FLOAT;
        v.f64 = &no_double;
        break;
    case KIND_BOOL:
        v.form = FORM_BOOL;
        v.b8 = &no_bool;
        break;
    case KIND_TIME:
        v.form = FORM_TIME;
        v.i64 = &no_int;
        break;
    case KIND_JSON:
        v.form = FORM_JSON;
        break;
    case KIND_NULL:
    case KIND_TEXT:
        break;
    }
    return v;
}

struct value vector_get(const struct vector *v, size_t row)
{
    size_t r = vector_at(v, row);
    struct value out = {.kind = KIND_NULL};
    switch (v->form) {
    case FORM_INT:
        give_int(&out, v->i64[r]);
        break;
    case FORM_FLOAT:
        give_double(&out, v->f64[r]);
        break;
    case FORM_NUMBER:
        if (v->number[r].is_int)
            give_int(&out, v->number[r].i);
        else
            give_double(&out, v->number[r].f);
        break;
    case FORM_BOOL:
        if (v->b8[r] != BOOL_MISSING)
            give_bool(&out, v->b8[r]);
        break;
    case FORM_TIME:
        if (v->i64[r] != INT_MISSING)
            give_time(&out, v->i64[r]);
        break;
    case FORM_JSON:
        give_json(&out, v->text[r]);
        break;
    case FORM_VIEW:
    case FORM_RAW:
    case FORM_TEXT:
        give_text(&out, v->text[r]);
        break;
    }
    return out;
}

bool vector_is_missing(const struct vector *v, size_t row)
{
    return vector_get(v, row).kind == KIND_NULL;
}

enum kind letter_kind(char letter)
{
    switch (letter) {
    case 'n':
    case 'i':
    case 'f':
        return KIND_NUMBER;
    case 'b':
        return KIND_BOOL;
    case 'd':
        return KIND_TIME;
    case 'j':
        return KIND_JSON;
    case 't':
    case 'p':
    case 'z':
        return KIND_TEXT;
    default:
        return KIND_NULL;
    }
}

char kind_letter(enum kind k)
{
    static const char letters[] = {
        [KIND_NULL] = 't', [KIND_NUMBER] = 'n', [KIND_TEXT] = 't',
        [KIND_BOOL] = 'b', [KIND_TIME] = 'd',   [KIND_JSON] = 'j',
    };
    return letters[k];
}

static size_t letter_size(char letter)
{
    switch (letter) {
    case 'n':
        return sizeof(struct number);
    case 'b':
        return 1;
    case 't':
    case 'j':
        return sizeof(struct text);
    default:
        return 8;
    }
}

struct filler filler_new(const struct frame *f, char letter)
{
    return (struct filler){letter, frame_array(f, letter_size(letter))};
}

void filler_put(struct filler *to, size_t row, const struct value *v)
{
    bool missing = v->kind == KIND_NULL;
    switch (to->letter) {
    case 'n':
        if (missing)
            ((struct number *)to->at)[row] = (struct number){.f = (double)NAN};
        else if (v->is_int)
            ((struct number *)to->at)[row] = (struct number){.i = v->i, .is_int = true};
        else
            ((struct number *)to->at)[row] = (struct number){.f = v->f};
        break;
    case 'i':
        ((int64_t *)to->at)[row] = missing ? INT_MISSING : v->i;
        break;
    case 'f':
        ((double *)to->at)[row] = value_double(v);
        break;
    case 'b':
        ((uint8_t *)to->at)[row] = missing ? BOOL_MISSING : v->b;
        break;
    case 'd':
        ((usec *)to->at)[row] = missing ? INT_MISSING : v->time;
        break;
    default:
        ((struct text *)to->at)[row] = missing ? no_text : v->text;
        break;
    }
}

struct vector filler_vector(const struct filler *from)
{
    static const struct {
        char letter;
        enum form form;
    } forms[] = {{'n', FORM_NUMBER}, {'i', FORM_INT},  {'f', FORM_FLOAT}, {'b', FORM_BOOL},
                 {'d', FORM_TIME},   {'t', FORM_TEXT}, {'j', FORM_JSON}};
    struct vector v = {.form = FORM_TEXT, .any = from->at};
    for (size_t i = 0; i < COUNT_OF(forms); i++)
        if (forms[i].letter == from->letter)
            v.form = forms[i].form;
    return v;
}

static struct text text_of_value(const struct value *v, struct buf *scratch, struct arena *arena)
{
    if (v->kind == KIND_NULL || v->kind == KIND_TEXT)
        return v->kind == KIND_NULL ? no_text : v->text;
    if (v->kind == KIND_BOOL)
        return v->b ? TEXT_LITERAL("true") : TEXT_LITERAL("false");
    if (v->kind == KIND_JSON && text_equal(v->text, TEXT_LITERAL("null")))
        return no_text;
    scratch->len = 0;
    put_value(scratch, v);
    return (struct text){arena_text(arena, scratch->at ? scratch->at : "", scratch->len),
                         scratch->len};
}

static bool number_of_value(const struct value *v, struct value *out)
{
    if (v->kind == KIND_BOOL)
        return give_int(out, v->b);
    return v->kind == KIND_TEXT && number_of_text(v->text, out);
}

static bool bool_of_value(const struct value *v, struct value *out)
{
    uint8_t b;
    if (v->kind == KIND_NUMBER && (value_double(v) == 0.0 || value_double(v) == 1.0))
        return give_bool(out, value_double(v) != 0.0);
    return v->kind == KIND_TEXT && bool_of_text(v->text, &b) && give_bool(out, b);
}

/* A clock time without an offset needs the zone of the batch; a date alone is midnight UTC. */
static bool time_of_value(const struct frame *f, const struct value *v, struct value *out)
{
    usec t;
    bool has_offset;
    if (v->kind != KIND_TEXT || !time_parse(v->text.at, v->text.len, &t, &has_offset))
        return false;
    if (has_offset || v->text.len <= 10)
        return give_time(out, t);
    if (f->late)
        *f->late = true;
    const struct cell_policy *p = f->batch->policy;
    if (!p || !p->zone_to_utc)
        return false;
    return give_time(out, p->zone_to_utc(p->zone, t));
}

/* Text of a list or map must be JSON. */
static bool json_of_value(const struct value *v, struct value *out)
{
    struct value read;
    struct arena unused = {0};
    if (v->kind != KIND_TEXT)
        return false;
    bool good = value_of_json(v->text, &unused, &read);
    arena_release(&unused);
    return good && give_json(out, v->text);
}

/* One value as another kind; false when it is not one. */
static bool value_as(const struct frame *f, struct value *v, enum kind want, struct buf *scratch,
                     struct value *out)
{
    struct arena *arena = &f->batch->arena;
    *out = (struct value){.kind = KIND_NULL};
    if (v->kind == want || v->kind == KIND_NULL) {
        *out = *v;
        return true;
    }
    if (want == KIND_TEXT)
        return give_text(out, text_of_value(v, scratch, arena));
    if (v->kind == KIND_JSON) {
        if (!value_of_json(v->text, arena, v))
            return false;
        if (v->kind == want || v->kind == KIND_NULL) {
            *out = *v;
            return true;
        }
    }
    switch (want) {
    case KIND_NUMBER:
        return number_of_value(v, out);
    case KIND_BOOL:
        return bool_of_value(v, out);
    case KIND_TIME:
        return time_of_value(f, v, out);
    case KIND_JSON:
        return json_of_value(v, out);
    case KIND_NULL:
    case KIND_TEXT:
        break;
    }
    return true;
}

static int reject_conversion(const struct frame *f, size_t row, const struct node *n,
                             const struct value *v, enum kind want)
{
    static const char *const wanted[] = {
        [KIND_NULL] = "a value",       [KIND_NUMBER] = "a number", [KIND_TEXT] = "text",
        [KIND_BOOL] = "true or false", [KIND_TIME] = "a time",     [KIND_JSON] = "JSON",
    };
    struct buf text = {0};
    char quoted[QUOTE_MAX];
    put_value(&text, v);
    bool no_zone = want == KIND_TIME && v->kind == KIND_TEXT &&
                   time_parse(v->text.at, v->text.len, &(usec){0}, &(bool){0});
    error_set(f->error, ERR_DATA, "%s is not %s%s", quote(quoted, text.at ? text.at : "", text.len),
              wanted[want], no_zone ? " with a zone (declare one with --zone)" : "");
    buf_release(&text);
    return frame_reject_cell(f, row, n);
}

static struct vector constant_copy(struct frame *f, const struct value *v, enum kind want)
{
    char letter = kind_letter(want);
    if (want == KIND_NUMBER && v->kind == KIND_NUMBER)
        letter = v->is_int ? 'i' : 'f';
    struct filler one = {letter, arena_alloc(&f->batch->arena, sizeof(struct value))};
    filler_put(&one, 0, v);
    struct vector out = filler_vector(&one);
    out.constant = true;
    return out;
}

static int convert_constant(struct frame *f, const struct node *n, const struct vector *v,
                            enum kind want, struct vector *out)
{
    struct value from = vector_get(v, 0), to = {.kind = KIND_NULL};
    struct buf scratch = {0};
    bool good = value_as(f, &from, want, &scratch, &to);
    buf_release(&scratch);
    int status = 0;
    if (!good) /* wrong for each of the rows */
        for (size_t r = 0; r < f->rows && !status; r++)
            if (frame_wants(f, r))
                status = reject_conversion(f, r, n, &from, want);
    *out = to.kind == KIND_NULL ? vector_missing(want) : constant_copy(f, &to, want);
    return status;
}

static int convert_rows(struct frame *f, const struct node *n, const struct vector *v,
                        enum kind want, struct vector *out)
{
    struct filler to = filler_new(f, kind_letter(want));
    struct buf scratch = {0};
    int status = 0;
    for (size_t r = 0; r < f->rows && !status; r++) {
        struct value from = vector_get(v, r), one = {.kind = KIND_NULL};
        if (frame_wants(f, r) && !value_as(f, &from, want, &scratch, &one)) {
            one.kind = KIND_NULL;
            status = reject_conversion(f, r, n, &from, want);
        }
        filler_put(&to, r, &one);
    }
    buf_release(&scratch);
    *out = filler_vector(&to);
    return status;
}

int vector_as(struct frame *f, const struct node *n, const struct vector *v, enum kind want,
              struct vector *out)
{
    if (want == KIND_NULL || vector_kind(v) == want) {
        *out = *v;
        return 0;
    }
    return v->constant ? convert_constant(f, n, v, want, out) : convert_rows(f, n, v, want, out);
}

int vector_as_double(struct frame *f, const struct vector *v, struct vector *out)
{
    size_t n = v->constant ? 1 : f->rows;
    *out = *v;
    if (v->form == FORM_FLOAT)
        return 0;
    double *to = arena_alloc(&f->batch->arena, n * sizeof *to + sizeof *to);
    if (v->form == FORM_INT)
        for (size_t r = 0; r < n; r++)
            to[r] = v->i64[r] == INT_MISSING ? (double)NAN : (double)v->i64[r];
    else
        for (size_t r = 0; r < n; r++)
            to[r] = v->number[r].is_int ? (double)v->number[r].i : v->number[r].f;
    out->form = FORM_FLOAT;
    out->f64 = to;
    return 0;
}

int vector_as_int(struct frame *f, const struct vector *v, struct vector *out)
{
    *out = *v;
    if (v->form == FORM_INT)
        return 0;
    size_t n = v->constant ? 1 : f->rows;
    int64_t *to = arena_alloc(&f->batch->arena, n * sizeof *to + sizeof *to);
    int status = 0;
    for (size_t r = 0; r < n && !status; r++) {
        struct value one = vector_get(v, r);
        to[r] = INT_MISSING;
        if (one.kind != KIND_NUMBER || one.is_int)
            to[r] = one.kind == KIND_NUMBER ? one.i : INT_MISSING;
        else if (one.f == floor(one.f) && fabs(one.f) <= 9007199254740992.0)
            to[r] = (int64_t)one.f;
        else if (v->constant || frame_wants(f, r)) {
            char digits[NUMBER_MAX];
            error_set(f->error, ERR_DATA, "%.*s is not an integer",
                      (int)number_print(digits, one.f), digits);
            status = frame_reject(f, r);
        }
    }
    out->form = FORM_INT;
    out->i64 = to;
    return status;
}

static size_t form_size(enum form form)
{
    switch (form) {
    case FORM_NUMBER:
        return sizeof(struct number);
    case FORM_BOOL:
        return 1;
    case FORM_INT:
    case FORM_FLOAT:
    case FORM_TIME:
        return 8;
    default:
        return sizeof(struct text);
    }
}

struct vector vector_gather(const struct frame *f, const struct vector *v, const uint32_t *rows)
{
    if (v->constant)
        return *v;
    size_t size = form_size(v->form);
    char *to = frame_array(f, size);
    const char *from = v->any;
    for (size_t r = 0; r < f->rows; r++)
        memcpy(to + r * size, from + rows[r] * size, size);
    return (struct vector){.form = v->form, .any = to};
}

static bool same_form(const struct vector *from, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (from[i].form != from[0].form)
            return false;
    return true;
}

/* What stands for missing in an array of that form. */
static const void *missing_item(enum form form)
{
    static const struct number no_number = {.f = (double)NAN};
    switch (form) {
    case FORM_INT:
    case FORM_TIME:
        return &no_int;
    case FORM_FLOAT:
        return &no_double;
    case FORM_NUMBER:
        return &no_number;
    case FORM_BOOL:
        return &no_bool;
    default:
        return &no_text;
    }
}

static struct vector select_items(const struct frame *f, const struct vector *from,
                                  const uint32_t *choice)
{
    size_t size = form_size(from[0].form);
    const void *missing = missing_item(from[0].form);
    char *to = frame_array(f, size);
    for (size_t r = 0; r < f->rows; r++) {
        const void *item = missing;
        if (choice[r] != CHOICE_NONE) {
            const struct vector *v = &from[choice[r]];
            item = (const char *)v->any + vector_at(v, r) * size;
        }
        memcpy(to + r * size, item, size);
    }
    return (struct vector){.form = from[0].form, .any = to};
}

struct vector vector_select(const struct frame *f, enum kind k, const struct vector *from,
                            size_t count, const uint32_t *choice)
{
    if (count > 0 && same_form(from, count))
        return select_items(f, from, choice);
    struct filler to = filler_new(f, kind_letter(k));
    for (size_t r = 0; r < f->rows; r++) {
        struct value one = {.kind = KIND_NULL};
        if (choice[r] != CHOICE_NONE)
            one = vector_get(&from[choice[r]], r);
        filler_put(&to, r, &one);
    }
    return filler_vector(&to);
}
