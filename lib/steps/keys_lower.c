/* lookup_join and foreign_key in row programs. */
#include "steps/keys.h"

#include "prep/lower.h"
#include "prep/verdict.h"

/* A table on its way into a program. */
struct table_texts {
    const struct step *step;
    bool unique;
    struct map keys;
    VEC(struct text) values; /* by key, those of each column that is taken */
    struct buf key;
    struct arena arena;
};

static void release(struct table_texts *t)
{
    map_release(&t->keys);
    vec_release(&t->values);
    buf_release(&t->key);
    arena_release(&t->arena);
}

/* The key of a row as one text, for several columns as the operation join_key has it. False: part
 * of it is missing. */
static bool key_of(struct table_texts *t, struct batch *b, size_t row)
{
    const struct beside *table = &((const struct table_plan *)t->step->plan)->table;
    t->key.len = 0;
    for (size_t i = 0; i < table->key_count; i++) {
        struct text cell = batch_text(b, table->keys[i].right)[row];
        if (!cell.at)
            return false;
        if (table->key_count > 1)
            buf_format(&t->key, "%zu:", cell.len);
        buf_add(&t->key, cell.at, cell.len);
    }
    return true;
}

static int take_rows(void *context, struct batch *b, struct error *e)
{
    struct table_texts *t = context;
    const struct beside *table = &((const struct table_plan *)t->step->plan)->table;
    for (size_t r = 0; r < b->rows; r++) {
        bool is_new = false;
        if (!key_of(t, b, r))
            continue;
        (void)map_put(&t->keys, (struct text){buf_text(&t->key), t->key.len}, &is_new);
        if (!is_new && t->unique) {
            char quoted[QUOTE_MAX];
            (void)error_set(e, ERR_DATA, "key %s is there twice",
                            quote(quoted, buf_text(&t->key), t->key.len));
            return batch_place(b, r, e);
        }
        for (size_t i = 0; is_new && i < table->take.count; i++) {
            struct text cell = batch_text(b, table->take.at[i])[r];
            if (cell.at)
                cell.at = arena_text(&t->arena, cell.at, cell.len);
            vec_push(&t->values, cell);
        }
    }
    return 0;
}

/* Reads the file; *cell becomes the register of a row's key. */
static int read_table(struct table_texts *t, struct lowering *l, uint32_t *cell, struct error *e)
{
    const struct step *s = t->step;
    const struct table_plan *plan = s->plan;
    uint32_t *parts = mem_array(NULL, s->column_count + 1, sizeof *parts);
    for (size_t i = 0; i < s->column_count; i++)
        parts[i] = lower_column(l, s->columns[i], ML_TEXT);
    *cell = parts[0];
    if (s->column_count > 1)
        *cell = lower_op(l, ML_OP_join_key, lower_list(l, parts, s->column_count), 0, 0);
    mem_free(parts);
    return side_scan(plan->table.side, take_rows, t, e);
}

static void lower_values(const struct table_texts *t, struct lowering *l, uint32_t place)
{
    const struct taken *take = &((const struct table_plan *)t->step->plan)->table.take;
    size_t n = t->keys.keys.len;
    struct text *texts = mem_array(NULL, n + 1, sizeof *texts);
    for (size_t k = 0; k < take->count; k++) {
        for (size_t i = 0; i < n; i++)
            texts[i] = t->values.at[i * take->count + k];
        texts[n] = (struct text){NULL, 0};
        lower_add(l, lower_op(l, ML_OP_look_text, place, lower_range_text(l, texts, n + 1), 0));
    }
    mem_free(texts);
}

int lookup_lower(const struct step *s, struct lowering *l, struct error *e)
{
    struct table_texts t = {.step = s, .unique = true};
    uint32_t cell = 0;
    int rc = read_table(&t, l, &cell, e);
    if (rc == 0) {
        bool refuses = strcmp(arg_string(s, "unmatched"), "error") == 0;
        int64_t none = refuses ? -1 : (int64_t)t.keys.keys.len;
        const int64_t rest[] = {none, none};
        uint32_t keys = lower_map(l, t.keys.keys.at, t.keys.keys.len);
        uint32_t place = lower_op(l, ML_OP_place, cell, keys, lower_range_int(l, rest, 2));
        if (refuses) /* whatever becomes of the columns */
            lower_op_to(l, ML_OP_want, 0, 0, lower_op(l, ML_OP_in_texts, cell, keys, 0), 0, 0);
        lower_values(&t, l, place);
    }
    release(&t);
    return rc;
}

/* Missing when one of the cells is. */
static uint32_t lower_known(const struct step *s, struct lowering *l, uint32_t cell, uint32_t keys)
{
    uint32_t known = lower_op(l, ML_OP_in_texts, cell, keys, 0);
    for (size_t i = 0; i < s->column_count; i++) {
        uint32_t here = lower_register(l, ML_BOOL);
        lower_op_to(l, ML_OP_missing, 0, here, 0, 0, 0);
        uint32_t part = lower_column(l, s->columns[i], ML_TEXT);
        size_t skip = lower_jump(l, ML_OP_jump_is, lower_op(l, ML_OP_is_missing, part, 1, 0), 1);
        lower_op_to(l, ML_OP_move, 0, here, known, 0, 0);
        lower_land(l, skip);
        known = here;
    }
    return known;
}

int foreign_lower(const struct step *s, struct lowering *l, struct error *e)
{
    struct table_texts t = {.step = s};
    uint32_t cell = 0;
    enum action action = verdict_action(s);
    if (action == ACTION_DROP)
        return lower_refuse(e, "action=drop leaves rows out");
    int rc = read_table(&t, l, &cell, e);
    if (rc == 0) {
        uint32_t keys = lower_map(l, t.keys.keys.at, t.keys.keys.len);
        uint32_t known = lower_known(s, l, cell, keys);
        if (action == ACTION_FLAG)
            lower_add(l, known);
        else
            lower_op_to(l, ML_OP_want, 0, 0, known, 1, 0);
    }
    release(&t);
    return rc;
}
