/* What checks do with the rows they find wrong. */
#include "prep/verdict.h"

#include "prep/lower.h"

enum action verdict_action(const struct step *s)
{
    static const char *const names[] = {"flag", "drop", "reject", "fail"};
    size_t i = 0;
    while (i + 1 < COUNT_OF(names) && strcmp(arg_string(s, "action"), names[i]) != 0)
        i++;
    return (enum action)i;
}

int verdict_open(struct step *s, const struct schema *in, struct error *e)
{
    int rc = rowwise_open(s, in, e);
    if (rc || verdict_action(s) == ACTION_FLAG)
        return rc;
    rowwise_plan(s)->added.len = 0;
    bool named = (step_has_arg(s, "into") && arg_given(s, "into")) ||
                 (step_has_arg(s, "suffix") && arg_given(s, "suffix"));
    return named ? step_error(s, e, "into and suffix name the column of action=flag") : 0;
}

int verdict_shape(struct step *s, struct schema *schema, struct error *e)
{
    return verdict_action(s) == ACTION_FLAG ? rowwise_shape(s, schema, e) : 0;
}

/* Drops the rows of b that are wrong. */
static void drop_wrong(struct batch *b, const uint8_t *right)
{
    uint8_t *keep = batch_array(b, b->rows, 1);
    for (size_t r = 0; r < b->rows; r++)
        keep[r] = right[r] != 0;
    batch_filter(b, keep);
}

/* ERR_NO at the row. */
static int fail_row(struct batch *b, const struct verdict *v, size_t row, struct error *e)
{
    e->code = ERR_NO;
    e->column = v->column == FIELD_NONE ? 0 : v->column + 1;
    if (v->name) {
        char text[sizeof e->message], quoted[QUOTE_MAX];
        memcpy(text, e->message, sizeof text);
        (void)error_set(e, ERR_NO, "column %s: %.480s", quote(quoted, v->name, strlen(v->name)),
                        text);
    }
    return batch_place(b, row, e);
}

/* --on-error=null: wrong cells become missing. Whether there are any does not matter, so that what
 * is written does not depend on how rows are batched. */
static void blank_wrong(struct batch *b, const struct verdict *v)
{
    const struct text *cells = batch_text(b, v->column);
    struct text *kept = batch_array(b, b->rows, sizeof *kept);
    for (size_t r = 0; r < b->rows; r++)
        kept[r] = v->right[r] ? cells[r] : (struct text){NULL, 0};
    batch_set(b, v->column, column_of_text(kept));
}

static bool blanks(const struct batch *b, const struct verdict *v)
{
    return v->action == ACTION_REJECT && v->column != FIELD_NONE && b->policy &&
           b->policy->on_error == ON_ERROR_NULL;
}

int verdict_enforce(struct batch *b, const struct verdict *v, struct error *e)
{
    if (v->action == ACTION_DROP) {
        drop_wrong(b, v->right);
        return 0;
    }
    for (size_t r = 0; r < b->rows; r++) {
        if (LIKELY(v->right[r] != 0))
            continue;
        e->code = ERR_DATA;
        v->complain(v->context, r, e);
        int rc = v->action == ACTION_FAIL ? fail_row(b, v, r, e)
                                          : batch_reject(b, r, v->column, v->name, e);
        if (rc)
            return rc;
    }
    if (blanks(b, v))
        blank_wrong(b, v);
    return 0;
}

struct cell_check {
    const struct step *step;
    struct batch *batch;
    size_t column;
};

static void complain_of_cell(const void *context, size_t row, struct error *e)
{
    const struct cell_check *c = context;
    const struct rowwise *map = c->step->kind->detail;
    struct text cell = batch_cell(c->batch, c->column, row);
    char quoted[QUOTE_MAX];
    (void)error_set(e, ERR_DATA, "%s: %s is not %s", c->step->kind->name,
                    cell.at ? quote(quoted, cell.at, cell.len) : "a missing value", map->domain);
}

/* Rows go after all columns are judged: dropping them changes the batch. */
static int judge_columns(const struct step *s, struct batch *b, struct error *e)
{
    uint8_t *all = batch_array(b, b->rows, 1);
    memset(all, 1, b->rows);
    bool drop = verdict_action(s) == ACTION_DROP;
    const struct rowwise *map = s->kind->detail;
    size_t at_once = map->several ? s->column_count : 1;
    for (size_t i = 0; i < s->column_count; i += at_once) {
        union cells right = cells_new(b, TYPE_BOOL);
        int rc = rowwise_run(s, b, i, at_once, &right, e);
        struct cell_check check = {s, b, s->columns[i]};
        struct verdict v = {.action = verdict_action(s),
                            .right = right.flag,
                            .column = s->columns[i],
                            .name = s->names[i],
                            .complain = complain_of_cell,
                            .context = &check};
        if (rc == 0 && !drop)
            rc = verdict_enforce(b, &v, e);
        if (rc)
            return rc;
        for (size_t r = 0; r < b->rows; r++)
            all[r] &= right.flag[r] != 0;
    }
    if (drop)
        drop_wrong(b, all);
    return 0;
}

int verdict_apply(const struct step *s, struct batch *b, struct error *e)
{
    return verdict_action(s) == ACTION_FLAG ? rowwise_apply(s, b, e) : judge_columns(s, b, e);
}

/* A wrong cell refuses the row. */
static int lower_judging(const struct step *s, struct lowering *l, struct error *e)
{
    const struct rowwise *map = s->kind->detail;
    size_t at_once = map->several ? s->column_count : 1;
    int rc = 0;
    for (size_t i = 0; i < s->column_count && rc == 0; i += at_once) {
        uint32_t right = 0, also = LOWER_NONE;
        rc = rowwise_lower_run(s, l, i, at_once, &right, &also, e);
        if (rc == 0)
            lower_op_to(l, ML_OP_want, 0, 0, right, 1, 0);
    }
    return rc;
}

int verdict_lower(const struct step *s, struct lowering *l, struct error *e)
{
    if (verdict_action(s) == ACTION_FLAG)
        return rowwise_lower(s, l, e);
    if (verdict_action(s) == ACTION_DROP)
        return lower_refuse(e, "action=drop leaves rows out");
    return lower_judging(s, l, e);
}
