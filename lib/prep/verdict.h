/*
 * verdict: what a check does with the rows it finds wrong. A check is a rowwise map to TYPE_BOOL (1
 * right, 0 wrong, BOOL_MISSING nothing to judge, which counts as right); its argument action= says:
 *
 *     flag    a true/false column, named by the map's suffix or by into=, suffix=
 *     drop    rows with a wrong cell go
 *     reject  a wrong cell is an error as a malformed one is: --on-error and --rejects decide
 *     fail    the first wrong cell ends the run with exit status 1
 */
#ifndef PREP_VERDICT_H
#define PREP_VERDICT_H

#include "prep/rowwise.h"

enum action { ACTION_FLAG, ACTION_DROP, ACTION_REJECT, ACTION_FAIL };

#define VERDICT_ACTION(usual)                                                                      \
    {                                                                                              \
        .name = "action", .kind = ARG_CHOICE, .fallback = usual,                                   \
        .choices = "flag drop reject fail", .help = "what to do with wrong cells"                  \
    }

/* Hooks for a step whose detail is such a map; map->domain says what a right cell is:
 * "an address". */
int verdict_open(struct step *s, const struct schema *in, struct error *e);
int verdict_shape(struct step *s, struct schema *schema, struct error *e);
int verdict_apply(const struct step *s, struct batch *b, struct error *e);
int verdict_lower(const struct step *s, struct lowering *l, struct error *e);
#define VERDICT_HOOKS                                                                              \
    .open = verdict_open, .shape = verdict_shape, .close = rowwise_close, .apply = verdict_apply,  \
    .lower = verdict_lower

/* The value of the argument action=. */
enum action verdict_action(const struct step *s);

/* Deals with the rows where right == 0; not by flag. `complain` puts into e why a row is wrong;
 * column and name (FIELD_NONE, NULL: the row itself) are for the message. */
struct verdict {
    enum action action;
    const uint8_t *right;
    size_t column;
    const char *name;
    void (*complain)(const void *context, size_t row, struct error *e);
    const void *context;
};
int verdict_enforce(struct batch *b, const struct verdict *v, struct error *e);

#endif
