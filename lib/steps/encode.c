/* Encoders that know only the categories of a column and how often each occurs. */
#include "steps/encoder.h"
#include "steps/steps.h"

#include <math.h>

enum { CATEGORIES_MAX = 1000 }; /* of encoders that make a column for each */

static size_t kept_count(const struct categories *c)
{
    return c->count + categories_keep(c);
}

/* A column for each category would be too many. */
static int check_width(const struct step *s, size_t count, struct error *e)
{
    if (count <= CATEGORIES_MAX)
        return 0;
    return error_set(e, ERR_DATA,
                     "%s: %zu categories, expected at most %d: merge the rare ones with rare_label",
                     s->kind->name, count, CATEGORIES_MAX);
}

static int derive_ordinal(const struct step *s, struct categories *c, struct error *e)
{
    (void)s;
    (void)e;
    double *table = categories_table(c, 1, (double)NAN);
    for (size_t i = 0; i < kept_count(c); i++)
        table[i] = (double)i;
    return 0;
}

static int derive_counts(const struct step *s, struct categories *c, struct error *e)
{
    (void)e;
    double *table = categories_table(c, 1, 0);
    double all = 0;
    for (size_t i = 0; i <= c->count; i++) {
        table[i] = (double)categories_rows(c, i);
        all += table[i];
    }
    for (size_t i = 0; i <= c->count && arg_bool(s, "normalize") && all > 0; i++)
        table[i] /= all;
    return 0;
}

static int derive_matches(const struct step *s, struct categories *c, struct error *e)
{
    (void)s;
    (void)e;
    (void)categories_text_table(c, (struct text){NULL, 0});
    return 0;
}

static int derive_rare(const struct step *s, struct categories *c, struct error *e)
{
    (void)e;
    struct text label = arg_text(s, "label");
    struct text *texts = categories_text_table(c, label);
    if (c->count <= (size_t)arg_int(s, "above"))
        return 0;
    double all = 0;
    for (size_t i = 0; i < c->count; i++)
        all += (double)categories_rows(c, i);
    size_t most = arg_given(s, "max") ? (size_t)arg_int(s, "max") : c->count;
    uint32_t *order = counts_sorted(&c->counts, COUNTS_BY_FREQUENCY);
    for (size_t i = 0; i < c->count; i++) {
        double share = (double)c->counts.n.at[order[i]] / all;
        if (i >= most || share < arg_number(s, "min"))
            texts[c->place[order[i]]] = label;
    }
    mem_free(order);
    return 0;
}

#define NO_OUTPUT UINT32_MAX

enum onehot_drop { DROP_NONE, DROP_FIRST, DROP_LAST, DROP_IF_BINARY };

/* Which categories get a column: with max= the most frequent ones. */
static bool *onehot_chosen(const struct step *s, struct categories *c)
{
    size_t most = arg_given(s, "max") ? (size_t)arg_int(s, "max") : c->count;
    bool *chosen = arena_zero(&c->arena, c->count + PLACES_EXTRA);
    uint32_t *order = counts_sorted(&c->counts, COUNTS_BY_FREQUENCY);
    for (size_t i = 0; i < c->count && i < most; i++)
        chosen[c->place[order[i]]] = true;
    mem_free(order);
    chosen[c->count] = categories_keep(c);
    return chosen;
}

static void onehot_leave_out(const struct step *s, const struct categories *c, bool *chosen)
{
    int drop = arg_choice(s, "drop");
    size_t first = SIZE_MAX, last = SIZE_MAX, count = 0;
    for (size_t i = 0; i <= c->count; i++) {
        if (!chosen[i])
            continue;
        first = count++ == 0 ? i : first;
        last = i;
    }
    if (count > 0 && drop == DROP_LAST)
        chosen[last] = false;
    else if (count > 0 && (drop == DROP_FIRST || (drop == DROP_IF_BINARY && count == 2)))
        chosen[first] = false;
}

static const char *place_name(struct categories *c, size_t place)
{
    if (place >= c->count)
        return categories_kept_name(c);
    struct text name = categories_name(c, place);
    return arena_text(&c->arena, name.at, name.len);
}

/* c->own: the output of each place. */
static int derive_onehot(const struct step *s, struct categories *c, struct error *e)
{
    bool *chosen = onehot_chosen(s, c);
    onehot_leave_out(s, c, chosen);
    uint32_t *output = arena_alloc(&c->arena, categories_places(c) * sizeof *output);
    c->suffixes = arena_alloc(&c->arena, categories_places(c) * sizeof *c->suffixes);
    c->own = output;
    c->width = 0;
    for (size_t i = 0; i < categories_places(c); i++) {
        output[i] = NO_OUTPUT;
        if (!chosen[i])
            continue;
        c->suffixes[c->width] = place_name(c, i);
        output[i] = (uint32_t)c->width++;
    }
    if (arg_given(s, "max") || c->width <= CATEGORIES_MAX)
        return 0;
    return error_set(e, ERR_DATA,
                     "onehot: %zu categories would be %zu columns: give max=, or merge the rare "
                     "ones with rare_label",
                     c->count, c->width);
}

static int fill_onehot(const struct encoding *x)
{
    const struct categories *c = x->categories;
    const uint32_t *output = c->own;
    size_t rows = x->batch->rows, width = c->width;
    int64_t *cells = arena_zero(&x->batch->arena, (rows * width + 1) * sizeof *cells);
    for (size_t r = 0; r < rows; r++) {
        uint32_t k = output[x->place[r]];
        if (k != NO_OUTPUT)
            cells[k * rows + r] = 1;
        else if (x->place[r] == c->count + PLACE_MISSING)
            for (size_t i = 0; i < width; i++)
                cells[i * rows + r] = INT_MISSING;
    }
    for (size_t i = 0; i < width; i++)
        x->out[i] = column_of_int(cells + i * rows);
    return 0;
}

static int lower_onehot(const struct step *s, const struct categories *c, struct lowering *l,
                        uint32_t place, uint32_t *out, struct error *e)
{
    const uint32_t *output = c->own;
    size_t places = categories_places(c);
    int64_t *at = mem_array(NULL, places, sizeof *at);
    (void)s, (void)e;
    for (size_t i = 0; i < places; i++)
        at[i] = output[i] == NO_OUTPUT ? -1 : (int64_t)output[i];
    for (size_t k = 0; k < c->width; k++)
        out[k] = lower_register(l, ML_INT);
    lower_op_to(l, ML_OP_onehot, 0, lower_list(l, out, c->width), place,
                lower_range_int(l, at, places), (uint32_t)c->count + PLACE_MISSING);
    mem_free(at);
    return 0;
}

static int derive_rankhot(const struct step *s, struct categories *c, struct error *e)
{
    size_t width = kept_count(c), places = categories_places(c);
    int rc = check_width(s, width, e);
    if (rc)
        return rc;
    double *table = categories_table(c, width, 0);
    c->suffixes = arena_alloc(&c->arena, (width + 1) * sizeof *c->suffixes);
    for (size_t k = 0; k < width; k++) {
        c->suffixes[k] = place_name(c, k);
        for (size_t i = k; i < width; i++)
            table[k * places + i] = 1;
    }
    return 0;
}

static void number_outputs(struct categories *c)
{
    c->suffixes = arena_alloc(&c->arena, (c->width + 1) * sizeof *c->suffixes);
    for (size_t k = 0; k < c->width; k++)
        c->suffixes[k] = arena_format(&c->arena, "%zu", k);
}

/* Digits of the codes 1 .. count in that base: the fewest with base^digits > count. */
static size_t digits_of(size_t count, size_t base)
{
    size_t digits = 0;
    for (size_t reach = 1; reach <= count; reach *= base)
        digits++;
    return digits;
}

static void derive_digits(struct categories *c, size_t base, bool gray)
{
    size_t count = kept_count(c), places = categories_places(c);
    size_t digits = digits_of(count, base);
    double *table = categories_table(c, digits, 0);
    for (size_t i = 0; i < count; i++) {
        size_t code = gray ? (i + 1) ^ ((i + 1) >> 1) : i + 1;
        for (size_t k = digits; k > 0; k--, code /= base)
            table[(k - 1) * places + i] = (double)(code % base);
    }
    number_outputs(c);
}

static int derive_basen(const struct step *s, struct categories *c, struct error *e)
{
    (void)e;
    derive_digits(c, (size_t)arg_int(s, "base"), false);
    return 0;
}

static int derive_gray(const struct step *s, struct categories *c, struct error *e)
{
    (void)s;
    (void)e;
    derive_digits(c, 2, true);
    return 0;
}

/* n levels against n - 1 columns; cell (level i, column k) of the matrix. */
static double helmert(size_t n, size_t i, size_t k)
{
    (void)n;
    return i <= k ? -1 : i == k + 1 ? (double)(k + 1) : 0;
}

static double sum_contrast(size_t n, size_t i, size_t k)
{
    return i + 1 == n ? -1 : (double)(i == k);
}

static double backward_difference(size_t n, size_t i, size_t k)
{
    double below = (double)(k + 1) / (double)n;
    return i <= k ? below - 1 : below;
}

/* Orthonormal polynomials of degrees 1 .. width over the points 0 .. n - 1, by three-term
 * recurrence (Forsythe 1957): p[k + 1] = (x - a) p[k] - b p[k - 1]. */
static void polynomials(double *table, size_t n, size_t width, size_t places)
{
    double *before = mem_alloc(n * sizeof *before), *now = mem_alloc(n * sizeof *now);
    for (size_t i = 0; i < n; i++)
        now[i] = 1 / sqrt((double)n);
    double b = 0, centre = (double)(n - 1) / 2; /* a is the centre at every degree */
    for (size_t k = 0; k < width; k++) {
        double *next = table + k * places, square = 0;
        for (size_t i = 0; i < n; i++) {
            next[i] = ((double)i - centre) * now[i] - b * before[i];
            square += next[i] * next[i];
        }
        b = sqrt(square);
        for (size_t i = 0; i < n; i++)
            next[i] /= b;
        memcpy(before, now, n * sizeof *now);
        memcpy(now, next, n * sizeof *now);
    }
    mem_free(before);
    mem_free(now);
}

enum contrast { CONTRAST_HELMERT, CONTRAST_SUM, CONTRAST_DIFFERENCE, CONTRAST_POLYNOMIAL };

static int derive_contrast(const struct step *s, struct categories *c, struct error *e)
{
    static double (*const cell[])(size_t n, size_t i, size_t k) = {
        [CONTRAST_HELMERT] = helmert,
        [CONTRAST_SUM] = sum_contrast,
        [CONTRAST_DIFFERENCE] = backward_difference,
    };
    size_t n = kept_count(c), width = n > 0 ? n - 1 : 0, places = categories_places(c);
    int rc = check_width(s, n, e);
    if (rc)
        return rc;
    double *table = categories_table(c, width, 0);
    number_outputs(c);
    int with = arg_choice(s, "with");
    if (with == CONTRAST_POLYNOMIAL) {
        polynomials(table, n, width, places);
        return 0;
    }
    for (size_t k = 0; k < width; k++)
        for (size_t i = 0; i < n; i++)
            table[k * places + i] = cell[with](n, i, k);
    return 0;
}

static const struct arg ordinal_args[] = {
    ROWWISE_COLUMNS("columns to encode"),
    ENCODER_UNKNOWN("error"),
    ENCODER_MISSING("missing"),
    ROWWISE_INTO,
    ROWWISE_SUFFIX,
    {0},
};
static const struct arg count_args[] = {
    ROWWISE_COLUMNS("columns to encode"),
    {.name = "normalize",
     .kind = ARG_BOOL,
     .fallback = "false",
     .help = "shares of the rows instead of counts"},
    ENCODER_UNKNOWN("error"),
    ENCODER_MISSING("missing"),
    ROWWISE_INTO,
    ROWWISE_SUFFIX,
    {0},
};
static const struct arg match_args[] = {
    ROWWISE_COLUMNS("columns to restrict"),
    ENCODER_UNKNOWN("missing"),
    ENCODER_MISSING("missing"),
    ROWWISE_INTO,
    ROWWISE_SUFFIX,
    {0},
};
static const struct arg rare_args[] = {
    ROWWISE_COLUMNS("columns to change"),
    {.name = "min",
     .kind = ARG_NUMBER,
     .fallback = "0.05",
     .help = "share of the rows below which a category is rare",
     .min = 0,
     .max = 1},
    {.name = "above",
     .kind = ARG_INT,
     .fallback = "10",
     .help = "nothing is rare in a column with at most so many categories",
     .min = 0,
     .max = 1e9},
    {.name = "max",
     .kind = ARG_INT,
     .help = "keep at most so many categories, the most frequent ones",
     .min = 1,
     .max = 1e9},
    {.name = "label", .kind = ARG_TEXT, .fallback = "Rare", .help = "what rare categories become"},
    ENCODER_UNKNOWN("ignore"),
    ENCODER_MISSING("missing"),
    ROWWISE_INTO,
    ROWWISE_SUFFIX,
    {0},
};
static const struct arg onehot_args[] = {
    ROWWISE_COLUMNS("columns to encode"),
    {.name = "max",
     .kind = ARG_INT,
     .help = "columns for the most frequent categories only, at most so many",
     .min = 1,
     .max = 100000},
    {.name = "drop",
     .kind = ARG_CHOICE,
     .fallback = "none",
     .choices = "none first last if_binary",
     .help = "leave out the column of one category; if_binary: when there are two"},
    ENCODER_UNKNOWN("error"),
    ENCODER_MISSING("ignore"),
    ROWWISE_KEEP,
    {0},
};
static const struct arg basen_args[] = {
    ROWWISE_COLUMNS("columns to encode"),
    {.name = "base",
     .kind = ARG_INT,
     .fallback = "2",
     .help = "of the digits",
     .min = 2,
     .max = 1e6},
    ENCODER_UNKNOWN("error"),
    ENCODER_MISSING("ignore"),
    ROWWISE_KEEP,
    {0},
};
static const struct arg wide_args[] = {
    ROWWISE_COLUMNS("columns to encode"),
    ENCODER_UNKNOWN("error"),
    ENCODER_MISSING("ignore"),
    ROWWISE_KEEP,
    {0},
};
static const struct arg contrast_args[] = {
    ROWWISE_COLUMNS("columns to encode"),
    {.name = "with", .kind = ARG_METHOD, .fallback = "helmert", .help = "which contrasts"},
    ENCODER_UNKNOWN("error"),
    ENCODER_MISSING("ignore"),
    ROWWISE_KEEP,
    {0},
};

#define SIZES "size\nS\nM\nL\n"
static const struct method contrast_methods[] = {
    {"helmert",
     "F",
     "each category against the mean of those before it",
     {.program = "contrast size with=helmert",
      .input = SIZES,
      .output = "size_0,size_1\n0,2\n1,-1\n-1,-1\n"}},
    {"sum",
     "F",
     "each category but the last against the mean of all",
     {.program = "contrast size with=sum",
      .input = SIZES,
      .output = "size_0,size_1\n-1,-1\n0,1\n1,0\n"}},
    {"backward_difference",
     "F",
     "each category against the one before it",
     {.program = "contrast size with=backward_difference | round @all digits=4",
      .input = SIZES,
      .output = "size_0,size_1\n0.3333,0.6667\n0.3333,-0.3333\n-0.6667,-0.3333\n"}},
    {"polynomial",
     "F",
     "orthonormal polynomials over the order of the categories",
     {.program = "contrast size with=polynomial | round @all digits=4",
      .input = SIZES,
      .output = "size_0,size_1\n0.7071,0.4082\n0,-0.8165\n-0.7071,0.4082\n"}},
    {0},
};

static const struct encoder ordinal = {ENCODER_LEARNS, .to = TYPE_INT, .derive = derive_ordinal};
static const struct encoder counts_encoder = {ENCODER_LEARNS, .to = TYPE_FLOAT,
                                              .derive = derive_counts};
static const struct encoder match = {ENCODER_LEARNS, .to = TYPE_TEXT, .derive = derive_matches};
static const struct encoder rare = {ENCODER_LEARNS, .to = TYPE_TEXT, .derive = derive_rare};
static const struct encoder onehot = {ENCODER_LEARNS,      .to = TYPE_INT,
                                      .widens = true,      .derive = derive_onehot,
                                      .fill = fill_onehot, .lower = lower_onehot};
static const struct encoder rankhot = {ENCODER_LEARNS, .to = TYPE_INT, .widens = true,
                                       .derive = derive_rankhot};
static const struct encoder basen = {ENCODER_LEARNS, .to = TYPE_INT, .widens = true,
                                     .derive = derive_basen};
static const struct encoder gray = {ENCODER_LEARNS, .to = TYPE_INT, .widens = true,
                                    .derive = derive_gray};
static const struct encoder contrast = {ENCODER_LEARNS, .to = TYPE_FLOAT, .widens = true,
                                        .derive = derive_contrast};

const struct step_kind steps_encode[] = {
    {
        .name = "basen",
        .aliases = "binary_encode:base=2 base_n",
        .family = "encode",
        .class = "F",
        .summary = "the digits of each category's number, a column for each digit",
        .details = "Categories are numbered from 1 in order of their names (category_encoders: "
                   "of arrival) and written with the fewest digits that hold all numbers; city_0 "
                   "is the most significant. All zeros mean no category: that is what "
                   "missing=ignore and unknown=ignore give." HELD("categories",
                                                                  "about 200 bytes and the text"),
        .args = basen_args,
        .example = {.program = "basen city",
                    .input = "id,city\n1,Rome\n2,Oslo\n3,Bern\n4,Oslo\n",
                    .output = "id,city_0,city_1\n1,1,1\n2,1,0\n3,0,1\n4,1,0\n"},
        ENCODER_HOOKS,
        .detail = &basen,
    },
    {
        .name = "contrast",
        .aliases = "helmert_encode:with=helmert sum_encode:with=sum "
                   "backward_difference_encode:with=backward_difference "
                   "polynomial_encode:with=polynomial",
        .family = "encode",
        .class = "F",
        .summary = "contrasts between n categories in n - 1 columns",
        .details =
            "Levels are in order of their names. The matrices are those of R and patsy, without "
            "the column of ones that category_encoders adds. Cells without a category "
            "(missing=ignore, unknown=ignore) are zero in all columns." HELD(
                "categories", "about 200 bytes and the text"),
        .args = contrast_args,
        .methods = contrast_methods,
        .example = {.program = "contrast size",
                    .input = SIZES,
                    .output = "size_0,size_1\n0,2\n1,-1\n-1,-1\n"},
        ENCODER_HOOKS,
        .detail = &contrast,
    },
    {
        .name = "count_encode",
        .aliases = "frequency_encode:normalize=true count_frequency",
        .family = "encode",
        .class = "F",
        .summary = "how often each category was seen when fitting",
        .details = "With normalize, its share of the rows that have one. unknown=ignore gives 0; "
                   "missing=keep counts missing cells as a category." HELD(
                       "categories", "about 200 bytes and the text"),
        .args = count_args,
        .example = {.program = "count_encode city",
                    .input = "city\nOslo\nRome\nOslo\n",
                    .output = "city\n2\n1\n2\n"},
        ENCODER_HOOKS,
        .detail = &counts_encoder,
    },
    {
        .name = "gray",
        .aliases = "gray_encode",
        .family = "encode",
        .class = "F",
        .summary = "the Gray code of each category's number: neighbours differ in one digit",
        .details = "As basen base=2, of the number's Gray code n xor n/2." HELD(
            "categories", "about 200 bytes and the text"),
        .args = wide_args,
        .example = {.program = "gray city",
                    .input = "city\nRome\nOslo\nBern\n",
                    .output = "city_0,city_1\n1,0\n1,1\n0,1\n"},
        ENCODER_HOOKS,
        .detail = &gray,
    },
    {
        .name = "match_categories",
        .family = "encode",
        .class = "F",
        .summary = "let only categories through that were seen when fitting",
        .details = "Others become missing, or what unknown= says; unknown=other makes them the "
                   "text 'other'." HELD("categories", "about 200 bytes and the text"),
        .args = match_args,
        .example = {.program = "match_categories city",
                    .input = "city\nOslo\nRome\n",
                    .output = "city\nOslo\nRome\n"},
        ENCODER_HOOKS,
        .detail = &match,
    },
    {
        .name = "onehot",
        .aliases = "one_hot dummies dummy_encode:drop=first",
        .family = "encode",
        .class = "F",
        .summary = "a column of 0 and 1 for each category",
        .details =
            "Columns are named after the old one and the category, in order of the categories' "
            "names, numbers as numbers; the old column goes unless keep=true. A missing cell is 0 "
            "in all of them, as in pandas.get_dummies (scikit-learn makes a column of it: "
            "missing=keep does, named city_missing; unknown=keep puts new categories there too, "
            "or in city_unknown). With max= the less frequent categories are 0 in all columns; "
            "ties go to the name that sorts first. More than 1000 columns must be asked for." HELD(
                "categories", "about 200 bytes and the text"),
        .args = onehot_args,
        .example = {.program = "onehot city",
                    .input = "city,n\nParis,1\nOslo,2\n,3\nParis,4\n",
                    .output = "n,city_Oslo,city_Paris\n1,0,1\n2,1,0\n3,0,0\n4,0,1\n"},
        ENCODER_HOOKS,
        .detail = &onehot,
    },
    {
        .name = "ordinal",
        .aliases = "label_encode ordinal_encode",
        .family = "encode",
        .class = "F",
        .summary = "each category's place in the order of their names, from 0",
        .details =
            "As scikit-learn's OrdinalEncoder and LabelEncoder, but categories that are all "
            "numbers are in order of their values. unknown=-1 gives new categories that number; "
            "keep numbers them behind the last. Missing cells stay missing." HELD(
                "categories", "about 200 bytes and the text"),
        .args = ordinal_args,
        .example = {.program = "ordinal city",
                    .input = "city,n\nParis,1\nOslo,2\n,3\n",
                    .output = "city,n\n1,1\n0,2\n,3\n"},
        ENCODER_HOOKS,
        .detail = &ordinal,
    },
    {
        .name = "rankhot",
        .aliases = "rank_hot thermometer",
        .family = "encode",
        .class = "F",
        .summary = "a column for each category: 1 up to the cell's own in the order of names",
        .details = "Columns are named as those of onehot." HELD("categories",
                                                                "about 200 bytes and the text"),
        .args = wide_args,
        .example = {.program = "rankhot size",
                    .input = "size\n1\n3\n2\n",
                    .output = "size_1,size_2,size_3\n1,0,0\n1,1,1\n1,1,0\n"},
        ENCODER_HOOKS,
        .detail = &rankhot,
    },
    {
        .name = "rare_label",
        .aliases = "replace_rare",
        .family = "encode",
        .class = "F",
        .summary = "give rare categories one common name",
        .details =
            "A category is rare when its share of the rows that have one is below min. As in "
            "feature-engine, columns with few categories (above) are left alone, and categories "
            "not seen when fitting become rare ones." HELD("categories",
                                                           "about 200 bytes and the text"),
        .args = rare_args,
        .example = {.program = "rare_label city min=0.3 above=2",
                    .input = "city\nOslo\nOslo\nRome\nRome\nBern\n",
                    .output = "city\nOslo\nOslo\nRome\nRome\nRare\n"},
        ENCODER_HOOKS,
        .detail = &rare,
    },
    {0},
};
