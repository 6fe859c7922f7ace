/*
 * For the files of this module that import: nodes as a file has them become struct trees. A tree is
 * given whole, its nodes in any order; those that its root does not reach are left out, and
 * children end up behind their parents.
 */
#ifndef MODEL_BUILDER_H
#define MODEL_BUILDER_H

#include "model/model.h"

struct draft_node {
    uint32_t feature;     /* NODE_LEAF */
    uint32_t left, right; /* indices in the same tree */
    uint32_t set;         /* from builder_set; NO_SET: compare */
    uint32_t number;      /* the source's own; of a leaf at least */
    uint8_t missing;      /* enum missing */
    double threshold;
    double cover;        /* NaN: unknown */
    const double *value; /* of a leaf: width of them */
};

struct builder;
/* width: values of a leaf. */
struct builder *builder_new(size_t width);
/* A set of categories: bit c of words. Copied; its number. */
uint32_t builder_set(struct builder *b, const uint32_t *words, size_t count);
/* The next tree, from nodes[root]. ERR_DATA "tree T, node N: ..." when a child is out of range, or
 * nodes have two parents. Copies. */
int builder_tree(struct builder *b, const struct draft_node *nodes, size_t n, size_t root,
                 uint32_t output, struct error *e);
/* Moves everything into m's trees, of which it sets all but single and compare. Takes b. */
void builder_finish(struct builder *b, struct model *m);
void builder_free(struct builder *b); /* NULL is fine */

/* A new model with room for its features, which are numbers named f0, f1 ... until named. */
struct model *model_new(const char *format, size_t features);
const char *model_text(struct model *m, struct text t); /* copied */
double *model_numbers(struct model *m, size_t n);       /* zeros */
/* Features that the first stage does not pick may be anything: texts that are none of no values. */
void model_release_unused(struct model *m);

/* An importer: 1 when the bytes are of its format and m is read, 0 when they are not, < 0 when they
 * are and cannot be read: e has reason and place, but not the file. */
typedef int importer(const char *bytes, size_t n, struct model **m, struct error *e);
importer import_xgboost_json, import_xgboost_ubjson, import_xgboost_binary;
importer import_lightgbm;
importer import_sklearn; /* pickle and joblib, not compressed */
importer import_onnx;

#endif
