/* Any bytes as a JSON object that is put into a group. What is taken is whole, is printed as JSON,
 * and that is taken as the same record. */
#include "store/intake.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool promise)
{
    if (!promise)
        abort();
}

static struct group *make_group(void)
{
    static const char *const types[] = {"int",      "float",    "text",     "bool",     "time",
                                        "list-int", "set-text", "vector-2", "list-bool"};
    struct group *g = group_new("nowhere", "g");
    struct error e = {0};
    need(group_add_id(g, TEXT_LITERAL("a"), &e) == 0 &&
         group_add_id(g, TEXT_LITERAL("b"), &e) == 0);
    group_type_id(g, 1, TYPE_INT);
    need(group_set_time(g, TEXT_LITERAL("t"), &e) == 0);
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        char name[] = {'f', (char)('0' + i), '\0'};
        struct feature f = {.name = NULL};
        need(feature_type_parse(text_of(types[i]), &f) &&
             group_add_feature(g, text_of(name), &f, &e) == 0);
    }
    return g;
}

static void print_record(const struct group *g, const struct store_record *r, struct buf *out)
{
    char room[TIME_MAX];
    struct text time = row_cell(r->row, 0, room), a = group_id_part(r->id, 0),
                b = group_id_part(r->id, 1);
    if (!time.at)
        time = (struct text){room, time_print(room, r->event_time)};
    buf_puts(out, "{\"a\":");
    json_put_string(out, a.at, a.len);
    buf_puts(out, ",\"t\":");
    json_put_string(out, time.at, time.len);
    buf_format(out, ",\"b\":%.*s", (int)b.len, b.at);
    for (size_t i = 0; i < g->features.len; i++) {
        buf_format(out, ",\"%s\":", g->features.at[i].name);
        row_json(r->row, i + 1, feature_cell_type(&g->features.at[i]), out);
    }
    buf_putc(out, '}');
}

/* Texts with bytes that are no UTF-8 are printed with others in their place. */
static bool is_ascii(struct text t)
{
    for (size_t i = 0; i < t.len; i++)
        if ((unsigned char)t.at[i] >= 0x80)
            return false;
    return true;
}

static void check_record(const struct group *g, const struct store_record *r, bool ascii)
{
    static const struct intake_options o = {.write_time = 1};
    struct intake_rows again = {.records = {0}};
    struct buf out = {0};
    struct error e = {0};
    need(r->id.len > 0 && r->id.len <= STORE_ID_MAX && r->row.len <= STORE_ROW_MAX);
    if (!(r->flags & STORE_DELETED)) {
        need(row_whole(r->row) && row_features(r->row) == g->features.len + 1);
        print_record(g, r, &out);
        struct text json = {out.at, out.len};
        need(json_valid(json));
        need(!ascii || intake_object(g, json, &o, &again, &e) == 0);
        if (ascii) {
            need(again.records.len == 1 && text_equal(again.records.at[0].id, r->id));
            need(again.records.at[0].event_time == r->event_time);
        }
    }
    buf_release(&out);
    intake_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct group *g;
    static const struct intake_options o = {.write_time = 1};
    struct intake_rows rows = {.records = {0}};
    struct error e = {0};
    struct text json = {size ? (const char *)data : "", size};
    g = g ? g : make_group();
    int status = intake_object(g, json, &o, &rows, &e);
    need(status == 0 || (status == ERR_DATA && *e.message));
    need(rows.records.len == (status == 0));
    if (status == 0)
        check_record(g, &rows.records.at[0], is_ascii(json) && !memchr(json.at, '\\', json.len));
    intake_release(&rows);
    return 0;
}
