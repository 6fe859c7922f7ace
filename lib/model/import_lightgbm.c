/*
 * LightGBM's text format ("tree", version v2 to v4), which it writes since 2.0. Rows are compared
 * as doubles, `<=` goes left, and leaves are added to 0 in the order of the file.
 *
 * Of NaN in a categorical test LightGBM has had two opinions under the same version v3; ours is
 * that of 3.1 and later: it goes right.
 */
#include "model/import_lightgbm.h"

#include <inttypes.h>
#include <stdio.h>

enum key {
    VERSION,
    NUM_CLASS,
    PER_ITERATION,
    MAX_FEATURE,
    OBJECTIVE,
    AVERAGE_OUTPUT,
    FEATURE_NAMES,
    TREE_SIZES,
    KEYS,
};
static const char *const names[KEYS] = {
    "version",   "num_class",      "num_tree_per_iteration", "max_feature_idx",
    "objective", "average_output", "feature_names",          "tree_sizes",
};

bool lines_next(struct lines *l, struct text *line)
{
    if (l->at == l->end)
        return false;
    const char *end = memchr(l->at, '\n', (size_t)(l->end - l->at));
    *line = (struct text){l->at, (size_t)((end ? end : l->end) - l->at)};
    l->at = end ? end + 1 : l->end;
    l->number++;
    if (line->len > 0 && line->at[line->len - 1] == '\r')
        line->len--;
    return true;
}

void fields_keep(struct field *fields, const char *const *keys, size_t count, struct text line,
                 uint64_t number)
{
    const char *equals = memchr(line.at, '=', line.len);
    struct text key = {line.at, equals ? (size_t)(equals - line.at) : line.len};
    struct text value = {line.at + line.len, 0};
    if (equals)
        value = (struct text){equals + 1, line.len - key.len - 1};
    for (size_t i = 0; i < count; i++)
        if (text_equal(key, text_of(keys[i])))
            fields[i] = (struct field){value, number};
}

bool next_word(struct text *rest, struct text *word)
{
    while (rest->len > 0 && *rest->at == ' ')
        rest->at++, rest->len--;
    if (rest->len == 0)
        return false;
    const char *blank = memchr(rest->at, ' ', rest->len);
    *word = (struct text){rest->at, blank ? (size_t)(blank - rest->at) : rest->len};
    rest->at += word->len;
    rest->len -= word->len;
    return true;
}

size_t count_words(struct text t)
{
    size_t count = 0;
    for (struct text word; next_word(&t, &word);)
        count++;
    return count;
}

int field_integer(const struct field *f, const char *name, int64_t low, int64_t high, int64_t *out,
                  struct error *e)
{
    double unused;
    char quoted[QUOTE_MAX];
    if (!f->value.at)
        return error_set(e, ERR_DATA, "%s is missing", name);
    if (number_parse(f->value.at, f->value.len, out, &unused) == NUMBER_INT && *out >= low &&
        *out <= high)
        return 0;
    error_at(e, NULL, f->line, 0);
    return error_set(e, ERR_DATA, "%s: %s is not a whole number from %" PRId64 " to %" PRId64, name,
                     quote(quoted, f->value.at, f->value.len), low, high);
}

enum { SQRT = 1, SCALE = 2, PER_CLASS = 4 };

/* What an objective makes of margins, and what stands behind its name: "sqrt" when it learned the
 * root of its target, the scale of the sigmoid, the number of classes, each an output. */
static const struct objective {
    const char *name;
    enum transform transform;
    int takes;
} objectives[] = {
    {"regression", TRANSFORM_NONE, SQRT},
    {"regression_l1", TRANSFORM_NONE, SQRT},
    {"quantile", TRANSFORM_NONE, SQRT},
    {"fair", TRANSFORM_NONE, SQRT},
    {"mape", TRANSFORM_NONE, SQRT},
    {"huber", TRANSFORM_NONE, 0},
    {"poisson", TRANSFORM_EXP, 0},
    {"gamma", TRANSFORM_EXP, 0},
    {"tweedie", TRANSFORM_EXP, 0},
    {"binary", TRANSFORM_SIGMOID, SCALE},
    {"multiclass", TRANSFORM_SOFTMAX, PER_CLASS},
    {"multiclassova", TRANSFORM_SIGMOID, SCALE | PER_CLASS},
    {"cross_entropy", TRANSFORM_SIGMOID, 0},
    {"xentropy", TRANSFORM_SIGMOID, 0},
    {"cross_entropy_lambda", TRANSFORM_LOG1P_EXP, 0},
    {"xentlambda", TRANSFORM_LOG1P_EXP, 0},
    {"lambdarank", TRANSFORM_NONE, 0},
    {"rank_xendcg", TRANSFORM_NONE, 0},
    {"custom", TRANSFORM_NONE, 0},
    {"none", TRANSFORM_NONE, 0},
};

static const struct objective *find_objective(struct text name)
{
    for (size_t i = 0; i < COUNT_OF(objectives); i++)
        if (text_equal(name, text_of(objectives[i].name)))
            return &objectives[i];
    return NULL;
}

/* The value behind "name:" among the words of an objective; missing when there is none. */
static struct text parameter(struct text words, const char *name)
{
    size_t n = strlen(name);
    for (struct text word; next_word(&words, &word);)
        if (word.len > n && word.at[n] == ':' && memcmp(word.at, name, n) == 0)
            return (struct text){word.at + n + 1, word.len - n - 1};
    return (struct text){NULL, 0};
}

static bool has_word(struct text words, struct text wanted)
{
    for (struct text word; next_word(&words, &word);)
        if (text_equal(word, wanted))
            return true;
    return false;
}

static int read_sigmoid(struct text words, struct model *m, struct error *e)
{
    struct text scale = parameter(words, "sigmoid");
    if (scale.at && number_parse_double(scale.at, scale.len, &m->scale) && m->scale > 0)
        return 0;
    return error_set(e, ERR_DATA, "objective: sigmoid is not a number above 0");
}

static int check_outputs(const struct objective *o, struct text words, const struct model *m,
                         struct error *e)
{
    struct text classes = parameter(words, "num_class");
    int64_t n = 1;
    double unused;
    if (!(o->takes & PER_CLASS) && o->transform == TRANSFORM_NONE)
        return 0;
    if ((o->takes & PER_CLASS) &&
        (!classes.at || number_parse(classes.at, classes.len, &n, &unused) != NUMBER_INT))
        return error_set(e, ERR_DATA, "objective: num_class is not a whole number");
    if (n > 0 && (uint64_t)n == m->outputs)
        return 0;
    return error_set(e, ERR_DATA,
                     "objective %s makes %" PRId64 " outputs, num_tree_per_iteration is %zu",
                     o->name, n, m->outputs);
}

static int read_objective(const struct field *f, struct model *m, struct error *e)
{
    struct text rest = f->value, name;
    char quoted[QUOTE_MAX];
    if (!rest.at) /* the caller's own */
        return 0;
    error_at(e, NULL, f->line, 0);
    const struct objective *o = next_word(&rest, &name) ? find_objective(name) : NULL;
    if (!o)
        return error_set(e, ERR_DATA, "objective %s is not known",
                         quote(quoted, f->value.at, f->value.len));
    m->objective = model_text(m, f->value);
    m->transform = o->transform;
    if ((o->takes & SQRT) && has_word(rest, TEXT_LITERAL("sqrt")))
        m->transform = TRANSFORM_SQUARE;
    if ((o->takes & SCALE) && read_sigmoid(rest, m, e))
        return ERR_DATA;
    m->two_classes = (o->takes & (SCALE | PER_CLASS)) == SCALE;
    m->class_count = o->takes & PER_CLASS ? m->outputs : m->two_classes ? 2 : 0;
    return check_outputs(o, rest, m, e);
}

/* LightGBM up to 2.2.2 kept answers in the leaves of random forests, since then margins: both under
 * version v2. */
static int check_version(const struct field *fields, const struct model *m, struct error *e)
{
    static const struct text known[] = {{"v2", 2}, {"v3", 2}, {"v4", 2}};
    struct text version = fields[VERSION].value;
    char quoted[QUOTE_MAX];
    error_at(e, NULL, fields[VERSION].line, 0);
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        if (!text_equal(version, known[i]))
            continue;
        if (i > 0 || !fields[AVERAGE_OUTPUT].value.at || m->transform == TRANSFORM_NONE)
            return 0;
        return error_set(e, ERR_DATA,
                         "average_output of version v2 with objective '%s' is not supported: the "
                         "file does not tell whether leaves are transformed already",
                         m->objective);
    }
    return error_set(e, ERR_DATA, "version %s of the format is not known: v2, v3 or v4",
                     quote(quoted, version.at, version.len));
}

/* A model with its features, which need as many names. */
static int read_features(const struct field *fields, struct model **m, struct error *e)
{
    int64_t last = 0;
    struct text rest = fields[FEATURE_NAMES].value, word;
    size_t named = count_words(rest);
    if (field_integer(&fields[MAX_FEATURE], names[MAX_FEATURE], 0, NODE_LEAF - 2, &last, e))
        return ERR_DATA;
    if (!rest.at || named != (size_t)last + 1) {
        error_at(e, NULL, fields[FEATURE_NAMES].line, 0);
        return error_set(e, ERR_DATA, "feature_names: %zu names, max_feature_idx promises %zu",
                         named, (size_t)last + 1);
    }
    *m = model_new("lightgbm-text", named);
    for (size_t i = 0; next_word(&rest, &word); i++) {
        char invented[32];
        (void)snprintf(invented, sizeof invented, "Column_%zu", i);
        (*m)->features[i].name = model_text(*m, word);
        (*m)->named = (*m)->named || !text_equal(word, text_of(invented));
    }
    return 0;
}

static bool begins_tree(struct text line)
{
    return line.len >= 5 && memcmp(line.at, "Tree=", 5) == 0;
}

/* Up to the line of the first tree, which is read; false when there is none. */
static bool read_fields(struct lines *l, struct field *fields)
{
    for (struct text line; lines_next(l, &line);) {
        if (begins_tree(line))
            return true;
        fields_keep(fields, names, KEYS, line, l->number);
    }
    return false;
}

static int read_header(const struct lines *l, const struct field *fields, struct model **m,
                       struct error *e)
{
    if (read_features(fields, m, e))
        return ERR_DATA;
    enum key outputs = fields[PER_ITERATION].value.at ? PER_ITERATION : NUM_CLASS;
    int64_t n = 0, most = l->end - l->at; /* each has a tree ahead */
    if (field_integer(&fields[outputs], names[outputs], 1, most > 1 ? most : 1, &n, e))
        return ERR_DATA;
    (*m)->outputs = (size_t)n;
    (*m)->base = model_numbers(*m, (size_t)n);
    (*m)->trees.compare = COMPARE_LESS_EQUAL;
    (*m)->trees.sets_of = SET_OF_TRUNCATED;
    if (read_objective(&fields[OBJECTIVE], *m, e) || check_version(fields, *m, e))
        return ERR_DATA;
    struct text version = fields[VERSION].value;
    (*m)->producer =
        arena_format(&(*m)->arena, "lightgbm, format %.*s", (int)version.len, version.at);
    return 0;
}

/* Whether another tree follows, whose first line is then read; empty lines are passed over. */
static bool more_trees(struct lines *l)
{
    for (struct text line; lines_next(l, &line);)
        if (line.len > 0)
            return begins_tree(line);
    return false;
}

static int check_tree_count(const struct lines *l, const struct field *sizes, size_t count,
                            const struct model *m, struct error *e)
{
    error_at(e, NULL, l->number, 0);
    if (sizes->value.at && count_words(sizes->value) != count)
        return error_set(e, ERR_DATA, "%zu trees, tree_sizes promises %zu", count,
                         count_words(sizes->value));
    if (count % m->outputs != 0)
        return error_set(e, ERR_DATA, "%zu trees, %zu in an iteration", count, m->outputs);
    return 0;
}

static int read_trees(struct lines *l, bool more, const struct field *sizes, struct builder *b,
                      struct model *m, struct error *e)
{
    size_t count = 0;
    for (; more; more = more_trees(l), count++) {
        int status = lightgbm_tree(l, count, (uint32_t)(count % m->outputs), b, m, e);
        if (status)
            return status;
    }
    m->sum.rounds = count / m->outputs;
    m->round_trees = m->outputs;
    return check_tree_count(l, sizes, count, m, e);
}

int import_lightgbm(const char *bytes, size_t n, struct model **m, struct error *e)
{
    struct lines lines = {bytes, bytes + n, 0};
    struct field fields[KEYS] = {0};
    struct text first;
    if (!lines_next(&lines, &first) || !text_equal(first, TEXT_LITERAL("tree")))
        return 0;
    bool more = read_fields(&lines, fields);
    if (read_header(&lines, fields, m, e))
        return ERR_DATA;
    (*m)->sum.how = fields[AVERAGE_OUTPUT].value.at ? SUM_MEAN : SUM_ADD;
    struct builder *b = builder_new(1);
    int status = read_trees(&lines, more, &fields[TREE_SIZES], b, *m, e);
    if (status) {
        builder_free(b);
        return status;
    }
    builder_finish(b, *m);
    error_at(e, NULL, 0, 0); /* what is found wrong later is no line's */
    return 1;
}
