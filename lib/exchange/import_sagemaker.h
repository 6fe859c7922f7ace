/* The importer of SageMaker's definition. For the files of this module. */
#ifndef EXCHANGE_IMPORT_SAGEMAKER_H
#define EXCHANGE_IMPORT_SAGEMAKER_H

#include "exchange/import.h"

/* A step of the definition, of any depth. */
struct sm_step {
    const struct doc_node *node, *arguments;
    struct text name, type;
    struct text when; /* an expression; missing: always */
    size_t parent;    /* the Condition step it stands in, or SM_NONE */
};
#define SM_NONE SIZE_MAX

struct sm {
    struct import *x;
    const struct doc_node *parameters; /* a list, or NULL */
    VEC(struct sm_step) steps;
    struct map names;
    text_list needs;     /* of the step that is written: names of steps */
    text_list variables; /* parameters that stand for variables of the execution */
    text_list commands;  /* parameters that stand for commands */
    struct text name;    /* of the pipeline; missing */
    unsigned depth;      /* of the value that is resolved */
};

/* A text, parts of which may be known only when other steps have run: those are JSON values in
 * files, read by jq. */
struct sm_part {
    struct text text;   /* as a Pipefile has it; of a file: its path */
    struct text filter; /* of jq; missing: text is the part */
};
struct sm_word {
    VEC(struct sm_part) parts;
};

/* ---- values ---- */

bool sm_is_reference(const struct doc_node *n); /* {"Get": ...} or {"Std:...": ...} */
/* Adds the value's parts. Steps that it refers to are added to needs. */
int sm_word(struct sm *m, const struct doc_node *n, struct sm_word *out);
/* A value that must be known before anything runs. */
int sm_text(struct sm *m, const struct doc_node *n, struct text *out);
/* A URI as a path: the same text, which is a relative path to the system; s3://BUCKET/ is the
 * folder of the definition. */
int sm_path(struct sm *m, const struct doc_node *n, struct text *out);
/* Appends the value as JSON, references resolved. */
int sm_json(struct sm *m, const struct doc_node *n, struct buf *out);
/* The parameter of that name, or NULL. */
const struct doc_node *sm_parameter(const struct sm *m, struct text name);
const struct sm_step *sm_find(const struct sm *m, struct text name);
/* Where a training job leaves its model. */
int sm_model_path(struct sm *m, const struct sm_step *s, struct text *out);
/* The file with the result of a step that has OutputParameters. */
struct text sm_result_path(struct sm *m, const struct sm_step *s);

/* ---- what steps have for others ---- */

/* The Get of Steps.S..., and what stands in Std:JsonGet. */
int sm_add_property(struct sm *m, const struct doc_node *n, struct sm_word *w);
int sm_add_json_get(struct sm *m, const struct doc_node *n, struct sm_word *w);
/* ERR_DATA: 'path': what. */
int sm_unknown(const struct sm *m, const struct doc_node *n, const char *what, struct text path);

static inline void sm_add_part(struct sm_word *w, struct text text)
{
    vec_push(&w->parts, ((struct sm_part){.text = text}));
}
static inline bool sm_begins(struct text text, const char *with)
{
    size_t n = strlen(with);
    return text.len >= n && memcmp(text.at, with, n) == 0;
}
static inline struct text sm_behind(struct text text, size_t n)
{
    return (struct text){text.at + n, text.len - n};
}

/* ---- conditions ---- */

/* A list of conditions as one expression. */
int sm_conditions(struct sm *m, const struct doc_node *list, struct buf *out);

/* ---- steps ---- */

int sm_put_step(struct sm *m, const struct sm_step *s);
/* The lines retry, cache and what else says how a step is run. */
int sm_put_settings(struct sm *m, const struct sm_step *s);

#endif
