/* The rows of a table, for the point-in-time join. */
#include "store/pit_parts.h"

#include "io/io.h"

struct file_source {
    struct pit_source source;
    struct input *in;
    struct cell_policy policy;
    struct time_rule rule;
    const char *time_name;
    size_t *ids, time;
    size_t *features; /* their columns */
    bool began;
};

struct file_piece {
    struct pit_piece piece;
    struct batch *batch;
    size_t row;
    struct text *cells; /* the features of the row whose size was asked for, */
    bool short_row;     /* and how it is written */
};

#define CELL_MISSING (UINT32_C(1) << 31) /* in the end of a cell */

static struct file_source *own(struct pit_source *s)
{
    return (struct file_source *)s;
}

/* Numbers that are times after t, up to those that are no times. False: they are written as text.
 */
static bool numbers_after(enum time_unit unit, usec t, struct input_gap *gap)
{
    static const int64_t units[] = {
        [TIME_SECONDS] = USEC_SECOND, [TIME_MILLIS] = 1000, [TIME_MICROS] = 1};
    if (unit == TIME_TEXT)
        return false;
    if (unit == TIME_NANOS) { /* a millisecond later: the doubles may be two microseconds off */
        gap->from.number = (double)t * 1000 + 1e6;
        return true;
    }
    int64_t last = t / units[unit] - (t % units[unit] < 0), most = INT64_MAX / units[unit];
    gap->from.number = (double)last;
    gap->to = (struct gap_end){.there = units[unit] > 1, .open = true, .number = (double)most};
    return true;
}

/* Records behind all labels are candidates of none. Those without an id or a time come, for they
 * are wrong. */
static void leave_out_later(struct file_source *f, usec latest)
{
    const struct field *fields = input_schema(f->in)->fields.at;
    size_t ids = f->source.about.id_count;
    struct input_gap *gaps = mem_alloc((ids + 1) * sizeof *gaps), *later = &gaps[ids];
    *later = (struct input_gap){.column = f->time, .keep_missing = true};
    later->type = fields[f->time].type;
    later->from = (struct gap_end){.there = true, .open = true, .time = latest};
    for (size_t i = 0; i < ids; i++)
        gaps[i] = (struct input_gap){.column = f->ids[i],
                                     .type = fields[f->ids[i]].type,
                                     .missing_alone = true,
                                     .keep_missing = true};
    bool known = later->type == TYPE_TIME ||
                 (later->type == TYPE_INT && numbers_after(f->rule.unit, latest, later));
    input_leave_out(f->in, gaps, known ? ids + 1 : 0);
    mem_free(gaps);
}

/* What is wrong is told once. */
static int begin(struct pit_source *s, usec latest, struct error *e)
{
    struct file_source *f = own(s);
    int status = 0;
    if (f->began) {
        f->policy.reject = NULL;
        status = input_rewind(f->in, e);
    }
    f->began = true;
    leave_out_later(f, latest);
    return status;
}

static struct pit_piece *piece_new(struct pit_source *s)
{
    struct file_piece *p = mem_alloc(sizeof *p);
    p->batch = batch_new();
    p->cells = mem_alloc((s->about.feature_count + 1) * sizeof *p->cells);
    return &p->piece;
}

static void piece_free(struct pit_piece *piece)
{
    struct file_piece *p = (struct file_piece *)piece;
    batch_free(p->batch);
    mem_free(p->cells);
    mem_free(p);
}

static int next(struct pit_source *s, struct pit_piece *piece, struct error *e)
{
    struct file_piece *p = (struct file_piece *)piece;
    batch_clear(p->batch);
    p->row = 0;
    int got = input_next(own(s)->in, p->batch, e);
    piece->sequence = p->batch->sequence;
    int status = got > 0 ? input_parse(own(s)->in, p->batch, e) : 0;
    batch_drop_rejected(p->batch);
    return status ? status : got;
}

/* ---- records ---- */

static int reject(struct file_source *f, struct batch *b, size_t row, size_t column,
                  struct error *e)
{
    return batch_reject(b, row, column, input_schema(f->in)->fields.at[column].name, e);
}

/* A cell of CSV as it stands, when it stands for itself: batch_cell for the most of them. */
static inline struct text cell_of(struct batch *b, size_t column, size_t row)
{
    const struct column *c = &b->columns.at[column];
    const struct format *f = b->format;
    if (c->form != FORM_VIEW || f->backslash || (b->policy && b->policy->na_count))
        return batch_cell(b, column, row);
    const uint32_t *at = c->view.at + (b->kept ? b->kept[row] : row) * c->view.stride;
    const char *start = c->view.base + at[0], *end = c->view.base + at[1] - 1;
    if (start >= end || *start == f->quote || end[-1] == '\r')
        return batch_cell(b, column, row);
    return (struct text){start, (size_t)(end - start)};
}

static struct text joined(struct arena *arena, struct text a, struct text b)
{
    char *at = arena_alloc(arena, a.len + 1 + b.len);
    memcpy(at, a.at, a.len);
    at[a.len] = 0;
    memcpy(at + a.len + 1, b.at, b.len);
    return (struct text){at, a.len + 1 + b.len};
}

/* An id of several columns has NULs between them. 1; 0 when the row has none, and may. */
static int read_id(struct file_source *f, struct file_piece *p, struct text *id, struct error *e)
{
    for (size_t i = 0; i < f->source.about.id_count; i++) {
        struct text cell = cell_of(p->batch, f->ids[i], p->row);
        if (!cell.at) {
            error_set(e, ERR_DATA, "the id is missing");
            return reject(f, p->batch, p->row, f->ids[i], e);
        }
        *id = i == 0 ? cell : joined(&p->batch->arena, *id, cell);
    }
    return 1;
}

static int read_time(struct file_source *f, struct file_piece *p, usec *t, struct error *e)
{
    const struct column *c = &p->batch->columns.at[f->time];
    if (c->form == FORM_TIME && c->i64[p->row] != INT_MISSING) {
        *t = c->i64[p->row];
        return 1;
    }
    struct text cell = cell_of(p->batch, f->time, p->row);
    if (time_rule_read(&f->rule, f->time_name, cell, t, e) == 0)
        return 1;
    return batch_reject(p->batch, p->row, f->time, NULL, e);
}

static int take(struct pit_source *s, struct pit_piece *piece, struct pit_record *out, int n,
                struct error *e)
{
    struct file_source *f = own(s);
    struct file_piece *p = (struct file_piece *)piece;
    int count = 0;
    for (; count < n && p->row < p->batch->rows; p->row++) {
        struct pit_record *r = &out[count];
        int got = read_id(f, p, &r->id, e);
        if (got > 0)
            got = read_time(f, p, &r->event_time, e);
        if (got < 0)
            return got;
        if (got == 0)
            continue;
        r->write_time = r->event_time;
        r->expires_at = STORE_NEVER;
        r->lsn = (batch_row_id(p->batch, p->row) >> ROW_ID_SHIFT) + 1;
        r->deleted = false;
        r->number = p->row;
        count++;
    }
    return count;
}

/* ---- rows: where each cell ends, and the cells ---- */

/* Ends are bytes in a row below SHORT_ROW, and four of them else; their top bit says that the cell
 * is missing. */
enum { SHORT_ROW = 128, END_MISSING = 128 };

static size_t end_size(size_t row)
{
    return row < SHORT_ROW ? 1 : sizeof(uint32_t);
}

static size_t size(struct pit_source *s, struct pit_piece *piece, struct pit_record *r)
{
    struct file_source *f = own(s);
    struct file_piece *p = (struct file_piece *)piece;
    size_t n = s->about.feature_count, bytes = 0;
    for (size_t i = 0; i < n; i++) {
        p->cells[i] = cell_of(p->batch, f->features[i], r->number);
        bytes += p->cells[i].len;
    }
    p->short_row = n + bytes < SHORT_ROW;
    return bytes + n * end_size(n + bytes);
}

static void copy(struct pit_source *s, struct pit_piece *piece, const struct pit_record *r,
                 char *into)
{
    (void)r;
    const struct file_piece *p = (const struct file_piece *)piece;
    size_t n = s->about.feature_count;
    uint32_t end = 0;
    char *bytes = into + n * (p->short_row ? 1 : sizeof end);
    for (size_t i = 0; i < n; i++) {
        struct text cell = p->cells[i];
        if (cell.len)
            memcpy(bytes + end, cell.at, cell.len);
        end += (uint32_t)cell.len;
        uint32_t noted = end | (cell.at ? 0 : CELL_MISSING);
        if (p->short_row)
            into[i] = (char)(end | (cell.at ? 0 : END_MISSING));
        else
            memcpy(into + i * sizeof end, &noted, sizeof noted);
    }
}

/* With CELL_MISSING. */
static uint32_t end_of(struct text row, size_t feature)
{
    uint32_t end;
    if (row.len < SHORT_ROW) {
        end = (unsigned char)row.at[feature];
        return end & END_MISSING ? (end - END_MISSING) | CELL_MISSING : end;
    }
    memcpy(&end, row.at + feature * sizeof end, sizeof end);
    return end;
}

static struct text cell(const struct pit_source *s, struct text row, size_t feature,
                        /* NOLINTNEXTLINE(readability-non-const-parameter): others write there */
                        char room[static TIME_MAX])
{
    (void)room;
    uint32_t start = feature ? end_of(row, feature - 1) & ~CELL_MISSING : 0;
    uint32_t end = end_of(row, feature);
    if (end & CELL_MISSING)
        return (struct text){NULL, 0};
    const char *bytes = row.at + s->about.feature_count * end_size(row.len);
    return (struct text){bytes + start, end - start};
}

static void release(struct pit_source *s)
{
    input_free(own(s)->in);
}

static const struct pit_source_kind file_kind = {.begin = begin,
                                                 .piece_new = piece_new,
                                                 .piece_free = piece_free,
                                                 .next = next,
                                                 .take = take,
                                                 .size = size,
                                                 .copy = copy,
                                                 .cell = cell,
                                                 .close = release};

/* ---- opening ---- */

static int find_column(const struct file_source *f, const char *name, size_t *column,
                       struct error *e)
{
    char quoted[QUOTE_MAX];
    *column = schema_find(input_schema(f->in), text_of(name));
    return *column != FIELD_NONE
               ? 0
               : error_set(e, ERR_DATA, "no column %s", quote(quoted, name, strlen(name)));
}

static int find_columns(struct file_source *f, const struct pit_file *given, struct error *e)
{
    f->ids = arena_alloc(&f->source.arena, (given->id_count + 1) * sizeof *f->ids);
    int status = find_column(f, given->time, &f->time, e);
    for (size_t i = 0; status == 0 && i < given->id_count; i++)
        status = find_column(f, given->ids[i], &f->ids[i], e);
    return status;
}

static bool is_key(const struct file_source *f, size_t column)
{
    bool is = column == f->time;
    for (size_t i = 0; i < f->source.about.id_count; i++)
        is = is || column == f->ids[i];
    return is;
}

static int choose_features(struct file_source *f, const char *names, struct error *e)
{
    const struct schema *schema = input_schema(f->in);
    size_t count = 0, n = schema->fields.len;
    struct field *all = arena_zero(&f->source.arena, (n + 1) * sizeof *all);
    size_t *columns = arena_alloc(&f->source.arena, (n + 1) * sizeof *columns);
    for (size_t i = 0; i < n; i++)
        if (!is_key(f, i)) {
            columns[count] = i;
            all[count++] = schema->fields.at[i];
        }
    int status = pit_choose(&f->source, names, all, count, &f->features, e);
    for (size_t i = 0; status == 0 && i < f->source.about.feature_count; i++)
        f->features[i] = columns[f->features[i]];
    return status;
}

static void want_columns(struct file_source *f)
{
    uint8_t *wanted = arena_zero(&f->source.arena, input_schema(f->in)->fields.len + 1);
    wanted[f->time] = 1;
    for (size_t i = 0; i < f->source.about.id_count; i++)
        wanted[f->ids[i]] = 1;
    for (size_t i = 0; i < f->source.about.feature_count; i++)
        wanted[f->features[i]] = 1;
    input_want(f->in, wanted);
}

/* Without folder and extension. */
static struct text stem_of(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t n = strlen(name);
    for (size_t i = n; i-- > 1;)
        if (name[i] == '.')
            n = i;
    return (struct text){name, n};
}

static int open_input(struct file_source *f, const struct pit_file *given, struct error *e)
{
    struct input_options o = *given->input;
    char *path = mem_text(given->path);
    f->policy = o.policy ? *o.policy : (struct cell_policy){0};
    o.policy = &f->policy;
    o.format = NULL;
    o.source_column = NULL;
    o.union_schema = o.json_out = o.live = false;
    o.first_row = 0;
    o.types = o.columns = (struct text){NULL, 0};
    int status = input_open(&path, 1, &o, &f->in, e);
    mem_free(path);
    return status;
}

int pit_file_source(const struct pit_file *given, struct pit_source **out, struct error *e)
{
    struct file_source *f = mem_alloc(sizeof *f);
    struct text stem = stem_of(given->path);
    f->source.kind = &file_kind;
    f->source.about = (struct pit_about){.name = arena_text(&f->source.arena, stem.at, stem.len),
                                         .ids = given->ids,
                                         .id_count = given->id_count};
    f->rule = given->rule;
    f->time_name = given->time;
    int status = open_input(f, given, e);
    if (status == 0 && (status = find_columns(f, given, e)) != 0)
        error_at(e, given->path, 1, 0);
    if (status == 0)
        status = choose_features(f, given->features, e);
    if (status == 0) {
        want_columns(f);
        f->source.row_bytes = 9 * f->source.about.feature_count;
        *out = &f->source;
        return 0;
    }
    pit_source_free(&f->source);
    return status;
}
