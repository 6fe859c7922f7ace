/* Which groups of rows of an input need not be read, by the ranges of their values. */
#include "table/input.h"

enum { COLUMN_NONE = -1 };

/* The file's column, when it has one whose cells are of the gap's type as they are stored. */
static int64_t find_column(const struct input_file *f, const struct input_gap *gap)
{
    static const enum form forms[] = {
        [TYPE_TEXT] = FORM_TEXT, [TYPE_INT] = FORM_INT,   [TYPE_FLOAT] = FORM_FLOAT,
        [TYPE_BOOL] = FORM_BOOL, [TYPE_TIME] = FORM_TIME, [TYPE_JSON] = FORM_JSON,
    };
    for (size_t i = 0; i < f->names.len; i++) {
        const struct parquet_column *c = parquet_column(input_parquet_file(f->parquet), i);
        if (f->column[i] != gap->column)
            continue;
        bool number = c->form == FORM_INT || c->form == FORM_FLOAT;
        bool fits = type_is_number(gap->type) ? number : c->form == forms[gap->type];
        return fits ? (int64_t)i : COLUMN_NONE;
    }
    return COLUMN_NONE;
}

/* A column that cannot be read is an error of the first row that comes, whichever it is. */
static bool can_be_read(const struct input_file *f)
{
    for (size_t i = 0; i < f->names.len; i++)
        if ((!f->wanted || f->wanted[i]) &&
            parquet_column(input_parquet_file(f->parquet), i)->refused)
            return false;
    return true;
}

static int compare_numbers(double a, double b)
{
    return (a > b) - (a < b);
}

/* The lower (upper) bound of a group against an end: -1, 0, 1. */
static int compare_bound(const struct parquet_range *range, bool upper, enum form form,
                         const struct gap_end *end)
{
    switch (form) {
    case FORM_INT:
        return compare_numbers((double)(upper ? range->max.i : range->min.i), end->number);
    case FORM_FLOAT:
        return compare_numbers(upper ? range->max.f : range->min.f, end->number);
    case FORM_TIME: {
        int64_t t = upper ? range->max.i : range->min.i;
        return (t > end->time) - (t < end->time);
    }
    default:
        return text_compare(upper ? range->max.t : range->min.t, end->text);
    }
}

static bool lies_in(const struct parquet_range *range, enum form form, const struct input_gap *gap)
{
    if (!range->bounded || gap->missing_alone)
        return false;
    int low = gap->from.there ? compare_bound(range, false, form, &gap->from) : 1;
    int high = gap->to.there ? compare_bound(range, true, form, &gap->to) : -1;
    return (low > 0 || (low == 0 && !gap->from.open)) && (high < 0 || (high == 0 && !gap->to.open));
}

/* Whether all rows of a group may be left out. columns: of the gaps, in the file. */
static bool is_left_out(const struct parquet_file *file, size_t group, const int64_t *columns,
                        const struct input_gap *gaps, size_t n)
{
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        enum form form = parquet_column(file, (size_t)columns[i])->form;
        struct parquet_range range = parquet_range(file, group, (size_t)columns[i]);
        /* A float that is not a number is missing, and no null. */
        if (gaps[i].keep_missing && (range.missing != 0 || form == FORM_FLOAT))
            return false;
        bool none =
            range.missing >= 0 && (uint64_t)range.missing == parquet_group_rows(file, group);
        any = any || none || lies_in(&range, form, &gaps[i]);
    }
    return any;
}

static void leave_out_of_file(struct input_file *f, const struct input_gap *gaps, size_t n)
{
    const struct parquet_file *file = input_parquet_file(f->parquet);
    size_t groups = parquet_groups(file);
    int64_t *columns = mem_alloc((n + 1) * sizeof *columns);
    uint8_t *left_out = mem_alloc(groups + 1);
    bool known = n > 0 && can_be_read(f);
    for (size_t i = 0; i < n && known; i++) {
        columns[i] = find_column(f, &gaps[i]);
        known = columns[i] != COLUMN_NONE;
    }
    for (size_t g = 0; g < groups && known; g++)
        left_out[g] = is_left_out(file, g, columns, gaps, n);
    input_parquet_leave_out(f->parquet, known ? left_out : NULL);
    mem_free(columns);
    mem_free(left_out);
}

void input_leave_out(struct input *in, const struct input_gap *gaps, size_t n)
{
    for (size_t i = 0; i < in->files.len; i++)
        if (in->files.at[i].parquet)
            leave_out_of_file(&in->files.at[i], gaps, n);
}
