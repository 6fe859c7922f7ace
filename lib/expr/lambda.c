/* map, list_filter, any, all, reduce: the body of the lambda is evaluated for the items of all rows
 * at once, in a frame whose rows are the items. */
#include "expr/fn_list.h"

/* The lists of a frame laid end to end. */
struct items {
    struct vector lists;
    size_t *first;         /* frame rows + 1: items of row r are first[r] .. first[r + 1] - 1 */
    struct text *json;     /* per item */
    uint32_t *row, *place; /* of the frame, in the list */
};

static int reject_list(struct frame *f, const struct node *n, size_t row, struct text json)
{
    char quoted[QUOTE_MAX];
    error_set(f->error, ERR_DATA, "%s wants a list, not %s", n->fn->about.name,
              quote(quoted, json.at, json.len));
    return frame_reject(f, row);
}

static int count_items(struct frame *f, const struct node *n, struct items *it)
{
    int status = 0;
    it->first = arena_zero(&f->batch->arena, (f->rows + 1) * sizeof *it->first);
    for (size_t r = 0; r < f->rows && !status; r++) {
        struct text json = it->lists.text[vector_at(&it->lists, r)];
        it->first[r + 1] = it->first[r];
        if (!json.at || !frame_wants(f, r))
            continue;
        if (is_list_text(json))
            it->first[r + 1] += list_length(json);
        else
            status = reject_list(f, n, r, json);
    }
    return status;
}

static int items_open(struct frame *f, const struct node *n, struct items *it)
{
    int status = eval_as(f, n->args[0], KIND_JSON, &it->lists);
    if (!status)
        status = count_items(f, n, it);
    if (status)
        return status;
    struct arena *arena = &f->batch->arena;
    size_t total = it->first[f->rows];
    it->json = arena_alloc(arena, (total + 1) * sizeof *it->json);
    it->row = arena_alloc(arena, (total + 1) * sizeof *it->row);
    it->place = arena_alloc(arena, (total + 1) * sizeof *it->place);
    for (size_t r = 0; r < f->rows; r++) {
        struct json_reader reader;
        size_t count = it->first[r + 1] - it->first[r];
        if (count > 0)
            list_start(&reader, it->lists.text[vector_at(&it->lists, r)]);
        for (size_t i = 0; i < count; i++) {
            size_t at = it->first[r] + i;
            list_next(&reader, &it->json[at]);
            it->row[at] = (uint32_t)r;
            it->place[at] = (uint32_t)i;
        }
    }
    return 0;
}

static bool is_null_item(struct text json)
{
    return text_equal(json, TEXT_LITERAL("null"));
}

/* The values of the body for all items, as kind want (KIND_NULL: its own). */
static int eval_body(struct frame *f, const struct node *lambda, const struct items *it,
                     enum kind want, struct vector *out)
{
    size_t total = it->first[f->rows];
    struct text *bound = arena_alloc(&f->batch->arena, (total + 1) * sizeof *bound);
    for (size_t i = 0; i < total; i++)
        bound[i] = is_null_item(it->json[i]) ? (struct text){NULL, 0} : it->json[i];
    struct vector x = {.form = FORM_JSON, .text = bound};
    struct frame inner = {.x = f->x, .batch = f->batch, .error = f->error, .rows = total};
    inner.outer = f;
    inner.outer_row = it->row;
    inner.item = it->place;
    inner.bound = &x;
    inner.level = lambda->level;
    inner.late = f->late;
    return eval_as(&inner, lambda->args[0], want, out);
}

static bool has_list(const struct frame *f, const struct items *it, size_t row)
{
    return it->lists.text[vector_at(&it->lists, row)].at && frame_wants(f, row);
}

static struct text scratch_copy(struct frame *f, const struct buf *b)
{
    return (struct text){arena_text(&f->batch->arena, b->at, b->len), b->len};
}

/* Builds the lists of results: values of the body, or (filter) the items where it is true. */
static struct vector build_lists(struct frame *f, const struct items *it, const struct vector *body,
                                 bool filter)
{
    struct text *to = frame_array(f, sizeof *to);
    struct buf b = {0};
    for (size_t r = 0; r < f->rows; r++) {
        to[r] = (struct text){NULL, 0};
        if (!has_list(f, it, r))
            continue;
        b.len = 0;
        buf_putc(&b, '[');
        for (size_t i = it->first[r]; i < it->first[r + 1]; i++) {
            struct value v = vector_get(body, i);
            if (!filter)
                list_put_value(&b, &v);
            else if (v.kind == KIND_BOOL && v.b)
                list_put(&b, it->json[i]);
        }
        buf_putc(&b, ']');
        to[r] = scratch_copy(f, &b);
    }
    buf_release(&b);
    return (struct vector){.form = FORM_JSON, .text = to};
}

static int eval_lists(struct frame *f, const struct node *n, bool filter, struct vector *out)
{
    struct items it;
    struct vector body;
    int status = items_open(f, n, &it);
    if (!status)
        status = eval_body(f, n->args[1], &it, filter ? KIND_BOOL : KIND_NULL, &body);
    if (!status)
        *out = build_lists(f, &it, &body, filter);
    return status;
}

static int eval_map(struct frame *f, const struct node *n, struct vector *out)
{
    return eval_lists(f, n, false, out);
}

static int eval_list_filter(struct frame *f, const struct node *n, struct vector *out)
{
    return eval_lists(f, n, true, out);
}

/* any is decided by a true item, all by a false one; missing ones leave it open. */
static int eval_quantifier(struct frame *f, const struct node *n, uint8_t decided,
                           struct vector *out)
{
    struct items it;
    struct vector body;
    int status = items_open(f, n, &it);
    if (!status)
        status = eval_body(f, n->args[1], &it, KIND_BOOL, &body);
    if (status)
        return status;
    uint8_t *to = frame_array(f, 1);
    for (size_t r = 0; r < f->rows; r++) {
        to[r] = has_list(f, &it, r) ? !decided : BOOL_MISSING;
        for (size_t i = it.first[r]; i < it.first[r + 1] && to[r] != decided; i++) {
            uint8_t b = body.b8[vector_at(&body, i)];
            to[r] = b == decided || b == BOOL_MISSING ? b : to[r];
        }
    }
    *out = (struct vector){.form = FORM_BOOL, .b8 = to};
    return 0;
}

static int eval_any(struct frame *f, const struct node *n, struct vector *out)
{
    return eval_quantifier(f, n, 1, out);
}

static int eval_all(struct frame *f, const struct node *n, struct vector *out)
{
    return eval_quantifier(f, n, 0, out);
}

/* What the steps of a reduce may write in all: nothing of it is freed before the batch is done. */
enum { REDUCE_MAX = 256 << 20 };

/* One step: item number k of every list that has one. acc: the state of each row, JSON. */
static int reduce_step(struct frame *f, const struct node *lambda, const struct items *it, size_t k,
                       struct text *acc, size_t *written)
{
    struct arena *arena = &f->batch->arena;
    uint32_t *rows = frame_array(f, sizeof *rows), *places = frame_array(f, sizeof *places);
    struct text *state = frame_array(f, sizeof *state), *item = frame_array(f, sizeof *item);
    size_t count = 0;
    for (size_t r = 0; r < f->rows; r++) {
        size_t at = it->first[r] + k;
        if (at >= it->first[r + 1])
            continue;
        rows[count] = (uint32_t)r;
        places[count] = (uint32_t)k;
        state[count] = acc[r];
        item[count++] = is_null_item(it->json[at]) ? (struct text){NULL, 0} : it->json[at];
    }
    struct vector bound[2] = {{.form = FORM_JSON, .text = state},
                              {.form = FORM_JSON, .text = item}};
    struct frame inner = {.x = f->x, .batch = f->batch, .error = f->error, .rows = count};
    struct vector v;
    inner.outer = f;
    inner.outer_row = rows;
    inner.item = places;
    inner.bound = bound;
    inner.level = lambda->level;
    inner.late = f->late;
    int status = eval(&inner, lambda->args[0], &v);
    struct buf b = {0};
    for (size_t i = 0; i < count && !status; i++) {
        struct value one = vector_get(&v, i);
        b.len = 0;
        put_json(&b, &one);
        acc[rows[i]] = one.kind == KIND_NULL ? (struct text){NULL, 0}
                                             : (struct text){arena_text(arena, b.at, b.len), b.len};
        *written += b.len + 256; /* and what the step itself needs */
        if (*written > REDUCE_MAX)
            status = error_set(f->error, ERR_DATA, "reduce: the steps write more than 256 MiB");
    }
    buf_release(&b);
    return status;
}

/* reduce(list, start, (acc, x) -> ...) */
static int eval_reduce(struct frame *f, const struct node *n, struct vector *out)
{
    struct items it;
    struct vector start;
    int status = items_open(f, n, &it);
    if (!status)
        status = eval(f, n->args[1], &start);
    if (status)
        return status;
    struct text *acc = frame_array(f, sizeof *acc);
    struct buf b = {0};
    size_t longest = 0, written = 0;
    for (size_t r = 0; r < f->rows; r++) {
        struct value v = vector_get(&start, r);
        size_t length = it.first[r + 1] - it.first[r];
        b.len = 0;
        put_json(&b, &v);
        bool none = v.kind == KIND_NULL || !has_list(f, &it, r);
        acc[r] = none ? (struct text){NULL, 0} : scratch_copy(f, &b);
        longest = length > longest ? length : longest;
    }
    buf_release(&b);
    for (size_t k = 0; k < longest && !status; k++)
        status = reduce_step(f, n->args[2], &it, k, acc, &written);
    *out = (struct vector){.form = FORM_JSON, .text = acc};
    return status;
}

#define LIST "list, map"
static const struct function_row rows[] = {
    {{"all", LIST, "all(list, x -> condition) -> bool", "is the condition true of every item?",
      "all([1, 2, 3], x -> x > 0)", "true"},
     "jx",
     'b',
     .eval = eval_all},
    {{"any", LIST, "any(list, x -> condition) -> bool", "is the condition true of an item?",
      "any([1, 2, 3], x -> x > 2)", "true"},
     "jx",
     'b',
     .eval = eval_any},
    {{"list_filter", LIST, "list_filter(list, x -> condition) -> list",
      "the items of which the condition is true", "list_filter([1, 2, 3], x -> x > 1)", "[2,3]"},
     "jx",
     'j',
     .eval = eval_list_filter},
    {{"map", LIST, "map(list, x -> value) -> list", "the value for each item",
      "map([1, 2, 3], x -> x * 10)", "[10,20,30]"},
     "jx",
     'j',
     .eval = eval_map},
    {{"reduce", LIST, "reduce(list, start, (acc, x) -> value) -> any",
      "folds the items into one value, from the first to the last",
      "reduce([1, 2, 3], 0, (acc, x) -> acc + x)", "6"},
     "jvy",
     'j',
     .eval = eval_reduce},
};
const struct function_family lambda_functions = {rows, COUNT_OF(rows)};
