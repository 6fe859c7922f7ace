/*
 * pipeline: steps that make files from files. A definition is read, its parameters are given
 * values, and it becomes a plan: every step with its command, and what it waits for. What a step
 * makes depends on its fingerprint alone: a digest of its command, its environment and what is in
 * its inputs. A step whose fingerprint was seen before, and whose outputs are as they were then, is
 * not run again.
 *
 * Paths are relative to the folder of the definition, where commands run, too.
 */
#ifndef PIPELINE_H
#define PIPELINE_H

#include "job/job.h"
#include "pipeline/questions.h"

#include <limits.h>

/* ---- definition and plan ---- */

enum parameter_type { PARAMETER_STRING, PARAMETER_INTEGER, PARAMETER_FLOAT, PARAMETER_BOOLEAN };
const char *parameter_type_name(enum parameter_type t);
struct parameter {
    const char *name;
    enum parameter_type type;
    struct text value; /* missing: it must be given */
    bool limited;      /* by a minimum, a maximum or choices */
    bool put_in;       /* pipeline_parse_kept: its value is where no name can be */
};

enum step_kind {
    STEP_RUN,
    STEP_FAIL,
    STEP_APPROVE,  /* done when somebody says so */
    STEP_CALLBACK, /* its command hands work to somebody outside, who tells of its end */
    STEP_REGISTER  /* of a version of a model */
};

enum { GPUS_MAX = 64 };

/* A step is tried again by the first of its retries that is for its failure, as often as that one
 * says. */
struct retry {
    unsigned classes;        /* bits: 1 << enum job_class */
    const uint8_t *statuses; /* others, by the status; ends with 0; NULL */
    unsigned attempts;       /* at most, with the first */
    usec interval;           /* before the first retry, then times `backoff` */
    double backoff;
    usec expires; /* after the beginning of the first attempt none begins; 0: never */
};
enum { RETRY_ANY = (1 << JOB_CLASSES) - 2, RETRIES_MAX = 16 };

/* What the steps that one entry of the definition makes have in common. */
struct step_entry {
    enum step_kind kind;
    const char *name;
    uint32_t number;       /* its place among the entries */
    uint32_t line, column; /* where it is */
    usec timeout;          /* 0: none */
    const struct retry *retries;
    uint32_t retry_count;
    bool cache;            /* its outputs may come from an earlier run */
    usec cache_lasts;      /* 0: for ever */
    const char **passed;   /* variables of our environment that count, ends with NULL */
    const char **tools;    /* programs whose content counts, ends with NULL */
    const char *directory; /* where it runs, relative to the definition's folder; NULL: there */
    int64_t priority;
    unsigned cpus, gpus;  /* of those of the run that it takes */
    struct limits limits; /* of memory and processes */
    const char **may;     /* who may approve, ends with NULL; NULL: anybody */
    bool asks;            /* of STEP_REGISTER: it waits for the approval */
    bool preapproved;     /* of STEP_REGISTER: the version is approved from the beginning */
};

struct step {
    const struct step_entry *entry;
    const char *name;         /* the entry's, with what foreach and matrix add: name[value] */
    const char *script;       /* for the shell; NULL: */
    char **argv;              /* ends with NULL */
    const char *message;      /* of STEP_FAIL */
    const char *when;         /* an expression; NULL: always */
    char **environment;       /* NAME=VALUE, sorted, ends with NULL */
    const uint32_t *in, *out; /* numbers of paths */
    uint32_t in_count, out_count;
    const uint32_t *waits_for; /* numbers of steps, ascending, each once */
    uint32_t wait_count;
    const uint32_t *uses; /* numbers of the parameters that its texts name, ascending, each once */
    uint32_t use_count;
    const char *metrics_file; /* JSON that it makes: numbers for the record; NULL */
    const char *requires;     /* a group of models whose newest version must be approved; NULL */
    const char *model;        /* of STEP_REGISTER: the group */
    uint32_t file, metrics;   /* and the numbers of paths; metrics may be PATH_NONE */
};
#define PATH_NONE UINT32_MAX

/* A command that is told of what happens. */
enum { NOTIFY_WAITING = 1, NOTIFY_FAILED = 2, NOTIFY_ENDED = 4 };
struct notification {
    const char *script; /* for the shell */
    unsigned on;        /* what it is told of */
};

struct pipeline {
    const char *name;         /* as the definition says, else its folder's */
    const char *path;         /* of the definition */
    const char *const *given; /* what parameters were given; borrowed */
    size_t given_count;
    bool has_patterns;  /* steps came of files that matched */
    const char *folder; /* of it; "." or longer */
    struct text source; /* its bytes */
    struct parameter *parameters;
    size_t parameter_count;
    struct notification *notifications;
    size_t notification_count;
    unsigned round;
    /* Whose steps are known in later rounds */
    const struct step_entry **deferred;
    size_t deferred_count;
    size_t entry_count; /* of the definition, with the deferred ones */
    struct step *steps; /* in the order of the definition */
    size_t step_count;
    struct text *paths; /* every input and output, without . and double slashes */
    size_t path_count;
    uint32_t *maker; /* by path: the step that makes it; STEP_NONE */
    bool *moving;    /* by path: it has in it, or lies in, what steps make: known at its turn */
    bool *holds;     /* by path: others of the paths are in it */
    uint32_t *order; /* of the steps, each behind those it waits for */
    /* Those that wait for step i: from waiters[waiters_from[i]] to waiters[waiters_from[i + 1]] */
    uint32_t *waiters, *waiters_from;
    struct arena arena;
};
#define STEP_NONE UINT32_MAX

/* given: "name=value", each at most once, borrowed until pipeline_free. ERR_DATA with file, line
 * and column for what is wrong in the definition: unknown keys and parameters, two steps of one
 * name or that make one file, cycles; ERR_USAGE for what is wrong in given. */
int pipeline_load(const char *path, const char *const *given, size_t given_count,
                  struct pipeline **out, struct error *e);
/* A run goes in rounds when it is not known before what some entries stand for: their variables
 * take values from files, or their inputs are patterns for files, that steps make. This is the
 * first round, and with what was made in a round the next one; pipeline_load has all steps, as far
 * as the files are there now. */
int pipeline_load_first(const char *path, const char *const *given, size_t given_count,
                        struct pipeline **out, struct error *e);
int pipeline_load_next(const struct pipeline *p, struct pipeline **out, struct error *e);
#define ROUND_ALL UINT_MAX
/* The same of bytes that are there already: path is for messages and folders. */
int pipeline_parse(const char *path, struct text source, const char *const *given,
                   size_t given_count, struct pipeline **out, struct error *e);
/* The same, but parameters keep their names: in texts of steps each stands as PARAMETER_MARK, its
 * number and PARAMETER_END, and need not have a value. The values of foreach and matrix are put in
 * all the same, and a condition that asks for one to be put in is ERR_DATA. */
enum { PARAMETER_MARK = 1, PARAMETER_END = 2 };
int pipeline_parse_kept(const char *path, struct text source, const char *const *given,
                        size_t given_count, struct pipeline **out, struct error *e);
/* wanted: p->entry_count long, by step_entry.number. Marks those too for whose steps these may
 * wait, themselves or through others, as far as the texts of the definition tell: for entries whose
 * steps are not known yet. The definition is read again; its errors are those of loading it. */
int pipeline_entries_before(const struct pipeline *p, bool *wanted, struct error *e);
void pipeline_free(struct pipeline *p); /* NULL is fine */
/* Whether it is an entry's name, or that of a step of it: NAME[...]. */
bool pipeline_is_of_entry(struct text name, struct text entry);
/* STEP_NONE when there is none. */
uint32_t pipeline_step(const struct pipeline *p, const char *name);
/* Marks the steps whose condition is not true, and those that wait for them. */
int pipeline_skipped(const struct pipeline *p, bool *skipped, struct error *e);
/* A step's condition, which it has, over the parameters as columns. Returns owned. */
struct expr;
int pipeline_condition(const struct pipeline *p, const struct step *s, struct expr **out,
                       struct error *e);

/* Whether it is true. */
int pipeline_holds(const struct pipeline *p, const struct step *s, bool *out, struct error *e);

/* ---- running ---- */

enum step_state {
    STEP_WAITING, /* for others, or for its turn */
    STEP_RUNNING,
    STEP_SUCCEEDED,
    STEP_UP_TO_DATE, /* its outputs are as its fingerprint's were */
    STEP_RESTORED,   /* they were kept, and are there again */
    STEP_FAILED,
    STEP_STOPPED,  /* by a signal */
    STEP_SKIPPED,  /* its condition, or that of one it waits for, is not true */
    STEP_BLOCKED,  /* one that it waits for failed */
    STEP_PENDING,  /* it waits for an answer from outside */
    STEP_WOULD_RUN /* in a dry run */
};
const char *step_state_name(enum step_state s); /* as Succeeded */

/* Of a step that failed: one whose outputs are not there has JOB_FAILED, too. */
enum job_class failure_class(const struct job_result *x);

/* What goes on at the moment. */
struct running_step {
    const struct step *step;
    usec since;
    double usual; /* seconds that it took the last time; 0: not known */
};
struct run_summary;
struct run_now {
    const struct running_step *running; /* in the order in which they began */
    size_t running_count;
    const struct run_summary *so_far;
};

struct run_event {
    const struct step *step;
    enum step_state state;
    unsigned attempt;
    const struct job_result *result; /* of a step that ended; NULL: it did not run */
    const char *why; /* of a step that runs, would run or failed, or was answered: NULL: there is no
                      * more to say */
    const struct question *question; /* of STEP_PENDING */
    const struct run_now *now;
};

/* Names of steps, or of entries for all steps that came of them. */
struct step_choice {
    const char *const *to; /* these are looked at, and those they wait for, */
    size_t to_count;
    const char *const *only; /* and these; none of both: all are */
    size_t only_count;
    const char *from; /* this one, and those that wait for it, run whatever is known; NULL: none */
};

struct run_options {
    const char *home;                  /* the folder of the tool's state */
    unsigned jobs;                     /* steps at once, those of one processor */
    unsigned gpus;                     /* that steps may have: CUDA_VISIBLE_DEVICES says which */
    struct job_engine_options engine;  /* where steps run */
    bool dry_run, keep_going, explain; /* explain: events of what runs say why */
    struct step_choice choice;         /* ERR_USAGE for a name that is no step's */
    int lock_timeout_ms; /* for another run of the pipeline; negative: wait for ever */
    bool wait;           /* until what steps ask for is answered */
    void (*warn)(void *context, const char *text); /* of what is no failure; may be NULL */
    void (*tell)(void *context, const struct run_event *event);
    /* Ten times a second while steps run; may be NULL. */
    void (*pulse)(void *context, const struct run_now *now);
    void *context;
};

struct run_summary {
    char id[40];
    size_t steps; /* that are known */
    size_t ran, up_to_date, restored, failed, skipped, blocked, pending, would_run;
    int signal; /* that stopped it; 0 */
};
/* How many steps there are when it can be told without reading the definition that all are done, as
 * they were when the last run ended; 0: it must be run to find out. */
size_t pipeline_idle(const char *home, const char *path, const char *const *given, size_t count);
/* Sends SIGTERM to the process that runs the definition at path. ERR_NO when there is none. */
int pipeline_stop(const char *home, const char *path, struct error *e);
/* Such a run's event in the ledger. */
int pipeline_note_idle(const char *home, const char *path, size_t steps, struct run_summary *out,
                       struct error *e);
/* How far a run is, as one line of JSON; *state is that of its steps together. ERR_NO: there is no
 * such run. */
enum run_state { RUN_GOES_ON, RUN_SUCCEEDED, RUN_FAILED, RUN_WAITS };
int pipeline_look(const char *home, const char *run, struct buf *line, enum run_state *state,
                  struct error *e);
/* Where what a step writes in a run is kept, when it writes. Returns owned. */
char *pipeline_log_path(const char *home, const char *run, const char *step);
/* 0 when every step is done, ERR_NO when one failed (or would run, in a dry run), ERR_BUSY, with no
 * message, when nothing else is left but to wait for answers. */
int pipeline_run(struct pipeline *p, const struct run_options *o, struct run_summary *out,
                 struct error *e);

/* ---- room ---- */

struct gc_summary {
    uint64_t objects, definitions, runs; /* that went; runs: their logs */
    uint64_t bytes;                      /* that are free now */
};
/* Removes what no event of the ledger younger than `keep` names: kept outputs, definitions, logs.
 */
int pipeline_gc(const char *home, usec keep, bool dry_run, struct gc_summary *out, struct error *e);

/* ---- commands that others run ---- */

/* One that was watched. It is kept in the ledger as a step is: what it read and made below the
 * folder `root`, by its digests. */
struct watched_command {
    const char *line, *run, *directory;
    const struct seen_files *files;
    usec started, ended;
    int status;
};
int pipeline_note_command(const char *home, const char *root, const struct watched_command *c,
                          struct error *e);

#endif
