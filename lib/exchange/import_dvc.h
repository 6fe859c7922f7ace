/* The importer of dvc.yaml. For the files of this module. */
#ifndef EXCHANGE_IMPORT_DVC_H
#define EXCHANGE_IMPORT_DVC_H

#include "exchange/import.h"

/* A value of params.yaml, or of vars, that a template asks for. */
struct dvc_parameter {
    struct text path, name; /* train.lr, train-lr */
    const struct doc_node *value;
};

/* What item and key mean in the stage that is read. */
enum dvc_items {
    ITEMS_NONE,
    ITEMS_SCALARS,       /* item */
    ITEMS_MAPS,          /* item.NAME */
    ITEMS_NAMED_SCALARS, /* key, item */
    ITEMS_NAMED_MAPS,    /* key, item.NAME */
    ITEMS_MATRIX         /* item.NAME is NAME */
};

struct dvc {
    struct import *x;
    VEC(struct doc *) files; /* with values, the first one that has a name holds */
    const struct doc_node *inline_vars;
    VEC(struct dvc_parameter) parameters;
    enum dvc_items items;
    const struct doc_node *matrix;
};

/* Reads params.yaml, when it is there, and what vars names. */
int dvc_vars(struct dvc *d, const struct doc_node *vars);
/* A text with its templates as a Pipefile has them. */
int dvc_text(struct dvc *d, const struct doc_node *n, struct text *out);
/* n, or what it names when it is a text that is one template: for foreach and matrix. */
int dvc_values(struct dvc *d, const struct doc_node *n, const struct doc_node **out);

/* The line foreach or matrix; sets items. */
int dvc_put_foreach(struct dvc *d, const struct doc_node *n);
int dvc_put_matrix(struct dvc *d, const struct doc_node *n);

#endif
