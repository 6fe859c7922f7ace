/* A booster from a document of keys and values, which JSON and UBJSON write alike. */
#include "model/import_xgboost.h"

#include <math.h>
#include <stdio.h>

/* The lists of a tree, in the order of their names below. */
enum column {
    LEFT,
    RIGHT,
    FEATURE,
    NUMBER,
    DEFAULT_LEFT,
    COVER,
    BASE_WEIGHT,
    LEAF_WEIGHT,
    SPLIT_TYPE,
    CATEGORIES,
    CATEGORIES_NODES,
    CATEGORIES_SEGMENTS,
    CATEGORIES_SIZES,
    COLUMNS
};

typedef VEC(double) numbers;

struct document {
    struct pull *in;
    struct booster *b;
    struct error *e;
    struct buf path;
    bool seen_learner;
    numbers column[COLUMNS]; /* of the tree that is read */
    size_t tree_nodes, tree_width;
};

/* What is read of an object; other keys are skipped. */
struct field {
    const char *key;
    int (*read)(struct document *d, size_t which);
    size_t which;
};

static int wrong(struct document *d, const char *what)
{
    return error_set(d->e, ERR_DATA, "%s%s%s (at byte %zu)", buf_text(&d->path),
                     d->path.len ? ": " : "", what, d->in->offset);
}

static int want(struct document *d, enum json_token token, const char *what)
{
    enum json_token got = d->in->next(d->in);
    if (got == token)
        return 0;
    return wrong(d, got == JSON_TOKEN_ERROR ? d->in->problem : what);
}

static int skip_value(struct document *d)
{
    size_t depth = 0;
    do {
        switch (d->in->next(d->in)) {
        case JSON_TOKEN_ERROR:
            return wrong(d, d->in->problem);
        case JSON_TOKEN_OBJECT:
        case JSON_TOKEN_ARRAY:
            depth++;
            break;
        case JSON_TOKEN_END:
            depth--;
            break;
        default:
            break;
        }
    } while (depth > 0);
    return 0;
}

static int read_value(struct document *d, const struct field *field)
{
    size_t before = d->path.len;
    buf_format(&d->path, "%s%s", before ? "." : "", field->key);
    int status = field->read(d, field->which);
    d->path.len = status ? d->path.len : before;
    return status;
}

/* The value of the key in d->in->text. seen has a bit per field. */
static int read_member(struct document *d, const struct field *fields, size_t n, uint32_t *seen)
{
    for (size_t i = 0; i < n; i++) {
        if (!text_equal(d->in->text, text_of(fields[i].key)))
            continue;
        if (*seen >> i & 1)
            return wrong(d, "a key is there twice");
        *seen |= UINT32_C(1) << i;
        return read_value(d, &fields[i]);
    }
    return skip_value(d);
}

/* The members of an object whose OBJECT was just read. */
static int read_members(struct document *d, const struct field *fields, size_t n)
{
    uint32_t seen = 0;
    int status = 0;
    while (status == 0) {
        enum json_token token = d->in->next(d->in);
        if (token == JSON_TOKEN_END)
            return 0;
        if (token != JSON_TOKEN_KEY)
            return wrong(d, d->in->problem);
        status = read_member(d, fields, n, &seen);
    }
    return status;
}

static int read_object(struct document *d, const struct field *fields, size_t n)
{
    int status = want(d, JSON_TOKEN_OBJECT, "an object is expected");
    return status ? status : read_members(d, fields, n);
}

/* 1: one more value begins, which `token` is; 0: the list ends. */
static int next_item(struct document *d, enum json_token *token)
{
    *token = d->in->next(d->in);
    if (*token == JSON_TOKEN_ERROR)
        return wrong(d, d->in->problem);
    return *token != JSON_TOKEN_END;
}

static int read_numbers(struct document *d, numbers *out)
{
    enum json_token token;
    int more = want(d, JSON_TOKEN_ARRAY, "a list of numbers is expected");
    if (more)
        return more;
    out->len = 0;
    while ((more = next_item(d, &token)) > 0) {
        if (token != JSON_TOKEN_NUMBER)
            return wrong(d, "a list of numbers is expected");
        vec_push(out, d->in->number);
    }
    return more;
}

/* Parameters are written as texts, numbers are as good. */
static int read_number(struct document *d, double *out)
{
    enum json_token token = d->in->next(d->in);
    if (token == JSON_TOKEN_ERROR)
        return wrong(d, d->in->problem);
    *out = d->in->number;
    if (token != JSON_TOKEN_NUMBER &&
        (token != JSON_TOKEN_STRING || !number_parse_double(d->in->text.at, d->in->text.len, out)))
        return wrong(d, "a number is expected");
    return 0;
}

static int read_count(struct document *d, size_t *out)
{
    double x = 0;
    int status = read_number(d, &x);
    if (status)
        return status;
    if (!(x >= 0 && x <= INT32_MAX && x == floor(x)))
        return wrong(d, "a count is expected");
    *out = (size_t)x;
    return 0;
}

static int read_text(struct document *d, const char **out)
{
    int status = want(d, JSON_TOKEN_STRING, "a text is expected");
    if (status == 0)
        *out = arena_text(&d->b->arena, d->in->text.at, d->in->text.len);
    return status;
}

/* Integers of [low, high] as they are, anything else an error. */
static int check_integers(struct document *d, const double *x, size_t n, double low, double high)
{
    for (size_t i = 0; i < n; i++)
        if (!(x[i] >= low && x[i] <= high && x[i] == floor(x[i])))
            return wrong(d, "a number is no integer or out of range");
    return 0;
}

static int read_column(struct document *d, size_t which)
{
    bool integers =
        which != NUMBER && which != COVER && which != BASE_WEIGHT && which != LEAF_WEIGHT;
    numbers *column = &d->column[which];
    int status = read_numbers(d, column);
    if (status == 0 && integers)
        status = check_integers(d, column->at, column->len, -1,
                                which == FEATURE ? UINT32_MAX - 1 : INT32_MAX);
    return status;
}

static int read_nodes(struct document *d, size_t which)
{
    (void)which;
    return read_count(d, &d->tree_nodes);
}

static int read_width(struct document *d, size_t which)
{
    (void)which;
    return read_count(d, &d->tree_width);
}

static int read_tree_param(struct document *d, size_t which)
{
    static const struct field fields[] = {{"num_nodes", read_nodes, 0},
                                          {"size_leaf_vector", read_width, 0}};
    (void)which;
    return read_object(d, fields, COUNT_OF(fields));
}

static int check_lengths(struct document *d)
{
    static const char *const names[] = {"left_children", "right_children", "split_indices",
                                        "split_conditions", "default_left"};
    char text[128];
    size_t n = d->column[LEFT].len;
    for (size_t i = LEFT; i <= DEFAULT_LEFT; i++) {
        if (d->column[i].len == n && n > 0)
            continue;
        (void)snprintf(text, sizeof text, "%s has %zu entries for %zu nodes", names[i],
                       d->column[i].len, n);
        return wrong(d, text);
    }
    if (d->tree_nodes != SIZE_MAX && d->tree_nodes != n)
        return wrong(d, "num_nodes is not the length of the lists");
    if (d->column[SPLIT_TYPE].len != 0 && d->column[SPLIT_TYPE].len != n)
        return wrong(d, "split_type is not as long as the other lists");
    return 0;
}

/* The vector of each leaf: its own in leaf_weights, to which right_children points (since 3.1), or
 * that of the node in base_weights. */
static int add_vectors(struct document *d, size_t n)
{
    size_t width = d->tree_width;
    const numbers *own = &d->column[LEAF_WEIGHT], *nodes = &d->column[BASE_WEIGHT];
    bool indirect = own->len > 0;
    const numbers *from = indirect ? own : nodes;
    size_t vectors = from->len / width;
    if (indirect ? vectors < (n + 1) / 2 : vectors != n)
        return wrong(d, "base_weights or leaf_weights are not as many as the leaves need");
    for (size_t i = 0; i < n; i++) {
        bool leaf = d->column[LEFT].at[i] < 0;
        double index = indirect ? d->column[RIGHT].at[i] : (double)i;
        if (leaf && !(index >= 0 && index < (double)vectors))
            return wrong(d, "leaf_weights lack those of a leaf");
        for (size_t k = 0; k < width; k++)
            vec_push(&d->b->vectors, leaf ? (float)from->at[(size_t)index * width + k] : 0);
    }
    return 0;
}

/* The sets of the nodes that test categories: node k of categories_nodes has those from
 * segments[k], sizes[k] of them. */
static int add_sets(struct document *d, struct booster_node *nodes, size_t n)
{
    const numbers *of = &d->column[CATEGORIES_NODES], *all = &d->column[CATEGORIES];
    const numbers *first = &d->column[CATEGORIES_SEGMENTS], *size = &d->column[CATEGORIES_SIZES];
    if (first->len != of->len || size->len != of->len)
        return wrong(d, "the lists of categories differ in length");
    for (size_t i = 0; i < of->len; i++) {
        double node = of->at[i], from = first->at[i], count = size->at[i];
        if (node < 0 || node >= (double)n || from < 0 || count < 0 ||
            from + count > (double)all->len)
            return wrong(d, "the categories of a node are out of range");
        const char *problem =
            booster_set(d->b, all->at + (size_t)from, (size_t)count, &nodes[(size_t)node].set);
        if (problem)
            return wrong(d, problem);
    }
    for (size_t i = 0; i < d->column[SPLIT_TYPE].len; i++)
        if (nodes[i].left >= 0 && (nodes[i].set != NO_SET) != (d->column[SPLIT_TYPE].at[i] == 1))
            return wrong(d, "split_type and categories_nodes disagree about a node");
    return 0;
}

static void add_nodes(struct document *d, size_t n)
{
    const numbers *column = d->column;
    bool covered = column[COVER].len == n;
    for (size_t i = 0; i < n; i++) {
        struct booster_node node = {
            .left = (int32_t)column[LEFT].at[i],
            .right = (int32_t)column[RIGHT].at[i],
            .feature = column[FEATURE].at[i] < 0 ? 0 : (uint32_t)column[FEATURE].at[i],
            .number = (float)column[NUMBER].at[i],
            .cover = covered ? (float)column[COVER].at[i] : NAN,
            .default_left = column[DEFAULT_LEFT].at[i] != 0,
            .set = NO_SET,
        };
        vec_push(&d->b->nodes, node);
    }
}

static int finish_tree(struct document *d)
{
    struct booster *b = d->b;
    int status = check_lengths(d);
    if (status)
        return status;
    size_t n = d->column[LEFT].len, first = b->nodes.len;
    d->tree_width = d->tree_width ? d->tree_width : 1;
    if (b->width && b->width != d->tree_width)
        return wrong(d, "its leaves are not as wide as those of the trees before");
    b->width = d->tree_width;
    add_nodes(d, n);
    if (b->width > 1)
        status = add_vectors(d, n);
    if (status == 0)
        status = add_sets(d, b->nodes.at + first, n);
    vec_push(&b->tree_end, b->nodes.len);
    return status;
}

/* Behind its OBJECT. */
static int read_tree(struct document *d)
{
    static const struct field fields[] = {
        {"left_children", read_column, LEFT},
        {"right_children", read_column, RIGHT},
        {"split_indices", read_column, FEATURE},
        {"split_conditions", read_column, NUMBER},
        {"default_left", read_column, DEFAULT_LEFT},
        {"sum_hessian", read_column, COVER},
        {"base_weights", read_column, BASE_WEIGHT},
        {"leaf_weights", read_column, LEAF_WEIGHT},
        {"split_type", read_column, SPLIT_TYPE},
        {"categories", read_column, CATEGORIES},
        {"categories_nodes", read_column, CATEGORIES_NODES},
        {"categories_segments", read_column, CATEGORIES_SEGMENTS},
        {"categories_sizes", read_column, CATEGORIES_SIZES},
        {"tree_param", read_tree_param, 0},
    };
    for (size_t i = 0; i < COLUMNS; i++)
        d->column[i].len = 0;
    d->tree_nodes = SIZE_MAX;
    d->tree_width = 1;
    int status = read_members(d, fields, COUNT_OF(fields));
    return status ? status : finish_tree(d);
}

static int read_trees(struct document *d, size_t which)
{
    enum json_token token;
    size_t before = d->path.len;
    int more = want(d, JSON_TOKEN_ARRAY, "a list of trees is expected");
    (void)which;
    if (more)
        return more;
    while ((more = next_item(d, &token)) > 0) {
        buf_format(&d->path, "[%zu]", d->b->tree_end.len);
        int status = token == JSON_TOKEN_OBJECT ? read_tree(d) : wrong(d, "a tree is expected");
        if (status)
            return status;
        d->path.len = before;
    }
    return more;
}

static int read_tree_info(struct document *d, size_t which)
{
    numbers x = {0};
    int status = read_numbers(d, &x);
    (void)which;
    if (status == 0)
        status = check_integers(d, x.at, x.len, 0, INT32_MAX);
    for (size_t i = 0; i < x.len && status == 0; i++)
        vec_push(&d->b->tree_info, (int32_t)x.at[i]);
    vec_release(&x);
    return status;
}

/* Digits that were written for a float are read as a double and rounded: with the nine or fewer
 * that XGBoost writes this gives the same float as reading them at once. */
static int read_floats(struct document *d, size_t which)
{
    numbers x = {0};
    int status = read_numbers(d, &x);
    for (size_t i = 0; i < x.len && status == 0; i++)
        if (which)
            vec_push(&d->b->tree_weights, (float)x.at[i]);
        else
            vec_push(&d->b->weights, (float)x.at[i]);
    vec_release(&x);
    return status;
}

static int read_booster_name(struct document *d, size_t which)
{
    (void)which;
    return read_text(d, &d->b->name);
}

static int read_parallel(struct document *d, size_t which)
{
    (void)which;
    return read_count(d, &d->b->parallel);
}

static int read_trees_param(struct document *d, size_t which)
{
    static const struct field fields[] = {{"num_parallel_tree", read_parallel, 0}};
    (void)which;
    return read_object(d, fields, COUNT_OF(fields));
}

static int read_booster_model(struct document *d, size_t which)
{
    static const struct field fields[] = {{"tree_info", read_tree_info, 0},
                                          {"trees", read_trees, 0},
                                          {"weights", read_floats, 0},
                                          {"gbtree_model_param", read_trees_param, 0}};
    (void)which;
    return read_object(d, fields, COUNT_OF(fields));
}

/* The booster inside of dart has a name, too, which does not count. */
static int read_inner_booster(struct document *d, size_t which)
{
    static const struct field fields[] = {{"model", read_booster_model, 0}};
    (void)which;
    return read_object(d, fields, COUNT_OF(fields));
}

static int read_booster(struct document *d, size_t which)
{
    static const struct field fields[] = {{"name", read_booster_name, 0},
                                          {"model", read_booster_model, 0},
                                          {"gbtree", read_inner_booster, 0},
                                          {"weight_drop", read_floats, 1}};
    (void)which;
    return read_object(d, fields, COUNT_OF(fields));
}

static int read_texts(struct document *d, size_t types)
{
    enum json_token token;
    int more = want(d, JSON_TOKEN_ARRAY, "a list of texts is expected");
    if (more)
        return more;
    while ((more = next_item(d, &token)) > 0) {
        if (token != JSON_TOKEN_STRING)
            return wrong(d, "a list of texts is expected");
        struct text t = d->in->text;
        t.at = arena_text(&d->b->arena, t.at, t.len);
        if (types)
            vec_push(&d->b->feature_types, t);
        else
            vec_push(&d->b->feature_names, t);
    }
    return more;
}

/* "5E-1", since 3.1 also "[5E-1,1E0]" with one for each output. */
static int parse_base_score(struct document *d, struct text t)
{
    bool list = t.len >= 2 && t.at[0] == '[' && t.at[t.len - 1] == ']';
    const char *p = t.at + list, *end = t.at + t.len - list;
    while (p <= end) {
        const char *comma = memchr(p, ',', (size_t)(end - p));
        const char *stop = list && comma ? comma : end;
        double x = 0;
        if (!number_parse_double(p, (size_t)(stop - p), &x))
            return wrong(d, "a number, or a list of them, is expected");
        vec_push(&d->b->base_score, (float)x);
        p = stop + 1;
    }
    return 0;
}

static int read_base_score(struct document *d, size_t which)
{
    enum json_token token = d->in->next(d->in);
    (void)which;
    if (token == JSON_TOKEN_STRING)
        return parse_base_score(d, d->in->text);
    if (token != JSON_TOKEN_NUMBER)
        return wrong(d, token == JSON_TOKEN_ERROR ? d->in->problem : "a number is expected");
    vec_push(&d->b->base_score, (float)d->in->number);
    return 0;
}

enum { PARAM_FEATURES, PARAM_CLASSES, PARAM_TARGETS };

static int read_model_count(struct document *d, size_t which)
{
    struct booster *b = d->b;
    return read_count(d, which == PARAM_FEATURES  ? &b->features
                         : which == PARAM_CLASSES ? &b->classes
                                                  : &b->targets);
}

static int read_model_param(struct document *d, size_t which)
{
    static const struct field fields[] = {{"base_score", read_base_score, 0},
                                          {"num_feature", read_model_count, PARAM_FEATURES},
                                          {"num_class", read_model_count, PARAM_CLASSES},
                                          {"num_target", read_model_count, PARAM_TARGETS}};
    (void)which;
    return read_object(d, fields, COUNT_OF(fields));
}

static int read_objective_name(struct document *d, size_t which)
{
    (void)which;
    return read_text(d, &d->b->objective);
}

static int read_objective(struct document *d, size_t which)
{
    static const struct field fields[] = {{"name", read_objective_name, 0}};
    (void)which;
    return read_object(d, fields, COUNT_OF(fields));
}

/* What a caller has put there: only a number counts. */
static int read_best_iteration(struct document *d, size_t which)
{
    double x = -1;
    enum json_token token = d->in->next(d->in);
    (void)which;
    if (token == JSON_TOKEN_ERROR)
        return wrong(d, d->in->problem);
    if (token == JSON_TOKEN_OBJECT || token == JSON_TOKEN_ARRAY)
        return wrong(d, "a text is expected");
    if (token == JSON_TOKEN_STRING && number_parse_double(d->in->text.at, d->in->text.len, &x) &&
        x >= 0 && x < INT32_MAX)
        d->b->best_rounds = (size_t)x + 1;
    return 0;
}

static int read_attributes(struct document *d, size_t which)
{
    static const struct field fields[] = {{"best_iteration", read_best_iteration, 0}};
    (void)which;
    return read_object(d, fields, COUNT_OF(fields));
}

static int read_learner(struct document *d, size_t which)
{
    static const struct field fields[] = {{"attributes", read_attributes, 0},
                                          {"feature_names", read_texts, 0},
                                          {"feature_types", read_texts, 1},
                                          {"gradient_booster", read_booster, 0},
                                          {"learner_model_param", read_model_param, 0},
                                          {"objective", read_objective, 0}};
    (void)which;
    if (d->seen_learner)
        return wrong(d, "a second learner");
    d->seen_learner = true;
    return read_object(d, fields, COUNT_OF(fields));
}

static int read_version(struct document *d, size_t which)
{
    numbers x = {0};
    int status = read_numbers(d, &x);
    (void)which;
    if (status == 0)
        status = check_integers(d, x.at, x.len, 0, UINT32_MAX);
    if (status == 0 && x.len != COUNT_OF(d->b->version))
        status = wrong(d, "three numbers are expected");
    for (size_t i = 0; i < x.len && status == 0; i++)
        d->b->version[i] = (uint32_t)x.at[i];
    d->b->version_parts = x.len;
    vec_release(&x);
    return status;
}

/* A checkpoint is {"Config": ..., "Model": the document}. */
static int read_model(struct document *d, size_t which)
{
    static const struct field fields[] = {{"learner", read_learner, 0},
                                          {"version", read_version, 0}};
    (void)which;
    return read_object(d, fields, COUNT_OF(fields));
}

static int read_document(struct document *d)
{
    static const struct field fields[] = {
        {"learner", read_learner, 0}, {"version", read_version, 0}, {"Model", read_model, 0}};
    int status = read_object(d, fields, COUNT_OF(fields));
    if (status == 0)
        status = want(d, JSON_TOKEN_DONE, "more behind the end");
    return status;
}

bool booster_key(struct text key)
{
    static const char *const keys[] = {"learner", "version", "Config", "Model"};
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        if (text_equal(key, text_of(keys[i])))
            return true;
    return false;
}

static int check_complete(const struct document *d)
{
    if (!d->seen_learner)
        return error_set(d->e, ERR_DATA, "learner is missing");
    if (d->b->base_score.len == 0)
        return error_set(d->e, ERR_DATA, "learner.learner_model_param.base_score is missing");
    return 0;
}

int booster_read(struct pull *in, struct booster *b, struct error *e)
{
    struct document d = {.in = in, .b = b, .e = e};
    int status = read_document(&d);
    if (status == 0)
        status = check_complete(&d);
    for (size_t i = 0; i < COLUMNS; i++)
        vec_release(&d.column[i]);
    buf_release(&d.path);
    return status;
}
