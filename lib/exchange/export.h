/* What exporters share. For the files of this module. */
#ifndef EXCHANGE_EXPORT_H
#define EXCHANGE_EXPORT_H

#include "exchange/exchange.h"

#include <jansson.h>

/* A condition that the export keeps. */
struct export_condition {
    const struct step *step; /* the first that has it */
    const char *shell;       /* a command with status 0 when it holds, with marks as in texts */
    json_t *choice;          /* the same of a Choice state */
};

/* Numbers of conditions, ascending, that must hold: those of a step and of all that it waits for.
 */
struct export_when {
    const uint32_t *at;
    uint32_t count;
};

struct exporting {
    const struct exporter *to;
    const struct pipeline *p;
    bool *skipped;      /* by step: not in the export */
    char **names;       /* by step: letters, digits, _ and -, at most 64, each once */
    struct map taken;   /* those names */
    struct map wanted;  /* names before a number made them others */
    VEC(unsigned) next; /* the number of the next one, by wanted */
    struct map paths;   /* filled when first asked */
    bool decided;       /* parameters have their values, and conditions are decided */
    bool *kept;         /* by parameter: it is a variable of the export */
    char **variables;   /* by parameter: its name as a variable of sh, p_NAME */
    VEC(struct export_condition) conditions;
    struct export_when *when; /* by step */
    struct arena arena;
    struct buf *out, *warnings; /* warnings: lines, may be NULL */
    struct map warned;          /* those lines */
    struct error *e;
};

/* What a format has for what a definition says beside commands, files and order. */
enum export_holds {
    HOLDS_CPUS = 1,
    HOLDS_GPUS = 2,
    HOLDS_MEMORY = 4,
    HOLDS_PRIORITY = 8,
    HOLDS_CACHE = 16, /* how long what was made is up to date */
    HOLDS_ALWAYS = 32 /* that a step always runs */
};

struct exporter {
    struct exchange_format about;
    unsigned kinds; /* 1 << STEP_APPROVE ...: of steps it has, beside commands and failures */
    unsigned holds;
    bool unicode;        /* its documents have no other bytes */
    bool own_conditions; /* they stay expressions, for put to write */
    bool choices;        /* conditions are those of a Choice state */
    /* Why a parameter cannot be a variable; NULL: it can. It is put in then. */
    const char *(*unfit)(const struct parameter *p);
    int (*put)(struct exporting *x);
};
extern const struct exporter export_make, export_ninja, export_slurm, export_asl, export_jenkins,
    export_codepipeline, export_buildspec, export_airflow, export_sagemaker;

/* ERR_DATA with the place of the step, whose name stands before the message. */
int export_error(const struct exporting *x, const struct step *s, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* What the format loses of an entry: a warning, with its place, "step NAME: " before it. Each is
 * given once. */
void export_warn(struct exporting *x, const struct step *s, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* The same of the whole. */
void export_warn_of_all(struct exporting *x, const char *format, ...) PRINTF_LIKE(2, 3);
/* Such a name that is no step's, and no path's. Lives in the arena. */
const char *export_new_name(struct exporting *x, const char *wanted);
void export_name_steps(struct exporting *x);
/* By step: for those without outputs a name that is no path's; else NULL. Lives in the arena. */
char **export_phony_names(struct exporting *x);
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

/* What the format cannot say is an error, what it has no place for a warning. */
int export_check(struct exporting *x);

/* ---- parameters and conditions ---- */

/* Decides which parameters and conditions are kept, puts in the values of the others, and fills
 * what is above; p may be changed. */
int export_settle(struct exporting *x, struct pipeline *p);
/* The next part of a text: what stands before a parameter, and which it is; PARAMETER_NONE: none is
 * behind it. False when nothing is left. */
#define PARAMETER_NONE UINT32_MAX
bool export_next(struct text *rest, struct text *plain, uint32_t *parameter);
bool export_has_mark(struct text text);
bool export_any_kept(const struct exporting *x);

/* As a command of sh that has status 0 when it holds. False: it cannot be written. */
struct node;
bool condition_put_shell(struct buf *b, const struct pipeline *p, const struct node *n);
/* As a rule of a Choice state over $.params; NULL: there is none. */
json_t *condition_choice(const struct pipeline *p, const struct node *n);

/* ---- questions to somebody outside ---- */

/* Who may approve, with commas; nothing: anybody. */
void export_put_may(struct buf *b, const struct step *s);
/* What they are told by: {"step": ..., "wants": "approval", "by": ...}. */
json_t *export_question(const struct exporting *x, uint32_t step);

/* ---- shell ---- */

/* A text as one word of sh, in quotes where it needs them. Marks of parameters always stand in
 * single quotes. */
void shell_put_word(struct buf *b, struct text word);
/* A text as it stands between single quotes. */
void shell_put_in_quotes(struct buf *b, struct text text);
/* Commands of sh whose parameters are its variables. */
void shell_put_script(struct buf *b, const struct exporting *x, struct text script);
/* "C1 && C2": all conditions of a step, with marks; nothing when there are none. */
void shell_put_conditions(struct buf *b, const struct exporting *x, uint32_t step);
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
bool shell_tries_again(const struct step_entry *s);
/* Of what retries say, what the shell cannot do. */
void shell_warn_of_retries(struct exporting *x, const struct step *s);
/* Seconds, rounded up, at least 1. */
long long whole_seconds(usec t);

/* ---- JSON ---- */

/* Takes the tree and appends its text. */
void export_put_json(struct exporting *x, json_t *tree);
json_t *json_text(const char *text);

#endif
