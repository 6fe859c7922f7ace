/*
 * model: a trained model in one form, whatever wrote it. An importer per format fills it; kernels
 * (lib/infer), the compiler and explanations read it, nobody writes it again.
 *
 * A row goes through `features` (raw values to numbers), `stages` in their order (a vector of
 * doubles or floats to another), then the predictor, which adds to `base`, giving one margin per
 * output, then `transform`. Every number keeps the precision in which the model's own framework
 * computes: that is what makes results equal to the last bit.
 */
#ifndef MODEL_H
#define MODEL_H

#include "base/base.h"

enum feature_kind {
    FEATURE_NUMBER,
    FEATURE_CODE, /* a number that names a category; trees test it with sets */
    FEATURE_TEXT, /* text that `values` numbers: its index, or unknown; without values any text
                   * will do, since nothing reads it */
};

struct feature {
    const char *name; /* the source's, or "f0", "f1" ... */
    enum feature_kind kind;
    const char **values; /* FEATURE_TEXT: value_count texts, in the order of their codes */
    size_t value_count;
};

/* A stage makes a vector of another. */
enum stage_kind {
    STAGE_IMPUTE,  /* missing (NaN, or == what) becomes b[i] */
    STAGE_CENTER,  /* (x - a[i]) / b[i]: scikit-learn's StandardScaler */
    STAGE_AFFINE,  /* x * b[i] + a[i], then clipped to clip[0..1] when clips: MinMaxScaler */
    STAGE_SHIFT,   /* (x - a[i]) * b[i]: ONNX Scaler */
    STAGE_NORM,    /* x / norm of the row, see enum norm */
    STAGE_ONEHOT,  /* each column becomes one of zeros and ones per category */
    STAGE_MAP,     /* x == from[k] becomes to[k], anything else `otherwise` or an error */
    STAGE_FLOAT,   /* the nearest float */
    STAGE_PICK,    /* columns chosen, repeated, put into an order */
    STAGE_MISSING, /* 1 where it is missing (NaN, or == what), else 0 */
};

enum norm {
    NORM_LARGEST = 0, /* the largest magnitude */
    NORM_SUM = 1,     /* of the magnitudes */
    NORM_ROOT = 2,    /* of the sum of squares */
    /* ONNX Normalizer's MAX (the largest value, whatever its sign) and L2 (the root of x^2 / sum of
     * squares, with the sign of x). */
    NORM_LARGEST_VALUE = 3,
    NORM_ROOT_OF_RATIO = 4,
};

/* UNKNOWN_ZEROS: for STAGE_MAP, `otherwise`. */
enum unknown { UNKNOWN_ZEROS, UNKNOWN_ERROR };

struct stage {
    enum stage_kind kind;
    bool single;    /* takes floats and computes in float, else in double */
    size_t in, out; /* lengths of the vectors */
    /* Columns at either end that pass as they are; what is said below counts those between. */
    size_t before, after;
    const double *a; /* columns */
    const double *b; /* columns */
    double what;     /* STAGE_IMPUTE, STAGE_MISSING: NaN, or the value that stands for missing */
    double clip[2];
    bool clips;
    enum norm norm;
    /* STAGE_ONEHOT: categories of column i are category[first[i] .. first[i + 1]), ascending as the
     * source has them; the one at drop[i] has no column (SIZE_MAX: all have). A column of
     * FEATURE_TEXT holds codes. */
    const double *category;
    const size_t *first; /* columns + 1; also of STAGE_MAP */
    const size_t *drop;  /* columns; NULL: none */
    bool truncates;      /* x is made an integer first */
    enum unknown unknown;
    /* STAGE_MAP: map_count of each; those of column i are first[i] .. first[i + 1), when first is
     * NULL all of them. */
    const double *from, *to;
    size_t map_count;
    double otherwise;
    const size_t *pick; /* STAGE_PICK: which column each of the new ones is, out of them */
};

enum compare { COMPARE_LESS, COMPARE_LESS_EQUAL }; /* x (<|<=) threshold goes left */

/* Which way a value goes that is no number to compare. */
enum missing {
    MISSING_RIGHT = 0,
    MISSING_LEFT = 1,
    MISSING_IS_ZERO = 2,   /* NaN is compared as 0 (LightGBM's missing type none) */
    MISSING_WITH_ZERO = 4, /* |x| <= 1e-35 is missing, too (its type zero); 1e-35 is a
                            * float; with LEFT or RIGHT */
};

#define NODE_LEAF UINT32_MAX /* as a feature */
#define NO_SET    UINT32_MAX

/* Nodes of all trees, one array per property; node indices count from the first node of the model.
 * Children stand behind their parent, so a walk ends. */
struct trees {
    size_t count; /* trees */
    size_t nodes;
    const uint32_t *root;   /* count + 1; tree t has the nodes root[t] .. root[t + 1) - 1 */
    const uint32_t *output; /* count: the first output a tree adds to */
    size_t width;           /* values of a leaf: 1, or all outputs from output[t] on */
    bool single; /* rows are floats when compared (XGBoost, scikit-learn's trees), else doubles */
    enum compare compare;

    const uint32_t *feature;      /* nodes; NODE_LEAF */
    const double *threshold;      /* nodes; floats exactly when the source has floats */
    const uint32_t *left, *right; /* nodes */
    const uint32_t *number;       /* nodes: what the source itself calls a leaf in its tree */
    const uint8_t *missing;       /* nodes: enum missing */
    const uint32_t *set;          /* nodes: index of a set, NO_SET: compare; NULL: no sets at all */
    const double *value; /* nodes * width; weights, rates and dropped trees are in it already */
    const double
        *cover; /* nodes: training rows or hessians, for attributions; NULL: the source has none */

    /* Categories that go left: x (a float when single) as a number c with bit c of
     * words[set_first[s] .. set_first[s + 1]) set. Others, and those beyond, go right; NaN as
     * `missing` says. */
    enum {
        SET_OF_FLOOR,     /* c is x without its fraction; x below 0 goes right (XGBoost) */
        SET_OF_TRUNCATED, /* the same, but from above -1 on (LightGBM) */
        SET_OF_WHOLE,     /* what has a fraction goes right (ONNX) */
    } sets_of;
    size_t sets;
    const size_t *set_first; /* sets + 1 */
    const uint32_t *words;
};

/* How the leaves of a row become a margin: trees in their order, from 0 or from the base. */
struct leaf_sum {
    enum { SUM_ADD, SUM_MEAN, SUM_MIN, SUM_MAX } how; /* MEAN divides by the rounds */
    bool single;                                      /* in float, else in double */
    bool base_last; /* the base is added in the end, not the start */
    size_t rounds;  /* of MEAN; 0: as many as there are trees */
    bool narrow;    /* what was summed in double becomes a float after that */
};

struct linear {
    bool single;          /* rows, products and sums in float */
    const double *weight; /* outputs * in, a row per output */
};

enum transform {
    TRANSFORM_NONE,
    TRANSFORM_SIGMOID, /* 1 / (1 + exp(-scale * x)), each output */
    TRANSFORM_SOFTMAX,
    TRANSFORM_EXP,
    TRANSFORM_STEP,      /* x > 0 (hinge) */
    TRANSFORM_SQUARE,    /* sign(x) x^2 */
    TRANSFORM_LOG1P_EXP, /* log1p(exp(x)) */
    TRANSFORM_SOFTMAX_ZERO,
    TRANSFORM_PROBIT,
    TRANSFORM_NORMALIZE,     /* x / sum of the outputs: frequencies */
    TRANSFORM_SIGMOID_SHARE, /* sigmoid of each output, then divided by their sum */
};

enum model_kind { MODEL_TREES, MODEL_LINEAR };

struct model {
    enum model_kind kind;
    const char *format;    /* "xgboost-json", "lightgbm-text" ... */
    const char *producer;  /* "xgboost 1.7.4"; "" when the file does not say */
    const char *objective; /* as the source names it */
    size_t round_trees;    /* of a round of boosting; 0: not known */
    size_t best_rounds;    /* up to the best one, where learning stopped early; 0: not known. The
                            * trees of all rounds are here nevertheless */
    char sha256[65];       /* of the file that was read, in hexadecimal */
    uint64_t bytes;        /* of that file */
    const char *member;    /* the model's name in it, when it is an archive; NULL */

    struct feature *features;
    size_t feature_count;
    bool named; /* the features' names are the source's own */
    struct stage *stages;
    size_t stage_count;
    struct trees trees;   /* MODEL_TREES */
    struct linear linear; /* MODEL_LINEAR */
    struct leaf_sum sum;
    size_t outputs;     /* margins */
    const double *base; /* outputs: of no tree at all; the intercepts */
    enum transform transform;
    double scale;         /* of TRANSFORM_SIGMOID */
    bool two_classes;     /* one margin of class 1; class 0 has the complement */
    double cut;           /* of a single output: class 1 above it, after the transform */
    bool answers_class;   /* the source's own answer is a class, not its probability */
    const char **classes; /* names, class_count; NULL: not a classifier, or unnamed */
    size_t class_count;

    struct arena arena; /* owns all of the above */
};

/* Reads the model in a file: XGBoost (JSON, UBJSON, legacy binary), LightGBM text, scikit-learn
 * pickle or joblib, ONNX-ML; recognised by content, compressed (gzip, zlib, zstd, xz, bzip2, lz4,
 * lzma) or not. Of a tar or zip archive it is the one file that is a model: several are ERR_DATA
 * that lists them. ERR_DATA with place ("file", or "archive:member") and reason when it is
 * malformed, hostile or has a part that cannot be compiled, which is named. ERR_SYSTEM when it
 * cannot be read. At most MODEL_BYTES_MAX bytes are read, and as many unpacked. */
int model_read(const char *path, struct model **out, struct error *e);
/* The same from memory; name is for messages. */
int model_parse(const char *bytes, size_t n, const char *name, struct model **out, struct error *e);
void model_free(struct model *m); /* NULL is fine */

#define MODEL_BYTES_MAX (UINT64_C(4) << 30)

/* Every index in range, children behind parents, numbers where numbers must be: what kernels rely
 * on. Importers end with it. 0 or ERR_DATA naming tree and node. */
int model_check(const struct model *m, struct error *e);

size_t model_width(const struct model *m);       /* of the vector that the predictor gets */
size_t stage_columns(const struct stage *s);     /* in, less before and after */
size_t model_class_count(const struct model *m); /* 0: it is no classifier */
size_t trees_depth(const struct trees *t); /* edges from a root to its deepest leaf, largest */
const char *transform_name(enum transform t);

#endif
