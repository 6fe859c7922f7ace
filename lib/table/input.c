/* Inputs: several files as one stream of rows, their schema fixed before the first row. */
#include "table/input.h"

#include "table/infer.h"
#include "table/json_survey.h"

#include <stdlib.h>

enum { PEEK_BYTES = 1 << 20, DEFAULT_CHUNK = 512 << 10 };

static char line_end(const char *at, size_t n)
{
    return !memchr(at, '\n', n) && memchr(at, '\r', n) ? '\r' : '\n';
}

static size_t blank_length(const char *at, size_t n)
{
    size_t blank = 0;
    while (blank < n && strchr(" \t\r\n", at[blank]) && at[blank])
        blank++;
    return blank;
}

/* What an option, the name of the file or its first byte say; false when they say nothing. */
static bool format_is_known(const struct input *in, struct input_file *f, const char *at, size_t n)
{
    if (in->options.format) {
        f->format = *in->options.format;
        return true;
    }
    if (f->path && format_from_extension(path_format_extension(f->path), &f->format))
        return true;
    if (n >= 4 && memcmp(at, "PAR1", 4) == 0) {
        f->format.kind = FORMAT_PARQUET;
        return true;
    }
    size_t blank = blank_length(at, n);
    if (blank == n || (at[blank] != '{' && !json_is_list(at, n)))
        return false;
    f->format = format_jsonl();
    return true;
}

static int settle_format(struct input *in, struct input_file *f, const char *at, size_t n,
                         bool complete, struct error *e)
{
    bool known = format_is_known(in, f, at, n);
    if (known && (f->format.kind != FORMAT_CSV || f->format.delimiter[0]))
        return 0;
    struct sniffed found = {0};
    int status = sniff(at, n, complete, known ? &f->format : NULL, &found, e);
    if (status == 0)
        f->format = found.format;
    schema_release(&found.schema);
    return status;
}

/* Blank lines before the header are no header. */
static const char *skip_lines(const struct input_file *f, const char *at, const char *end,
                              uint64_t *lines)
{
    const struct format *format = &f->format;
    size_t comment = strlen(format->comment);
    for (size_t skip = format->skip_lines; at < end; skip -= (size_t)(skip > 0)) {
        bool is_comment =
            comment && (size_t)(end - at) >= comment && memcmp(at, format->comment, comment) == 0;
        bool is_blank = *at == f->newline || (*at == '\r' && at + 1 < end && at[1] == f->newline);
        if (!skip && !is_comment && !is_blank)
            break;
        const char *stop = memchr(at, f->newline, (size_t)(end - at));
        at = stop ? stop + 1 : end;
        ++*lines;
    }
    return at;
}

static void names_from_cells(struct input *in, struct input_file *f, const struct csv_cells *cells)
{
    for (size_t i = 0; i < cells->raw.len; i++) {
        struct text raw = cells->raw.at[i], none = {NULL, 0};
        if (f->format.header)
            input_add_name(in, f, cell_value(&f->format, raw, &in->arena), raw);
        else
            input_add_name(in, f, none, none);
    }
}

static void tally_records(struct input *in, const struct input_file *f, const char *at,
                          const char *end, bool complete, struct type_tally *tallies)
{
    struct csv_cells cells = {0};
    size_t n = (size_t)(end - at), sample = sample_bytes(at, n, SCHEMA_SAMPLE_BYTES, f->newline);
    end = at + sample;
    complete = complete && sample == n;
    for (size_t row = 0; row < SCHEMA_SAMPLE_ROWS && at && at < end; row++) {
        at = csv_record(&f->csv, at, end, &cells, NULL);
        if (!at && !complete)
            break;
        for (size_t i = 0; i < cells.raw.len && i < f->names.len; i++) {
            struct text v = cell_value(&f->format, cells.raw.at[i], &in->arena);
            const struct cell_policy *p = in->options.policy;
            bool na = false;
            for (size_t k = 0; p && v.at && k < p->na_count; k++)
                na |= text_equal(p->na[k], v);
            if (v.at && !na)
                tally_text(&tallies[i], v);
        }
    }
    vec_release(&cells.raw);
}

/* Whether the last cell goes on to the end of the text, as one does that is not inside quotes. */
static bool reaches_end(const struct csv_cells *cells, const char *end)
{
    if (cells->raw.len == 0)
        return false;
    struct text last = cells->raw.at[cells->raw.len - 1];
    const char *stop = last.at + last.len;
    return stop == end || (stop + 1 == end && *stop == '\r');
}

static int survey_csv(struct input *in, struct input_file *f, const char *at, size_t n,
                      bool complete, struct type_tally **tallies, struct error *e)
{
    const char *start = at, *end = at + n;
    f->newline = line_end(at, n);
    csv_reader_init(&f->csv, &f->format, f->newline, in->options.ragged, simd_level());
    f->first_line = 1;
    at = skip_lines(f, at, end, &f->first_line);
    if (at == end) {
        error_set(e, ERR_DATA, "is empty: a header line was expected");
        return error_at(e, source_name(f->source), 0, 0);
    }
    struct csv_cells cells = {0};
    const char *problem = NULL;
    const char *next = csv_record(&f->csv, at, end, &cells, &problem);
    if (problem || (!next && !(complete && reaches_end(&cells, end)))) {
        vec_release(&cells.raw);
        return csv_explain_open_record(&f->csv, at, (size_t)(end - at), source_name(f->source),
                                       f->first_line, e);
    }
    size_t header = (size_t)((next ? next : end) - at);
    if (f->csv.kernels->valid(at, header) < header) {
        vec_release(&cells.raw);
        return csv_invalid_byte(&f->csv, at, header, source_name(f->source), f->first_line, e);
    }
    if (in->options.columns.at)
        input_names_from_option(in, f);
    else
        names_from_cells(in, f, &cells);
    if (f->format.header) {
        const char *stop = next ? next : end;
        for (const char *p = at; p < stop; p++)
            f->first_line += *p == f->newline;
        at = stop;
    }
    vec_release(&cells.raw);
    f->data_start = (size_t)(at - start);
    f->csv.cells = f->names.len;
    *tallies = arena_zero(&in->arena, f->names.len * sizeof **tallies);
    tally_records(in, f, at, end, complete, *tallies);
    return input_check_names(f, e);
}

static int survey_json(struct input_file *f, const char *at, size_t n, bool complete,
                       struct json_survey *survey, struct error *e)
{
    f->newline = '\n';
    f->first_line = 1;
    f->is_list = json_is_list(at, n);
    if (!f->is_list) {
        json_collect_schema(survey, at, n, complete);
        return 0;
    }
    struct json_list list = {0};
    char *copy = mem_copy(at, n);
    int status = json_list_rewrite(&list, copy, n, e);
    if (status)
        error_at(e, source_name(f->source), 0, 0);
    else
        json_collect_schema(survey, copy, n, complete);
    mem_free(copy);
    return status;
}

/* Every key of the whole source, which can be read again. */
static int survey_json_whole(struct input *in, struct input_file *f, struct json_survey *survey,
                             struct error *e)
{
    survey->all_keys = true;
    struct buf text = {0};
    struct json_list list = {0};
    int status = source_rewindable(f->source) ? 0 : source_spool(f->source, e);
    for (ssize_t got = 1; status == 0 && got > 0;) {
        buf_reserve(&text, in->chunk);
        got = source_read(f->source, text.at + text.len, in->chunk, e);
        if (got < 0)
            status = (int)got;
        else if (f->is_list)
            status = json_list_rewrite(&list, text.at + text.len, (size_t)got, e);
        if (status)
            break;
        text.len += (size_t)got;
        size_t done = got == 0 ? text.len : json_last_record_end(text.at, text.len);
        json_collect_schema(survey, text.at, done, got == 0);
        memmove(text.at, text.at + done, text.len - done);
        text.len -= done;
    }
    buf_release(&text);
    return status ? status : source_rewind(f->source, e);
}

static void names_of_schema(struct input *in, struct input_file *f, const struct schema *s)
{
    for (size_t i = 0; i < s->fields.len; i++)
        input_add_name(in, f, text_of(s->fields.at[i].name), (struct text){NULL, 0});
}

/* Nobody waits for a sample of a stream that may be slow when its types are known or do
 * not matter. */
static bool skips_sample(const struct input *in, const struct input_file *f)
{
    return (in->options.live || in->options.known) && !source_rewindable(f->source);
}

static struct field known_field(const struct schema *known, struct text name)
{
    size_t at = known ? schema_find(known, name) : FIELD_NONE;
    struct field found = {.type = TYPE_TEXT, .empty = true};
    if (at != FIELD_NONE) {
        found = known->fields.at[at];
        found.declared = false;
    }
    return found;
}

void input_set_types(struct input *in, const struct schema *known)
{
    for (size_t i = 0; i < in->schema.fields.len; i++) {
        struct field *f = &in->schema.fields.at[i];
        if (!f->declared)
            f->type = known_field(known, text_of(f->name)).type;
    }
}

void input_want(struct input *in, const uint8_t *wanted)
{
    for (size_t i = 0; i < in->files.len; i++) {
        struct input_file *f = &in->files.at[i];
        if (!f->parquet)
            continue;
        mem_free(f->wanted);
        f->wanted = wanted ? mem_alloc(f->names.len) : NULL;
        for (size_t c = 0; wanted && c < f->names.len; c++)
            f->wanted[c] = wanted[f->column[c]];
    }
}

static int survey_as_csv(struct input *in, struct input_file *f, const char *at, size_t n,
                         bool complete, struct error *e)
{
    struct type_tally *tallies = NULL;
    int status = survey_csv(in, f, at, n, complete, &tallies, e);
    if (status)
        return status;
    struct field *fields = arena_zero(&in->arena, f->names.len * sizeof *fields);
    for (size_t i = 0; i < f->names.len; i++) {
        const struct type_tally *tally = &tallies[i];
        fields[i].type = tally_type(tally);
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): survey_csv has made the tallies */
        fields[i].empty = tally->cells == 0;
        if (skips_sample(in, f))
            fields[i] = known_field(in->options.known, f->names.at[i]);
    }
    return input_join_schema(in, f, fields, e);
}

/* Without a single key there may be a reason: what the parser says of the first lines. */
static int check_json(const struct input_file *f, const struct schema *none, const char *at,
                      size_t n, struct error *e)
{
    struct json_input reader;
    struct batch *b = batch_new();
    json_input_prepare(&reader, none, true);
    buf_reserve(&b->text, n + SCAN_SLACK);
    buf_add(&b->text, at, n);
    memset(b->text.at + n, 0, SCAN_SLACK);
    b->file = source_name(f->source);
    b->first_line = 1;
    b->format = &f->format;
    int status = json_parse_chunk(none, &reader, b, e);
    json_input_release(&reader);
    batch_free(b);
    return status;
}

/* A stream that may be slow and whose types are not asked for gives its first line. */
static int peek_line(struct input *in, struct input_file *f, const char **at, size_t *n,
                     bool *complete, struct error *e)
{
    for (size_t want = 1;; want = *n + 1) {
        int status = source_peek(f->source, want, at, n, e);
        *complete = *n < want;
        if (status || *complete || *n >= in->max_record || memchr(*at, '\n', *n))
            return status;
    }
}

/* The first bytes. */
static int peek(struct input *in, struct input_file *f, const char **at, size_t *n, bool *complete,
                struct error *e)
{
    if (skips_sample(in, f))
        return peek_line(in, f, at, n, complete, e);
    return sample_peek(f->source, PEEK_BYTES, in->max_record, at, n, complete, e);
}

static int survey_as_json(struct input *in, struct input_file *f, const char *at, size_t n,
                          bool complete, struct error *e)
{
    struct json_survey survey = {0};
    struct schema found = {0};
    int status = survey_json(f, at, n, complete, &survey, e);
    if (status == 0 && in->options.union_schema && !in->options.keys) {
        status = survey_json_whole(in, f, &survey, e);
        if (status == 0) /* what was peeked at has been read since */
            status = peek(in, f, &at, &n, &complete, e);
    }
    if (in->options.keys)
        schema_copy(&found, in->options.keys);
    else
        json_survey_schema(&survey, &found);
    json_survey_release(&survey);
    size_t lines = complete ? n : json_last_record_end(at, n);
    if (status == 0 && found.fields.len == 0 && !f->is_list)
        status = check_json(f, &found, at, lines, e);
    struct field *fields = arena_zero(&in->arena, (found.fields.len + 1) * sizeof *fields);
    for (size_t i = 0; i < found.fields.len; i++)
        fields[i] = skips_sample(in, f)
                        ? known_field(in->options.known, text_of(found.fields.at[i].name))
                        : found.fields.at[i];
    names_of_schema(in, f, &found);
    schema_release(&found);
    return status ? status : input_join_schema(in, f, fields, e);
}

/* Types are those of the file. A column that cannot be read is an error once it is wanted. */
static int survey_as_parquet(struct input *in, struct input_file *f, struct error *e)
{
    int status = input_parquet_open(f->source, f->path, &f->parquet, e);
    f->source = NULL;
    if (status)
        return status;
    const struct parquet_file *file = input_parquet_file(f->parquet);
    size_t n = parquet_columns(file);
    struct field *fields = arena_zero(&in->arena, n * sizeof *fields);
    for (size_t i = 0; i < n; i++) {
        const struct parquet_column *c = parquet_column(file, i);
        fields[i] = (struct field){.type = c->type, .declared = true};
        if (!in->options.columns.at)
            input_add_name(in, f, text_of(c->name), (struct text){NULL, 0});
    }
    if (in->options.columns.at)
        input_names_from_option(in, f);
    if (f->names.len != n) {
        error_set(e, ERR_DATA, "%zu columns, not the %zu of --columns", n, f->names.len);
        return error_at(e, input_file_name(f), 0, 0);
    }
    status = input_check_names(f, e);
    return status ? status : input_join_schema(in, f, fields, e);
}

/* Opens the file, settles its format and adds its columns to the schema. */
static int survey_file(struct input *in, struct input_file *f, struct error *e)
{
    const char *at = NULL;
    size_t n = 0;
    bool complete = false;
    int status = input_file_open(in, f, e);
    if (status == 0)
        status = peek(in, f, &at, &n, &complete, e);
    if (status == 0)
        status = settle_format(in, f, at, n, complete, e);
    if (status == 0)
        status = f->format.kind == FORMAT_CSV       ? survey_as_csv(in, f, at, n, complete, e)
                 : f->format.kind == FORMAT_PARQUET ? survey_as_parquet(in, f, e)
                                                    : survey_as_json(in, f, at, n, complete, e);
    input_file_close(in, f);
    return status;
}

/* "id:int,zip:text" */
static int declare_types(struct input *in, struct error *e)
{
    const char *at = in->options.types.at, *end = at ? at + in->options.types.len : NULL;
    for (const char *stop; at && at < end; at = stop + 1) {
        stop = memchr(at, ',', (size_t)(end - at));
        stop = stop ? stop : end;
        const char *colon = stop;
        while (colon > at && *colon != ':')
            colon--;
        char quoted[QUOTE_MAX];
        enum type type = TYPE_TEXT;
        size_t field = schema_find(&in->schema, (struct text){at, (size_t)(colon - at)});
        if (colon == at ||
            !type_from_name((struct text){colon + 1, (size_t)(stop - colon) - 1}, &type))
            return error_set(e, ERR_USAGE,
                             "types: %s: expected name:type with text, int, float, bool, "
                             "time or json",
                             quote(quoted, at, (size_t)(stop - at)));
        if (field == FIELD_NONE)
            return error_set(e, ERR_USAGE, "types: no column %s",
                             quote(quoted, at, (size_t)(colon - at)));
        in->schema.fields.at[field].type = type;
        in->schema.fields.at[field].declared = true;
    }
    return 0;
}

static void prepare_json(struct input *in)
{
    for (size_t i = 0; i < in->files.len; i++)
        if (in->files.at[i].format.kind == FORMAT_JSONL)
            json_input_prepare(&in->files.at[i].json, &in->schema, in->options.json_out);
}

static size_t chunk_size(const struct input_options *o)
{
    const char *wanted = getenv("ML_CHUNK");
    size_t n = o->chunk ? o->chunk : DEFAULT_CHUNK;
    int64_t given = 0;
    double f = 0;
    if (!o->chunk && wanted && number_parse(wanted, strlen(wanted), &given, &f) == NUMBER_INT &&
        given > 0)
        n = (size_t)given;
    return n < (1u << 30) ? n : 1u << 30;
}

int input_file_open(struct input *in, struct input_file *f, struct error *e)
{
    struct source_options o = {.encoding = in->options.encoding};
    return f->source || f->parquet ? 0 : source_open(f->path, &o, &f->source, e);
}

void input_file_close(struct input *in, struct input_file *f)
{
    if (f->parquet && in->files.len > 1)
        input_parquet_may_close(f->parquet);
    if (!f->source || !source_rewindable(f->source) || in->files.len == 1)
        return;
    source_free(f->source);
    f->source = NULL;
}

const char *input_file_name(const struct input_file *f)
{
    return f->path ? f->path : "standard input";
}

int input_open(char *const paths[], size_t count, const struct input_options *o, struct input **out,
               struct error *e)
{
    struct input *in = mem_alloc(sizeof *in);
    in->options = *o;
    in->chunk = chunk_size(o);
    in->max_record = o->max_record ? o->max_record : RECORD_BYTES_MAX;
    in->chunk = in->chunk < in->max_record ? in->chunk : in->max_record;
    in->turn = turn_new();
    pthread_mutex_init(&in->door, NULL);
    for (size_t i = 0; i < count || i == 0; i++) {
        bool is_stdin = count == 0 || strcmp(paths[i], "-") == 0;
        struct input_file f = {.path = is_stdin ? NULL : mem_text(paths[i])};
        vec_push(&in->files, f);
    }
    int status = 0;
    for (size_t i = 0; i < in->files.len && !status; i++)
        status = survey_file(in, &in->files.at[i], e);
    if (status == 0 && o->source_column)
        schema_add(&in->schema, text_of(o->source_column), TYPE_TEXT);
    if (status == 0)
        status = declare_types(in, e);
    if (status) {
        input_free(in);
        return status;
    }
    prepare_json(in);
    in->records = input_first_row(in) - 1;
    *out = in;
    return 0;
}

void input_free(struct input *in)
{
    if (!in)
        return;
    for (size_t i = 0; i < in->files.len; i++) {
        struct input_file *f = &in->files.at[i];
        mem_free(f->path);
        source_free(f->source);
        input_parquet_free(f->parquet);
        mem_free(f->wanted);
        vec_release(&f->names);
        vec_release(&f->raw_names);
        if (f->json.keys)
            json_input_release(&f->json);
    }
    vec_release(&in->files);
    schema_release(&in->schema);
    arena_release(&in->arena);
    buf_release(&in->carry);
    turn_free(in->turn);
    pthread_mutex_destroy(&in->door);
    mem_free(in);
}

const struct schema *input_schema(const struct input *in)
{
    return &in->schema;
}

const struct format *input_format(const struct input *in)
{
    return &in->files.at[0].format;
}

uint64_t input_rows(const struct input *in)
{
    return in->records + 1 - input_first_row(in);
}

uint64_t input_first_row(const struct input *in)
{
    return in->options.first_row ? in->options.first_row : 1;
}

int input_keep(struct input *in, struct error *e)
{
    int status = 0;
    for (size_t i = 0; i < in->files.len && !status; i++) {
        struct input_file *f = &in->files.at[i];
        if (f->source && !source_rewindable(f->source))
            status = source_spool(f->source, e);
    }
    return status;
}

int input_rewind(struct input *in, struct error *e)
{
    in->current = 0;
    in->started = in->at_end = false;
    in->carry.len = 0;
    in->records = input_first_row(in) - 1;
    in->chunks = 0;
    in->failed = false;
    turn_free(in->turn);
    in->turn = turn_new();
    int status = 0;
    for (size_t i = 0; i < in->files.len && !status; i++)
        if (in->files.at[i].parquet)
            input_parquet_rewind(in->files.at[i].parquet);
        else if (in->files.at[i].source)
            status = source_rewind(in->files.at[i].source, e);
    return status;
}

bool input_is_live(const struct input *in)
{
    const struct input_file *f = &in->files.at[in->current < in->files.len ? in->current : 0];
    return f->source && !source_rewindable(f->source);
}
