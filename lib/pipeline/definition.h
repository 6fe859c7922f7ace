/* Reading a definition. For the files of this module. */
#ifndef PIPELINE_DEFINITION_H
#define PIPELINE_DEFINITION_H

#include "document/document.h"
#include "pipeline/pipeline.h"

struct binding {
    struct text name, value;
};

/* One entry of the definition, and the steps that came of it. */
struct entry_range {
    const struct doc_node *node;
    uint32_t first, count;
};

typedef VEC(struct text) text_list;

struct definition {
    struct pipeline *p;
    struct doc *doc;
    unsigned round;        /* entries of a greater depth are left out */
    const uint32_t *depth; /* by entry, see rounds.c; NULL: all 0 */
    VEC(const struct step_entry *) deferred;
    bool keeps;              /* parameters leave marks, where they may: see pipeline_parse_kept */
    bool marking;            /* here they may */
    struct map parameters;   /* names to numbers */
    struct map paths, names; /* of steps */
    text_list path_list;
    bool has_patterns; /* among the inputs of steps */
    bool in_command;   /* here ${in} and ${out} may stand: marks, until they are known */
    bool has_lists;
    VEC(struct step) steps;
    VEC(struct entry_range) entries;
    const struct doc_node *environment; /* for all steps, or NULL */
    /* of the step that is read */
    const struct binding *bindings;
    size_t binding_count;
    VEC(uint32_t) uses;
    struct buf text;
};

/* ---- values ---- */

/* The parameters of the definition, and what is given for them. */
int definition_parameters(struct definition *d, const struct doc_node *n, const char *const *given,
                          size_t given_count, struct error *e);
/* The text of a scalar with ${name} replaced, in the arena; in_shell: ${name...} that is more than
 * a name is the shell's. */
int definition_text(struct definition *d, const struct doc_node *n, bool in_shell, struct text *out,
                    struct error *e);
/* The text of a scalar of an entry with the values of parameters put in, for variables that are
 * files the pattern they match, and `any` in the places of others. */
void definition_outline(struct definition *d, const struct doc_node *n,
                        const struct doc_node *entry, char any, struct buf *out);
/* A scalar that is no text: "what" is for the message. */
int definition_count(struct definition *d, const struct doc_node *n, const char *what,
                     int64_t least, int64_t most, int64_t *out, struct error *e);
int definition_duration(struct definition *d, const struct doc_node *n, const char *what, usec *out,
                        struct error *e);
/* Fails at a key that is none of these. */
int definition_keys(struct definition *d, const struct doc_node *n, const char *const *known,
                    size_t count, struct error *e);
bool definition_is_name(struct text name);     /* letters, digits, _ and -, at most 64 */
bool definition_is_variable(struct text name); /* such a name, without -, no digit in front */

/* ---- steps ---- */

/* The steps of an entry, one for each value of its foreach or matrix. */
int definition_entry(struct definition *d, const struct doc_node *n, struct error *e);
/* The values that foreach and matrix give: calls make for each. */
int definition_expand(struct definition *d, const struct doc_node *n,
                      int (*make)(struct definition *d, void *context, struct error *e),
                      void *context, struct error *e);
/* What the values of an entry's variable come from, as it is written; NULL: it has no such. */
const struct doc_node *definition_source(const struct doc_node *entry, struct text variable);
/* Of the value of a variable {lines: FILE}: the file; NULL: it is not such a value. */
const struct doc_node *definition_lines(const struct doc_node *n);
/* In which round the steps of which entry are known. */
int definition_rounds(struct definition *d, const struct doc_node *steps, struct error *e);
/* wanted: by entry. Marks those too that these wait for, themselves or through others, as far as
 * their texts tell. */
void definition_before(struct definition *d, const struct doc_node *steps, bool *wanted);
/* Its number among the paths. */
uint32_t definition_path(struct definition *d, struct text path);
/* Appends the files that match now, in order of their bytes. */
int definition_match(struct definition *d, const struct doc_node *n, struct text pattern,
                     text_list *out, struct error *e);
bool definition_is_pattern(struct text path);               /* it has *, ? or [ */
int definition_compare_texts(const void *a, const void *b); /* struct text, for qsort */
/* Puts the paths of steps in the places of marks in their commands. */
void definition_lists(struct definition *d);
enum { LIST_IN = 4, LIST_OUT = 5 };
/* Puts files in the places of patterns; all steps are read. */
int definition_patterns(struct definition *d, struct error *e);

/* What one entry says of answers from outside for all its steps: its kind, who may approve. */
int definition_kind(struct definition *d, const struct doc_node *n, struct step_entry *s,
                    struct error *e);
/* And for one of them: the model that it registers or requires. */
int definition_model(struct definition *d, const struct doc_node *n, struct step *s,
                     struct error *e);
int definition_notify(struct definition *d, const struct doc_node *n, struct error *e);
/* Which failures a step is tried again after. */
int definition_retry(struct definition *d, const struct doc_node *n, struct step_entry *s,
                     struct error *e);
/* A scalar, or a list of them, as words that end with NULL. */
int definition_words(struct definition *d, const struct doc_node *n, const char ***out,
                     struct error *e);

/* ---- the graph ---- */

/* Who waits for whom; all steps are read. */
int definition_edges(struct definition *d, struct error *e);
int compare_numbers(const void *a, const void *b); /* uint32_t, for qsort */

#endif
