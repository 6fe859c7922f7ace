/* What a text is, from its first bytes: format, dialect, header, names and types. Bounded by the
 * sample. */
#include "table/csv_read.h"
#include "table/infer.h"
#include "table/json_list.h"
#include "table/json_survey.h"

enum {
    TRIAL_RECORDS = 200,    /* records a delimiter is tried on, */
    TRIAL_BYTES = 64 << 10, /* within so many bytes */
};

/* Bytes that also stand inside words, names and times are taken only when no other fits. */
static const struct candidate {
    char delimiter;
    bool weak;
} candidates[] = {{',', false}, {'\t', false}, {';', false}, {'|', false},
                  {':', true},  {' ', true},   {0x1F, false}};

/* How well a dialect fits the first records. */
struct trial {
    struct format format;
    bool weak;
    size_t records, columns; /* columns: the usual number of cells, */
    size_t usual;            /* records that have it */
    size_t violations;       /* records with a quote out of place */
};

struct sample {
    const char *at, *end;
    char newline;
    bool complete; /* nothing follows end */
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const char *line_after(const struct sample *s, const char *p)
{
    const char *stop = memchr(p, s->newline, (size_t)(s->end - p));
    return stop ? stop + 1 : s->end;
}

static bool is_comment(const struct format *f, const char *p, const char *end)
{
    size_t n = strlen(f->comment);
    return n > 0 && (size_t)(end - p) >= n && memcmp(p, f->comment, n) == 0;
}

/* A part of the sample, from p on. */
static struct sample first_of(const struct sample *s, const char *p, size_t most)
{
    struct sample part = *s;
    size_t n = sample_bytes(p, (size_t)(s->end - p), most, s->newline);
    part.complete = s->complete && p + n == s->end;
    part.end = p + n;
    return part;
}

static const char *skip_lines(const struct sample *s, const struct format *f)
{
    const char *p = s->at;
    for (size_t i = 0; i < f->skip_lines && p < s->end; i++)
        p = line_after(s, p);
    return p;
}

/* The next record that is neither blank nor a comment nor cut by the end of the sample; false when
 * there is none. *p moves behind it. */
static bool next_record(const struct sample *s, const struct csv_reader *r, const char **p,
                        struct csv_cells *cells, bool *violated)
{
    while (*p && *p < s->end) {
        const char *start = *p, *problem = NULL;
        if (is_comment(r->format, start, s->end)) {
            *p = line_after(s, start);
            continue;
        }
        *p = csv_record(r, start, s->end, cells, &problem);
        if (!*p && !s->complete)
            return false;
        size_t n = cells->raw.len;
        if (n == 1 && cells->raw.at[0].len == 0)
            continue;
        /* A quote that is never closed leaves the last cell out. */
        const char *read = n ? cells->raw.at[n - 1].at + cells->raw.at[n - 1].len : start;
        *violated = problem || (!*p && read + 1 < s->end);
        return n > 0;
    }
    return false;
}

/* The most frequent of counts; among equals the one that came first. */
static void find_usual(struct trial *t, const size_t *counts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t same = 0;
        for (size_t k = 0; k < n; k++)
            same += counts[k] == counts[i];
        if (same > t->usual) {
            t->usual = same;
            t->columns = counts[i];
        }
    }
}

static void try_format(struct trial *t, struct sample s)
{
    size_t counts[TRIAL_RECORDS];
    struct csv_reader r;
    struct csv_cells cells = {0};
    const char *p = skip_lines(&s, &t->format);
    bool violated = false;
    s = first_of(&s, p, TRIAL_BYTES);
    t->records = t->columns = t->usual = t->violations = 0;
    csv_reader_init(&r, &t->format, s.newline, RAGGED_PAD, SIMD_SCALAR);
    while (t->records < TRIAL_RECORDS && next_record(&s, &r, &p, &cells, &violated)) {
        counts[t->records++] = cells.raw.len;
        t->violations += violated;
    }
    find_usual(t, counts, t->records);
    vec_release(&cells.raw);
}

/* Negative, 0, positive as a fits worse than b, as well, better. */
static int compare_trials(const struct trial *a, const struct trial *b)
{
    bool wide_a = a->columns > 1, wide_b = b->columns > 1;
    if (wide_a != wide_b)
        return wide_a - wide_b;
    bool even_a = a->usual == a->records, even_b = b->usual == b->records;
    if (even_a != even_b)
        return even_a - even_b;
    if (a->weak != b->weak)
        return b->weak - a->weak;
    size_t share_a = a->usual * b->records, share_b = b->usual * a->records;
    if (share_a != share_b)
        return share_a > share_b ? 1 : -1;
    if (a->columns != b->columns)
        return a->columns > b->columns ? 1 : -1;
    return (a->violations < b->violations) - (a->violations > b->violations);
}

/* Where doubled quotes do not explain the text, quotes behind backslashes may. */
static void try_backslash(struct trial *best, const struct sample *s)
{
    if (best->violations == 0)
        return;
    struct trial other = *best;
    other.format.backslash = true;
    try_format(&other, *s);
    if (other.violations == 0 && compare_trials(&other, best) >= 0)
        *best = other;
}

static struct trial find_dialect(const struct sample *s, const struct format *base)
{
    struct trial best = {.format = *base};
    if (base->delimiter[0]) {
        try_format(&best, *s);
        return best;
    }
    for (size_t i = 0; i < COUNT_OF(candidates); i++) {
        struct trial t = {.format = *base, .weak = candidates[i].weak};
        t.format.delimiter[0] = candidates[i].delimiter;
        if (i > 0 && !memchr(s->at, t.format.delimiter[0], (size_t)(s->end - s->at)))
            continue;
        try_format(&t, *s);
        if (t.weak && (t.usual < t.records || t.columns < 3))
            continue; /* words of a text, rather */
        if (i == 0 || compare_trials(&t, &best) > 0)
            best = t;
    }
    if (!base->backslash)
        try_backslash(&best, s);
    return best;
}

/* The columns of the first records. */
struct columns {
    struct arena arena;
    VEC(struct text) first;         /* cells of the first record */
    VEC(struct type_tally) tallies; /* of the records after it */
    size_t records;
};

static void tally_cells(struct columns *c, const struct format *f, const struct csv_cells *cells)
{
    for (size_t i = 0; i < cells->raw.len; i++) {
        struct text value = cell_value(f, cells->raw.at[i], &c->arena);
        if (c->records == 0) {
            vec_push(&c->first, value);
            vec_push(&c->tallies, (struct type_tally){0});
        } else if (i < c->tallies.len) {
            tally_text(&c->tallies.at[i], value);
        }
    }
    c->records++;
}

static void read_columns(struct columns *c, struct sample s, const struct format *f)
{
    struct csv_reader r;
    struct csv_cells cells = {0};
    const char *p = skip_lines(&s, f);
    bool violated = false;
    csv_reader_init(&r, f, s.newline, RAGGED_PAD, SIMD_SCALAR);
    while (c->records <= SCHEMA_SAMPLE_ROWS && next_record(&s, &r, &p, &cells, &violated))
        tally_cells(c, f, &cells);
    vec_release(&cells.raw);
}

/* The first record holds names when its cells are text and no two are equal. An empty one, as above
 * a column of row numbers, may be among them when the types below differ from text. */
static bool looks_like_header(const struct columns *c)
{
    struct map names = {0};
    bool distinct = true, text = true, typed_below = false;
    size_t empty = 0;
    for (size_t i = 0; i < c->first.len; i++) {
        bool is_new = true;
        struct text name = c->first.at[i];
        text &= infer_type(&name, 1) == TYPE_TEXT;
        typed_below |= tally_type(&c->tallies.at[i]) != TYPE_TEXT;
        empty += name.len == 0;
        if (name.len > 0)
            map_put(&names, name, &is_new);
        distinct &= is_new;
    }
    map_release(&names);
    return text && distinct && (empty == 0 || (empty == 1 && typed_below && c->first.len > 1));
}

static void make_schema(struct columns *c, bool header, struct schema *schema)
{
    for (size_t i = 0; i < c->first.len; i++) {
        struct text name = c->first.at[i];
        if (!header)
            tally_text(&c->tallies.at[i], name);
        if (!header || name.len == 0)
            name = text_of(arena_format(&c->arena, "c%zu", i + 1));
        size_t at = schema_add(schema, name, tally_type(&c->tallies.at[i]));
        schema->fields.at[at].declared = false;
    }
}

static void sniff_csv(struct sample s, const struct format *given, struct sniffed *out)
{
    struct format base = {.kind = FORMAT_CSV, .quote = '"', .header = true};
    struct trial t = find_dialect(&s, given ? given : &base);
    struct columns c = {0};
    out->format = t.format;
    out->confidence = t.records ? (double)t.usual / (double)t.records : 0;
    read_columns(&c, s, &t.format);
    out->header_doubtful = !given && !looks_like_header(&c);
    make_schema(&c, out->format.header, &out->schema);
    out->records = c.records - (out->format.header && c.records > 0);
    vec_release(&c.first);
    vec_release(&c.tallies);
    arena_release(&c.arena);
}

static int sniff_json(struct sample s, const struct format *given, struct sniffed *out,
                      struct error *e)
{
    struct json_survey survey = {0};
    struct json_list list = {0};
    size_t n = (size_t)(s.end - s.at);
    struct buf text = {0};
    buf_add(&text, s.at, n);
    out->format = given ? *given : format_jsonl();
    int status = json_is_list(s.at, n) ? json_list_rewrite(&list, text.at, n, e) : 0;
    if (status == 0) {
        json_collect_schema(&survey, text.at, n, s.complete);
        json_survey_schema(&survey, &out->schema);
        out->records = survey.records;
        size_t all = survey.records + survey.malformed;
        out->confidence = all ? (double)survey.records / (double)all : 0;
    }
    json_survey_release(&survey);
    buf_release(&text);
    return status;
}

/* The line end of most lines; a carriage return alone only where there is no newline at all. */
static const char *find_line_end(const char *at, size_t n)
{
    size_t newlines = 0, pairs = 0;
    for (size_t i = 0; i < n; i++) {
        newlines += at[i] == '\n';
        pairs += at[i] == '\n' && i > 0 && at[i - 1] == '\r';
    }
    if (newlines == 0 && memchr(at, '\r', n))
        return "\r";
    return pairs * 2 > newlines ? "\r\n" : "\n";
}

static bool looks_like_json(const char *at, size_t n)
{
    size_t i = 0;
    while (i < n && is_space(at[i]))
        i++;
    return (i < n && at[i] == '{') || json_is_list(at, n);
}

static bool has_two_lines(const char *at, size_t n)
{
    const char *line = memchr(at, '\n', n);
    return line && memchr(line + 1, '\n', n - (size_t)(line + 1 - at));
}

int sample_peek(struct source *source, size_t least, size_t most, const char **at, size_t *n,
                bool *complete, struct error *e)
{
    for (size_t want = least;; want = 2 * want) {
        int status = source_peek(source, want, at, n, e);
        *complete = *n < want;
        if (status || *complete || *n >= most || has_two_lines(*at, *n) || json_is_list(*at, *n))
            return status;
    }
}

int sniff(const char *at, size_t n, bool complete, const struct format *given, struct sniffed *out,
          struct error *e)
{
    *out = (struct sniffed){.line_end = "\n"};
    struct sample s = {at, at + n, '\n', complete};
    if (n > 0) {
        out->line_end = find_line_end(at, n < SCHEMA_SAMPLE_BYTES ? n : SCHEMA_SAMPLE_BYTES);
        s.newline = out->line_end[strlen(out->line_end) - 1];
        s = first_of(&s, at, SCHEMA_SAMPLE_BYTES);
        n = (size_t)(s.end - at);
    }
    out->bytes = n;
    if (n > 0 && (given ? given->kind == FORMAT_JSONL : looks_like_json(at, n)))
        return sniff_json(s, given, out, e);
    sniff_csv(s, given, out);
    return 0;
}
