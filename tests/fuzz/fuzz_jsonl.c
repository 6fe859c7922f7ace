/*
 * Any bytes as JSON Lines. What the parser lets pass must be JSON to the pull parser too, must come
 * out the same when it is read again, and must not depend on where the text was cut into chunks.
 */
#include "table/json_list.h"
#include "table/json_read.h"
#include "table/json_survey.h"
#include "table/json_write.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct stream {
    struct schema schema;
    struct json_input in;
    struct format format;
    struct cell_policy policy;
    struct batch *batch;
};

/* Appends what the records of text look like when written again. */
static void pass(struct stream *s, const char *text, size_t n, struct buf *out)
{
    struct error e = {0};
    struct writer w = {.format = s->format, .schema = &s->schema};
    batch_clear(s->batch);
    buf_add(&s->batch->text, text, n);
    s->batch->format = &s->format;
    s->batch->policy = &s->policy;
    if (json_parse_chunk(&s->schema, &s->in, s->batch, &e))
        abort(); /* bad records are skipped */
    batch_drop_rejected(s->batch);
    json_write_batch(&w, s->batch, out);
    for (size_t c = 0; c < s->batch->columns.len; c++)
        (void)batch_text(s->batch, c);
}

static void check_equal(const struct buf *a, const struct buf *b)
{
    if (a->len != b->len || (a->len && memcmp(a->at, b->at, a->len) != 0))
        abort();
}

static void check_lines_are_json(const struct buf *out)
{
    if (out->len == 0)
        return;
    const char *end = out->at + out->len;
    for (const char *p = out->at, *stop; p < end; p = stop + 1) {
        struct json_reader r;
        enum json_token token;
        stop = memchr(p, '\n', (size_t)(end - p));
        json_start(&r, p, (size_t)(stop - p));
        do
            token = json_next(&r);
        while (token != JSON_TOKEN_ERROR && token != JSON_TOKEN_DONE);
        if (token == JSON_TOKEN_ERROR)
            abort();
    }
}

static void check_text(struct stream *s, const char *text, size_t n)
{
    struct buf whole = {0}, again = {0}, parts = {0};
    pass(s, text, n, &whole);
    check_lines_are_json(&whole);
    pass(s, whole.at, whole.len, &again);
    check_equal(&whole, &again);
    size_t cut = json_last_record_end(text, n / 2);
    pass(s, text, cut, &parts);
    pass(s, text + cut, n - cut, &parts);
    check_equal(&whole, &parts);
    buf_release(&whole);
    buf_release(&again);
    buf_release(&parts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stream s = {.format = {.kind = FORMAT_JSONL}, .policy = {.on_error = ON_ERROR_SKIP}};
    struct json_list list = {0};
    struct json_survey survey = {0};
    struct buf text = {0};
    buf_add(&text, data, size);
    const char *at = buf_text(&text);
    if (json_is_list(at, size) && json_list_rewrite(&list, text.at, size, NULL) == 0)
        (void)json_list_end(&list, NULL);
    json_collect_schema(&survey, at, size, true);
    json_survey_schema(&survey, &s.schema);
    json_survey_release(&survey);
    for (int keep = 0; keep < 2; keep++) {
        json_input_prepare(&s.in, &s.schema, keep);
        s.batch = batch_new();
        check_text(&s, at, size);
        batch_free(s.batch);
        json_input_release(&s.in);
    }
    schema_release(&s.schema);
    buf_release(&text);
    return 0;
}
