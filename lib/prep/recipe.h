/* What the files of prep share: values of arguments, errors that point into a program, opening. */
#ifndef PREP_RECIPE_H
#define PREP_RECIPE_H

#include "prep/prep.h"

struct alias {
    struct text name;
    struct text presets; /* ":k=1:order=desc", or empty */
};
/* The next of a kind's aliases; *at begins as kind->aliases and moves on. */
bool alias_next(const char **at, struct alias *out);
/* step_kind_find, and the presets of the alias that matched (empty for the name itself). */
const struct step_kind *step_kind_named(struct text name, struct text *presets);

/* The value of one argument of one step; which members hold depends on its kind. */
struct arg_value {
    bool given;       /* in the program, or by an alias, or by the fallback */
    bool written;     /* in the program */
    size_t offset;    /* of the value in the program, when written */
    struct text text; /* NUL-terminated; selections, lists and rests as written, others unquoted */
    double number;
    int64_t integer; /* also of ARG_DURATION, in microseconds */
    bool flag;
    int choice;         /* -1: not given */
    struct text *items; /* ARG_LIST */
    size_t item_count;
};

/* Reads value->text (already without quotes where they do not matter) as `a` wants it. On failure
 * `why` holds "expected a number from 0 to 1". Lists come from the arena. */
bool arg_check(const struct arg *a, const struct step_kind *kind, struct arg_value *value,
               struct arena *arena, struct buf *why);
/* The choices of an ARG_CHOICE or ARG_METHOD: number i, empty after the last. */
struct text arg_choice_at(const struct arg *a, const struct step_kind *kind, size_t i);
/* The next item of a list or selection, separated by commas outside quotes, parentheses, brackets
 * and regular expressions; blanks around it are gone, its quotes are not. */
bool item_next(struct text *rest, struct text *item);
/* item without its quotes when it is one quoted word: then true. Else *out is the item itself. */
bool unquote(struct text item, struct arena *arena, struct text *out);
/* s without white space at its ends. */
struct text text_trimmed(struct text s);
/* The bytes at the start of s up to the end of the quoted word that begins there; 0 when it never
 * ends. A backslash protects the next byte inside double quotes, and in an expression inside all
 * quotes. */
size_t quoted_length(struct text s, bool expression);
/* The same for a regular expression between slashes. */
size_t regex_length(struct text s);

/* ERR_USAGE at a byte of the program: line, column, the message, the line and a caret under it. */
int program_error(const struct recipe *r, size_t offset, struct error *e, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* ": did you mean 'x'?" for the nearest of names, or "" when none is near.
 * out has HINT_MAX bytes. */
enum { HINT_MAX = 320 };
const char *nearest_hint(char out[static HINT_MAX], struct text word, const char *const *names,
                         size_t count);
/* The same among the columns of a schema. */
const char *column_hint(char out[static HINT_MAX], struct text word, const struct schema *schema);

/* Resolves "columns" against the schema step i sees and calls its open; again when it was open. */
int recipe_open_step(struct recipe *r, size_t i, const struct schema *schema, struct error *e);
/* Changes the schema to that behind step i; a step that learns must have learnt. */
int recipe_shape_step(struct recipe *r, size_t i, struct schema *schema, struct error *e);
/* Whether the rows that leave it for shards are those that leave it for the whole: see
 * step_kind.shards. */
bool step_shards(const struct step *s);
/* Whether it only says which columns go on, and makes nothing of their values. */
bool step_arranges(const struct step *s);
/* Whether the step must see rows before its shape and work are known. */
bool step_learns(const struct step *s);
/* together[i]: step i can learn in the pass of step `at`, the first that must, from rows of that
 * schema. Steps that have learnt (or are marked so on entry) are left out. */
void recipe_learners(struct recipe *r, size_t at, const struct schema *schema, bool *together);

/* The rows of the fit: seen many from number first. */
void ranges_set(struct recipe *r, uint64_t first, uint64_t seen);
/* Whether they tell which all rows seen were: states of other tools may not. */
bool ranges_known(const struct recipe *r);
/* The step because of which what was learnt goes by the numbers of rows; NULL when there is none.
 * Steps are open. */
const struct step *ranges_matter(const struct recipe *r);
/* Both recipes' rows become into's. ERR_DATA when they matter and overlap, or are not known. */
int ranges_merge(struct recipe *into, const struct recipe *from, struct error *e);
json_t *ranges_save(const struct recipe *r);
/* False: no ranges, or not of rows_seen rows */
bool ranges_load(struct recipe *r, const json_t *j);

/* Makes state what the step has learnt (takes it, also on error). */
int step_finish(struct step *s, void *state, struct error *e);
/* The same of a part of the rows: nothing is derived from it. */
void step_keep_part(struct step *s, void *state);

/* Whether it is still to learn from all rows. The first such step is the front: what it sees is
 * what all see that learn in the next pass. It is open. */
bool step_is_front(const struct step *s);
/* Opens steps up to the front, and shapes the schema to what that sees; *at is its index, or behind
 * the last step. */
int recipe_to_front(struct recipe *r, struct schema *schema, size_t *at, struct error *e);
/* ERR_DATA when a step that is still to learn is behind one whose rows are others in shards. */
int stage_possible(struct recipe *r, struct error *e);
/* The JSON of a state whose header is right; returns owned, NULL: e says why. */
json_t *state_parse(const char *json, size_t n, struct error *e);

#endif
