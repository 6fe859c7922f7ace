/* What exporters share. For the files of this module. */
#ifndef EXCHANGE_EXPORT_H
#define EXCHANGE_EXPORT_H

#include "exchange/exchange.h"

#include <jansson.h>

struct exporting {
    const struct pipeline *p;
    bool *skipped;      /* by step: not in the export */
    char **names;       /* by step: letters, digits, _ and -, at most 64, each once */
    struct map taken;   /* those names */
    struct map wanted;  /* names before a number made them others */
    VEC(unsigned) next; /* the number of the next one, by wanted */
    struct map paths;   /* filled when first asked */
    struct arena arena;
    struct buf *out;
    struct error *e;
};

struct exporter {
    struct exchange_format about;
    bool keeps; /* conditions, and the names of parameters */
    int (*put)(struct exporting *x);
};
extern const struct exporter export_make, export_ninja, export_slurm, export_asl, export_jenkins,
    export_codepipeline, export_buildspec, export_airflow, export_sagemaker;

/* ERR_DATA with the place of the step, whose name stands before the message. */
int export_error(const struct exporting *x, const struct step *s, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* Such a name that is no step's, and no path's. Lives in the arena. */
const char *export_new_name(struct exporting *x, const char *wanted);
/* The name of a step that has it already, unless it is a path's. */
char *export_beside_paths(struct exporting *x, char *name);
enum export_wait {
    WAIT_BY_NAME,   /* it reads what the other makes, by its name */
    WAIT_BY_FOLDER, /* it reads a folder, or a file in one, that the other may fill */
    WAIT_IN_ORDER   /* needs */
};
enum export_wait export_wait_of(const struct pipeline *p, const struct step *s, uint32_t maker);
/* Steps by their distance from those that wait for nothing, without those that are skipped: level i
 * has steps[from[i]] to steps[from[i + 1]], in the order of the definition. */
struct levels {
    uint32_t count;
    const uint32_t *steps, *from;
};
struct levels export_levels(struct exporting *x);

/* ---- shell ---- */

/* A text as one word of sh, in quotes where it needs them. */
void shell_put_word(struct buf *b, struct text word);
/* Parts of what a step does, for formats that do not do them themselves. */
enum shell_parts {
    SHELL_ONE_LINE = 1, /* without a line feed */
    SHELL_TIMEOUT = 2,
    SHELL_RETRY = 4,
    SHELL_ENVIRONMENT = 8,
    SHELL_FILES = 16, /* folders are made, outputs are removed before, checked after */
    SHELL_ALL = SHELL_TIMEOUT | SHELL_RETRY | SHELL_ENVIRONMENT | SHELL_FILES
};
/* The command of a step, or what tells its message and fails. */
void shell_put_command(struct buf *b, const struct step *s, unsigned parts);
/* The lines of SHELL_FILES on their own; they append nothing for a step without outputs. */
void shell_put_folders(struct buf *b, const struct pipeline *p, const struct step *s);
void shell_put_clear(struct buf *b, const struct pipeline *p, const struct step *s);
void shell_put_check(struct buf *b, const struct pipeline *p, const struct step *s);
/* All that is to be done for the step, as one command list: its status is the step's. */
void shell_put_step(struct buf *b, const struct pipeline *p, const struct step *s, unsigned parts);
/* Seconds, rounded up, at least 1. */
long long whole_seconds(usec t);

/* ---- JSON ---- */

/* Takes the tree and appends its text. */
void export_put_json(struct exporting *x, json_t *tree);
json_t *json_text(const char *text);

#endif
