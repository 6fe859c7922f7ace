/*
 * For the files of this module: a booster of XGBoost as all of its formats describe it. A reader
 * per format fills it, booster_model makes a model of it.
 */
#ifndef MODEL_IMPORT_XGBOOST_H
#define MODEL_IMPORT_XGBOOST_H

#include "model/model.h"

struct booster_node {
    int32_t left, right; /* in the same tree; left < 0: a leaf */
    uint32_t feature;
    float number; /* the threshold, or the value of a leaf */
    float cover;  /* NaN: unknown */
    bool default_left;
    uint32_t set; /* NO_SET: number is compared */
};

struct booster {
    uint32_t version[3];
    size_t version_parts;  /* that are known: 3, 2, or 0 */
    const char *objective; /* of the arena, as all texts; NULL: not seen */
    const char *name;      /* gbtree, dart, gblinear; NULL: not seen */
    VEC(float) base_score; /* one, or one per output */
    bool base_is_margin;   /* before 1.0; since then it is what the model answers */
    size_t features, classes, targets;
    size_t best_rounds; /* up to the best one; 0: not known */
    size_t parallel;    /* trees of a forest that is one round's; 0: not known */
    VEC(struct text) feature_names, feature_types;

    VEC(struct booster_node) nodes;
    VEC(size_t) tree_end;    /* tree t is nodes[tree_end[t - 1] .. tree_end[t]) */
    VEC(int32_t) tree_info;  /* the output of each tree */
    VEC(float) tree_weights; /* dart: of each tree */
    size_t width;            /* of a leaf's vector; 1: leaves are numbers, 0: no tree so far */
    VEC(float) vectors;      /* width > 1: nodes * width */
    /* Categories that go right; others go left, unknown ones, too. */
    VEC(uint32_t) words;
    VEC(size_t) set_end;

    VEC(float) weights; /* gblinear: of each feature for every output, then the biases */

    size_t bytes; /* of the file: what bounds everything above */
    struct arena arena;
};

void booster_release(struct booster *b);
/* The next set; what is wrong with it, NULL when nothing is. */
const char *booster_set(struct booster *b, const double *categories, size_t n, uint32_t *set);
/* 1, or ERR_DATA. */
int booster_model(const struct booster *b, const char *format, struct model **out, struct error *e);

/* One value after the other of a document in JSON or UBJSON: the tokens of json_next, but true and
 * false are numbers. */
struct pull {
    enum json_token (*next)(struct pull *p);
    struct text text; /* KEY, STRING: borrowed until the next token */
    double number;    /* NUMBER */
    size_t offset;    /* of the byte behind the token, or of the one that is wrong */
    const char *problem;
};
/* Whether a document that starts with this key is a booster. */
bool booster_key(struct text key);
/* Everything into b. ERR_DATA with the path of the value that is wrong. */
int booster_read(struct pull *in, struct booster *b, struct error *e);

#endif
