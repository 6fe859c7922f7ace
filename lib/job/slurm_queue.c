/* Answers of squeue, in the forms that its versions have. */
#include "job/slurm_queue.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

void queue_release(struct queue *q)
{
    vec_release(&q->pilots);
}

const struct pilot *queue_find(const struct queue *q, uint64_t array, uint64_t task)
{
    for (size_t i = 0; i < q->pilots.len; i++)
        if (q->pilots.at[i].array == array && q->pilots.at[i].task == task)
            return &q->pilots.at[i];
    return NULL;
}

void queue_command(enum queue_form form, const char *name, const char *out[static QUEUE_WORDS])
{
    static const char *const forms[QUEUE_FORMS][QUEUE_WORDS] = {
        [QUEUE_COLUMNS] = {"squeue", "-h", "-a", "-r", "-O",
                           "ArrayJobID:|,ArrayTaskID:|,State:|,RestartCnt:|,NodeList:|,Reason:|"},
        [QUEUE_JSON] = {"squeue", "-a", "-r", "--json"},
        [QUEUE_SHORT] = {"squeue", "-h", "-a", "-r", "-o", "%F|%K|%T|-1|%N|%r|"},
    };
    size_t n = 0;
    for (; forms[form][n]; n++)
        out[n] = forms[form][n];
    out[n++] = "-n";
    out[n++] = name;
    out[n] = NULL;
}

/* ---- states ---- */

static bool is_one_of(const char *word, const char *const *list)
{
    for (; *list; list++)
        if (strcasecmp(word, *list) == 0)
            return true;
    return false;
}

/* A word of a state may be a state or a flag of one: what ends it counts more than what it was. */
static enum pilot_state state_of(const char *word)
{
    static const char *const running[] = {"RUNNING",   "SUSPENDED", "STOPPED", "RESIZING",
                                          "SIGNALING", "STAGE_OUT", NULL};
    static const char *const waiting[] = {"PENDING",      "CONFIGURING",   "REQUEUED",
                                          "REQUEUE_FED",  "REQUEUE_HOLD",  "RESV_DEL_HOLD",
                                          "SPECIAL_EXIT", "POWER_UP_NODE", NULL};
    return is_one_of(word, running)   ? PILOT_RUNS
           : is_one_of(word, waiting) ? PILOT_WAITS
                                      : PILOT_ENDED;
}

/* Spelled with blanks or underscores. */
static bool is_held(const char *reason)
{
    return strncasecmp(reason, "JobHeld", 7) == 0 ||
           strncasecmp(reason, "launch failed requeued held", 27) == 0 ||
           strncasecmp(reason, "launch_failed_requeued_held", 27) == 0;
}

static void add(struct queue *q, const struct pilot *p, const char *reason)
{
    vec_push(&q->pilots, *p);
    struct pilot *added = &q->pilots.at[q->pilots.len - 1];
    if (p->state == PILOT_WAITS && is_held(reason))
        added->state = PILOT_HELD;
    added->delayed = added->state == PILOT_WAITS && strcasecmp(reason, "BeginTime") == 0;
}

/* ---- text ---- */

enum {
    COLUMN_ARRAY,
    COLUMN_TASK,
    COLUMN_STATE,
    COLUMN_RESTARTS,
    COLUMN_NODE,
    COLUMN_REASON,
    COLUMNS
};

static bool to_number(const char *text, int64_t *out)
{
    char *end;
    *out = strtoll(text, &end, 10);
    return end > text && *end == '\0';
}

/* False when it is no line of ours: of a job that is no array, the number of the task is "N/A". */
static bool read_line(char *line, struct queue *out)
{
    const char *columns[COLUMNS];
    int64_t array, task;
    struct pilot p = {0};
    for (size_t i = 0; i < COLUMNS; i++) {
        char *end = strchr(line, '|');
        if (!end)
            return false;
        *end = '\0';
        columns[i] = line;
        line = end + 1;
    }
    if (*line || !to_number(columns[COLUMN_ARRAY], &array) ||
        !to_number(columns[COLUMN_TASK], &task) ||
        !to_number(columns[COLUMN_RESTARTS], &p.restarts))
        return false;
    p.array = (uint64_t)array;
    p.task = (uint64_t)task;
    p.state = state_of(columns[COLUMN_STATE]);
    (void)snprintf(p.node, sizeof p.node, "%s", columns[COLUMN_NODE]);
    add(out, &p, columns[COLUMN_REASON]);
    return true;
}

static int read_text(struct text text, struct queue *out, struct error *e)
{
    char *copy = mem_text_n(text.at, text.len), *line = copy;
    int status = 0;
    while (*line && status == 0) {
        char quoted[QUOTE_MAX], *end = strchr(line, '\n');
        size_t n = end ? (size_t)(end - line) : strlen(line);
        char *own = mem_text_n(line, n);
        if (!read_line(own, out))
            status = error_set(e, ERR_DATA, "squeue says %s", quote(quoted, line, n));
        mem_free(own);
        line += n + (end != NULL);
    }
    mem_free(copy);
    return status;
}

/* ---- JSON ---- */

/* 7, or {"set": true, "infinite": false, "number": 7}. */
static int64_t number_in(const json_t *object, const char *name, int64_t otherwise)
{
    const json_t *value = json_object_get(object, name);
    if (json_is_object(value) && !json_is_false(json_object_get(value, "set")))
        value = json_object_get(value, "number");
    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

/* "RUNNING", or ["RUNNING", "COMPLETING"]. */
static enum pilot_state state_in(const json_t *job)
{
    const json_t *value = json_object_get(job, "job_state");
    size_t n = json_is_array(value) ? json_array_size(value) : 1;
    enum pilot_state state = PILOT_ENDED;
    for (size_t i = 0; i < n; i++) {
        const json_t *word = json_is_array(value) ? json_array_get(value, i) : value;
        enum pilot_state this =
            json_is_string(word) ? state_of(json_string_value(word)) : PILOT_ENDED;
        state = i == 0 || this == PILOT_ENDED ? this : state;
        if (this == PILOT_ENDED)
            break;
    }
    return state;
}

static const char *text_in(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static int read_json(const char *name, struct text text, struct queue *out, struct error *e)
{
    json_error_t why;
    json_t *root = json_loadb(text.at ? text.at : "", text.len, JSON_DISABLE_EOF_CHECK, &why);
    const json_t *jobs = json_object_get(root, "jobs"), *job;
    size_t i;
    bool good = json_is_array(jobs);
    json_array_foreach((json_t *)(uintptr_t)jobs, i, job)
    {
        struct pilot p = {.restarts = number_in(job, "restart_cnt", -1),
                          .array = (uint64_t)number_in(job, "array_job_id", 0),
                          .task = (uint64_t)number_in(job, "array_task_id", 0),
                          .state = state_in(job)};
        if (strcmp(text_in(job, "name"), name) != 0)
            continue;
        (void)snprintf(p.node, sizeof p.node, "%s", text_in(job, "nodes"));
        add(out, &p, text_in(job, "state_reason"));
    }
    json_decref(root);
    return good ? 0 : error_set(e, ERR_DATA, "squeue --json: %s", root ? "no jobs" : why.text);
}

int queue_read(enum queue_form form, const char *name, struct text text, struct queue *out,
               struct error *e)
{
    out->pilots.len = 0;
    return form == QUEUE_JSON ? read_json(name, text, out, e) : read_text(text, out, e);
}

/* ---- complaints ---- */

static bool has_one_of(const char *text, const char *const *list)
{
    for (; *list; list++)
        if (strcasestr(text, *list))
            return true;
    return false;
}

bool slurm_is_silent(const char *complaint)
{
    static const char *const known[] = {"unable to contact",
                                        "unable to connect",
                                        "timed out",
                                        "connection refused",
                                        "connection failure",
                                        "zero bytes were transmitted",
                                        "took longer than",
                                        "cannot run",
                                        "no route to host",
                                        "unable to establish",
                                        NULL};
    return has_one_of(complaint, known);
}

bool slurm_knows_none(const char *complaint)
{
    static const char *const known[] = {"invalid job id", "invalid job name", NULL};
    return has_one_of(complaint, known);
}
