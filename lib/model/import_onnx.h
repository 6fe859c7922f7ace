/*
 * For the files of the ONNX importer: a ModelProto in memory, its attributes on demand, and what is
 * known while the graph is walked from its inputs to the predictor and on to the outputs.
 *
 * Formats: onnx.proto of the ONNX project. Semantics: the operators of ai.onnx.ml as onnxruntime
 * computes them on a processor with one thread, since its sums with several are cut at threads.
 */
#ifndef MODEL_IMPORT_ONNX_H
#define MODEL_IMPORT_ONNX_H

#include "model/builder.h"
#include "model/protobuf.h"

/* Element types of tensors. */
enum onnx_type {
    ONNX_UNKNOWN = 0,
    ONNX_FLOAT = 1,
    ONNX_INT32 = 6,
    ONNX_INT64 = 7,
    ONNX_STRING = 8,
    ONNX_DOUBLE = 11,
};

struct texts {
    struct text *at;
    size_t len, cap;
};

struct onnx_attribute {
    struct text name;
    struct text body; /* an AttributeProto, decoded when it is asked for */
};

struct onnx_node {
    struct text name, op, domain;
    struct texts inputs, outputs;
    VEC(struct onnx_attribute) attributes;
    const char *file;
};

struct onnx_input {
    struct text name;
    enum onnx_type type;
    size_t columns; /* 0: unknown */
};

struct onnx_graph {
    size_t bytes; /* of the file */
    struct text producer, producer_version;
    uint64_t version; /* of the operators of ai.onnx.ml */
    VEC(struct onnx_node) nodes;
    VEC(struct onnx_input) inputs; /* without those that are initializers */
    struct map initializers;       /* names */
    VEC(struct text) constants;    /* their TensorProtos, as they are listed */
};

/* Everything borrows from the file. */
int onnx_graph_read(struct onnx_graph *g, struct text file, struct error *e);
void onnx_graph_release(struct onnx_graph *g);

/* "operator 'TreeEnsembleRegressor' (node 'x'): REASON"; ERR_DATA. */
int onnx_refuse(const struct onnx_node *n, struct error *e, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Values of attributes: left as they are when the node has none of that name. ERR_DATA when it has
 * another type. Lists are appended. */
int onnx_int(const struct onnx_node *n, const char *name, int64_t *value, struct error *e);
int onnx_float(const struct onnx_node *n, const char *name, double *value, struct error *e);
int onnx_text(const struct onnx_node *n, const char *name, struct text *value, struct error *e);
int onnx_ints(const struct onnx_node *n, const char *name, struct integers *list, struct error *e);
int onnx_texts(const struct onnx_node *n, const char *name, struct texts *list, struct error *e);
/* Floats, or the doubles of the tensor NAME_as_tensor. */
int onnx_floats(const struct onnx_node *n, const char *name, struct doubles *list, struct error *e);
bool onnx_has(const struct onnx_node *n, const char *name);

/* Appends the integers of an initializer. */
int onnx_constant_integers(const struct onnx_graph *g, const struct onnx_node *n, struct text name,
                           struct integers *list, struct error *e);
/* The numbers of an initializer of floats or doubles, and its shape. */
int onnx_constant_floats(const struct onnx_graph *g, const struct onnx_node *n, struct text name,
                         struct integers *shape, struct doubles *list, struct error *e);

struct onnx_lane {
    struct text name;
    enum onnx_type type; /* of its elements */
    size_t columns;
};

/* The walk: the tensors that there are, and the one at hand. */
struct onnx_walk {
    const struct onnx_graph *graph;
    struct model *model;
    VEC(struct stage) stages;
    VEC(struct onnx_lane) lanes; /* side by side they are the vector */
    size_t lane;                 /* at hand: columns [before, before + width) of the vector */
    enum onnx_type type;
    size_t before, width, after;
    size_t *origin; /* of each column of the vector: the feature that it is; SIZE_MAX: none */
    size_t spread;  /* columns that may still be made by picking others */
    struct map names;
    VEC(size_t) uses;   /* by name: inputs of nodes that are still to come */
    struct map answers; /* names of tensors behind the predictor */
    bool answered;      /* the predictor is behind us */
};

/* import_onnx_lanes.c */
void onnx_lanes_start(struct onnx_walk *w, size_t columns);
void onnx_lanes_release(struct onnx_walk *w);
bool onnx_is_lane(const struct onnx_walk *w, struct text name);
/* Makes a node's first input, which is a lane, the one at hand: its own columns, or a copy when
 * others still take it. alone: the rest of the vector is dropped. */
int onnx_take_lane(struct onnx_walk *w, const struct onnx_node *n, bool alone, struct error *e);
/* What became of it. changed: its columns are no features any more. */
void onnx_give_lane(struct onnx_walk *w, struct text name, bool changed);

/* One per operator: what the node makes of the lane at hand. */
typedef int onnx_operator(struct onnx_walk *w, const struct onnx_node *n, struct error *e);
onnx_operator onnx_scaler, onnx_normalizer, onnx_imputer, onnx_label_encoder, onnx_one_hot,
    onnx_cast;
onnx_operator onnx_tree_regressor, onnx_tree_classifier;
onnx_operator onnx_linear_regressor, onnx_linear_classifier;
onnx_operator onnx_matrix_product, onnx_add; /* of a matrix, behind it of a row */
/* Those that make a lane of several, or of some columns: they take their inputs themselves. */
onnx_operator onnx_concat, onnx_feature_vectorizer, onnx_extractor, onnx_gather;

struct stage *onnx_stage(struct onnx_walk *w, enum stage_kind kind, bool single);
/* One value for all columns, or one per column; NULL with e filled when there are others. */
double *onnx_columns(struct onnx_walk *w, const struct onnx_node *n, const char *name,
                     const struct doubles *list, struct error *e);
/* The classes' names, of a list of texts or of integers. */
int onnx_classes(struct onnx_walk *w, const struct onnx_node *n, const char *texts,
                 const char *integers, struct error *e);
int onnx_transform(const struct onnx_node *n, enum transform *t, struct error *e);
/* The same of a regressor: of one target onnxruntime transforms by PROBIT alone. */
int onnx_target_transform(const struct onnx_node *n, size_t targets, enum transform *t,
                          struct error *e);

/* The nodes_... lists of a tree ensemble, all of one length (import_onnx_branches.c). */
enum onnx_mode { MODE_LEQ, MODE_LT, MODE_GTE, MODE_GT, MODE_EQ, MODE_NEQ, MODE_LEAF };
struct onnx_branches {
    const struct onnx_node *operator;
    bool single; /* thresholds are floats */
    struct integers tree, node, feature, yes, no, missing;
    struct doubles value;
    uint8_t *mode;        /* enum onnx_mode */
    enum compare compare; /* that all of them can be written in */
    size_t set_words;     /* that may still be used */
};
int onnx_branches_read(struct onnx_branches *b, const struct onnx_node *n, bool single,
                       size_t file_bytes, struct error *e);
void onnx_branches_release(struct onnx_branches *b);
/* The nodes [first, first + count) of the lists, which are one tree, as drafts: branches only,
 * leaves are left to the caller. */
int onnx_branches_draft(struct onnx_branches *b, size_t first, size_t count, struct builder *to,
                        struct draft_node *drafts, struct error *e);

#endif
