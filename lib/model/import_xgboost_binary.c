/*
 * XGBoost's own binary format of versions before 1.0 up to 2.x: records as the compiler laid them
 * out on a little-endian machine, most of them reserved. It has no magic number that one can rely
 * on, and no categorical splits.
 */
#include "model/builder.h"
#include "model/import_xgboost.h"

#include <stdio.h>

enum {
    MODEL_PARAM_SIZE = 136,
    TREES_PARAM_SIZE = 160,
    TREE_PARAM_SIZE = 148,
    NODE_SIZE = 20,
    STATS_SIZE = 16,
    LINEAR_PARAM_SIZE = 136,
    NAME_MAX_SIZE = 64, /* of an objective or a booster; theirs are shorter */
};

struct cursor {
    const uint8_t *at, *end, *start;
    const char *part; /* what is being read, for messages */
    bool has_attributes;
    struct error *e;
};

static int wrong(const struct cursor *c, const char *what)
{
    return error_set(c->e, ERR_DATA, "%s: %s (at byte %zu)", c->part, what,
                     (size_t)(c->at - c->start));
}

static uint32_t u32_at(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static int32_t i32_at(const uint8_t *p)
{
    uint32_t bits = u32_at(p);
    int32_t x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static float f32_at(const uint8_t *p)
{
    uint32_t bits = u32_at(p);
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The next count records of size bytes; NULL, and an error, when the file ends before. */
static const uint8_t *take(struct cursor *c, uint64_t count, size_t size)
{
    const uint8_t *at = c->at;
    if (count > (size_t)(c->end - c->at) / size) {
        wrong(c, "the file ends too early");
        return NULL;
    }
    c->at += count * size;
    return at;
}

static int take_count(struct cursor *c, uint64_t *count)
{
    const uint8_t *at = take(c, 1, 8);
    if (!at)
        return ERR_DATA;
    *count = (uint64_t)u32_at(at + 4) << 32 | u32_at(at);
    return 0;
}

static int take_name(struct cursor *c, struct booster *b, const char **out)
{
    uint64_t n = 0;
    if (take_count(c, &n))
        return ERR_DATA;
    const uint8_t *at = take(c, n, 1);
    if (!at)
        return ERR_DATA;
    *out = arena_text(&b->arena, (const char *)at, (size_t)n);
    return 0;
}

static int read_param(struct cursor *c, struct booster *b)
{
    c->part = "the parameters of the learner";
    const uint8_t *at = take(c, 1, MODEL_PARAM_SIZE);
    if (!at)
        return ERR_DATA;
    int32_t classes = i32_at(at + 8);
    if (classes < 0)
        return wrong(c, "the number of classes is negative");
    vec_push(&b->base_score, f32_at(at));
    b->features = u32_at(at + 4);
    b->classes = (size_t)classes;
    c->has_attributes = i32_at(at + 12) != 0;
    b->version[0] = u32_at(at + 20);
    b->version[1] = u32_at(at + 24);
    b->version_parts = b->version[0] > 0 ? 2 : 0;
    b->targets = b->version[0] > 0 ? u32_at(at + 28) : 0;
    b->base_is_margin = b->version[0] == 0;
    return 0;
}

static int read_floats(struct cursor *c, const uint8_t **at, uint64_t *n)
{
    if (take_count(c, n))
        return ERR_DATA;
    *at = take(c, *n, sizeof(float));
    return *at ? 0 : ERR_DATA;
}

/* A node's parent is of no use but to tell, and that only here, that it was deleted; those that
 * were cannot be reached from the root either. */
static struct booster_node node_at(const uint8_t *node, const uint8_t *stats)
{
    uint32_t split = u32_at(node + 12);
    return (struct booster_node){
        .left = i32_at(node + 4),
        .right = i32_at(node + 8),
        .feature = split & 0x7FFFFFFF,
        .number = f32_at(node + 16),
        .cover = f32_at(stats + 4),
        .default_left = split >> 31,
        .set = NO_SET,
    };
}

static int read_tree(struct cursor *c, struct booster *b)
{
    const uint8_t *param = take(c, 1, TREE_PARAM_SIZE);
    if (!param)
        return ERR_DATA;
    int32_t count = i32_at(param + 4), vector = i32_at(param + 20);
    if (count <= 0)
        return wrong(c, "it has no nodes");
    const uint8_t *nodes = take(c, (uint64_t)count, NODE_SIZE);
    const uint8_t *stats = nodes ? take(c, (uint64_t)count, STATS_SIZE) : NULL;
    if (!stats)
        return ERR_DATA;
    for (size_t i = 0; i < (size_t)count; i++)
        vec_push(&b->nodes, node_at(nodes + i * NODE_SIZE, stats + i * STATS_SIZE));
    vec_push(&b->tree_end, b->nodes.len);
    uint64_t n = 0;
    return vector != 0 && b->version[0] < 2 ? read_floats(c, &nodes, &n) : 0;
}

static int read_tree_info(struct cursor *c, struct booster *b, size_t trees)
{
    const uint8_t *at = take(c, trees, sizeof(int32_t));
    for (size_t i = 0; i < trees && at; i++)
        vec_push(&b->tree_info, i32_at(at + i * sizeof(int32_t)));
    return at ? 0 : ERR_DATA;
}

static int read_trees(struct cursor *c, struct booster *b)
{
    char part[48];
    c->part = "the parameters of the trees";
    const uint8_t *param = take(c, 1, TREES_PARAM_SIZE);
    if (!param)
        return ERR_DATA;
    int32_t trees = i32_at(param);
    if (trees < 0)
        return wrong(c, "the number of trees is negative");
    b->width = 1;
    b->parallel = i32_at(param + 4) > 0 ? (size_t)i32_at(param + 4) : 0;
    int status = 0;
    for (int32_t i = 0; i < trees && status == 0; i++) {
        (void)snprintf(part, sizeof part, "tree %d", i);
        c->part = part;
        status = read_tree(c, b);
    }
    c->part = "the outputs of the trees";
    return status ? status : read_tree_info(c, b, (size_t)trees);
}

static int read_tree_weights(struct cursor *c, struct booster *b)
{
    const uint8_t *at = NULL;
    uint64_t n = 0;
    c->part = "the weights of the trees";
    if (b->tree_end.len == 0)
        return 0;
    if (read_floats(c, &at, &n))
        return ERR_DATA;
    for (size_t i = 0; i < n; i++)
        vec_push(&b->tree_weights, f32_at(at + i * sizeof(float)));
    return 0;
}

static int read_weights(struct cursor *c, struct booster *b)
{
    const uint8_t *at = NULL;
    uint64_t n = 0;
    c->part = "the weights";
    if (!take(c, 1, LINEAR_PARAM_SIZE) || read_floats(c, &at, &n))
        return ERR_DATA;
    for (size_t i = 0; i < n; i++)
        vec_push(&b->weights, f32_at(at + i * sizeof(float)));
    return 0;
}

/* Pairs of texts, which do not matter for predictions, but must be there. */
static int skip_attributes(struct cursor *c)
{
    uint64_t pairs = 0, n = 0;
    c->part = "the attributes";
    if (take_count(c, &pairs))
        return ERR_DATA;
    for (uint64_t i = 0; i < pairs; i++)
        for (size_t k = 0; k < 2; k++)
            if (take_count(c, &n) || !take(c, n, 1))
                return ERR_DATA;
    return 0;
}

static int read_trees_and_weights(struct cursor *c, struct booster *b)
{
    int status = read_trees(c, b);
    if (status == 0 && strcmp(b->name, "dart") == 0)
        status = read_tree_weights(c, b);
    return status;
}

/* Metrics of an evaluation, which follow, do not matter. */
static int read_booster(struct cursor *c, struct booster *b)
{
    int status = read_param(c, b);
    if (status == 0)
        status = take_name(c, b, &b->objective);
    if (status == 0)
        status = take_name(c, b, &b->name);
    if (status)
        return status;
    if (strcmp(b->name, "gblinear") == 0)
        status = read_weights(c, b);
    else if (strcmp(b->name, "gbtree") == 0 || strcmp(b->name, "dart") == 0)
        status = read_trees_and_weights(c, b);
    else
        return 0; /* which booster_model refuses */
    return status == 0 && c->has_attributes ? skip_attributes(c) : status;
}

/* A text of small letters, as objectives and boosters are named, with its length before it. */
static bool skip_name(const char **at, const char *end)
{
    uint64_t n = 0;
    if (end - *at < 8)
        return false;
    for (size_t i = 8; i-- > 0;)
        n = n << 8 | (uint8_t)(*at)[i];
    *at += 8;
    if (n == 0 || n > NAME_MAX_SIZE || n > (size_t)(end - *at))
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = (*at)[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == ':' || c == '_'))
            return false;
    }
    *at += n;
    return true;
}

static bool is_booster(const char *bytes, size_t n)
{
    if (n < MODEL_PARAM_SIZE)
        return false;
    const char *at = bytes + MODEL_PARAM_SIZE, *end = bytes + n;
    bool objective = skip_name(&at, end);
    return objective && skip_name(&at, end);
}

/* What pickles of 1.0 to 1.5 hold: this, the length of the model as 64 bits, the model, and its
 * configuration. */
static const char serialized[] = "CONFIG-offset:";

int import_xgboost_binary(const char *bytes, size_t n, struct model **m, struct error *e)
{
    if (n >= 4 && memcmp(bytes, "bs64", 4) == 0)
        return error_set(e, ERR_DATA, "XGBoost's text format in base 64 is not supported");
    size_t magic = n >= 4 && memcmp(bytes, "binf", 4) == 0 ? 4 : 0;
    if (n >= sizeof serialized + 7 && memcmp(bytes, serialized, sizeof serialized - 1) == 0)
        magic = sizeof serialized - 1 + 8;
    if (!is_booster(bytes + magic, n - magic))
        return 0;
    const uint8_t *first = (const uint8_t *)bytes;
    struct cursor c = {.at = first + magic, .end = first + n, .start = first, .e = e};
    struct booster b = {.bytes = n};
    int status = read_booster(&c, &b);
    if (status == 0)
        status = booster_model(&b, "xgboost-binary", m, e);
    booster_release(&b);
    return status;
}
