/*
 * class_rows: rows with their class, a sample of bounded size for each class, and what stands near
 * what among them: the state of the steps that balance classes by making or removing rows.
 *
 * A row counts when its class and all its features are there. Distances are Euclidean over the
 * numeric features as they are: scale them first. A text feature that differs adds `text_distance`
 * squared.
 */
#ifndef STEPS_CLASS_ROWS_H
#define STEPS_CLASS_ROWS_H

#include "prep/prep.h"
#include "stats/stats.h"

struct near_row {
    uint64_t id;
    size_t class;         /* in order of names */
    const double *x;      /* numbers */
    const struct text *t; /* texts */
};

struct class_rows {
    size_t numbers, texts; /* features of either kind */
    struct map classes;
    VEC(struct sample) samples; /* by number of the class */
    VEC(uint64_t) counts;       /* rows of the class, all of them */

    /* Derived. Rows class by class in order of names, within a class by id. */
    size_t class_count;
    uint32_t *order; /* class -> number */
    struct near_row *rows;
    size_t *first; /* of each class in rows; class_count + 1 */
    double text_distance;
    void *own; /* of the step, in arena */
    struct arena arena;
};

/* Columns that are looked at. */
struct class_plan {
    size_t target;
    const char *target_name;
    size_t *numbers, number_count, *texts, text_count; /* columns */
    const char **number_names;
    size_t sample;     /* rows kept of each class, at most */
    uint8_t *is_whole; /* by number feature: an integer column */
    enum type *types;  /* of all columns of the stream */
    size_t column_count;
};

/* Fills s->plan from the arguments target, columns (features; without it all numeric columns but
 * the target), and sample. Text features only when allowed. */
int class_plan_open(struct step *s, const struct schema *in, bool texts, struct error *e);

void *class_rows_new(const struct step *s);
int class_rows_learn(const struct step *s, void *state, struct batch *b, struct error *e);
int class_rows_merge(const struct step *s, void *into, void *from, struct error *e);
int class_rows_finish(struct step *s, void *state, struct error *e);
json_t *class_rows_save(const struct step *s, const void *state);
int class_rows_load(const struct step *s, void *state, const json_t *j, struct error *e);
void class_rows_free(void *state);

struct text class_name(const struct class_rows *c, size_t class);
uint64_t class_count(const struct class_rows *c,
                     size_t class); /* rows, also those not in the sample */
/* The rows of [from, to) nearest to row `of`, itself left out, nearest first, ties by place: at
 * most k places into `near`; how many. */
size_t class_rows_near(const struct class_rows *c, size_t of, size_t from, size_t to, size_t k,
                       size_t *near);

#endif
