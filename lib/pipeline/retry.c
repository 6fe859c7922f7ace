/* Which failures a step is tried again after, and when. */
#include "pipeline/definition.h"
#include "pipeline/running.h"

enum { ATTEMPTS_MAX = 1000, NO_LIMIT = UINT16_MAX, STATUS_MAX = 255 };

enum job_class failure_class(const struct job_result *x)
{
    return x->class == JOB_SUCCEEDED ? JOB_FAILED : x->class;
}

/* ---- in the definition ---- */

static bool read_class(struct text word, unsigned *classes)
{
    if (text_equal(word, text_of("any"))) {
        *classes |= RETRY_ANY;
        return true;
    }
    for (unsigned c = JOB_FAILED; c < JOB_CLASSES; c++)
        if (text_equal(word, text_of(job_class_name(c)))) {
            *classes |= 1U << c;
            return true;
        }
    return false;
}

static int no_class(struct definition *d, const struct doc_node *n, struct error *e)
{
    char quoted[QUOTE_MAX];
    struct buf names = {0};
    for (unsigned c = JOB_FAILED; c < JOB_CLASSES; c++)
        buf_format(&names, "%s, ", job_class_name(c));
    bool scalar = n->kind == DOC_TEXT || n->kind == DOC_NUMBER;
    int status = doc_error(d->doc, n, e, "on: %s is none of %sany and exit statuses from 1 to %d",
                           scalar ? quote(quoted, n->text.at, n->text.len) : doc_kind_name(n->kind),
                           buf_text(&names), STATUS_MAX);
    buf_release(&names);
    return status;
}

/* One class or status, or a list of them. */
static int read_on(struct definition *d, const struct doc_node *n, struct retry *r, struct error *e)
{
    bool list = n->kind == DOC_LIST;
    size_t count = list ? n->count : 1, statuses = 0;
    uint8_t *at = arena_zero(&d->p->arena, count + 1);
    r->classes = 0;
    r->statuses = at;
    for (size_t i = 0; i < count; i++) {
        const struct doc_node *one = list ? &n->items[i] : n;
        int64_t number = 0;
        double f;
        bool is_status = one->kind == DOC_NUMBER &&
                         number_parse(one->text.at, one->text.len, &number, &f) == NUMBER_INT &&
                         number >= 1 && number <= STATUS_MAX;
        if (is_status)
            at[statuses++] = (uint8_t)number;
        else if (one->kind != DOC_TEXT || !read_class(one->text, &r->classes))
            return no_class(d, one, e);
    }
    return count ? 0 : doc_error(d->doc, n, e, "an empty list");
}

static int read_backoff(struct definition *d, const struct doc_node *n, double *out,
                        struct error *e)
{
    int64_t i;
    bool number = n->kind == DOC_NUMBER &&
                  number_parse(n->text.at, n->text.len, &i, out) != NUMBER_NONE && *out >= 1;
    return number ? 0 : doc_error(d->doc, n, e, "backoff is a number of at least 1");
}

static int read_policy(struct definition *d, const struct doc_node *n, struct retry *r,
                       struct error *e)
{
    static const char *const known[] = {"attempts", "interval", "backoff", "on", "expire"};
    const struct doc_node *attempts = doc_get(n, "attempts"), *expire = doc_get(n, "expire"), *at;
    int64_t count = NO_LIMIT;
    int status = definition_keys(d, n, known, COUNT_OF(known), e);
    if (status == 0 && !attempts && !expire)
        status = doc_error(d->doc, n, e, "a retry without attempts or expire");
    if (status == 0 && attempts)
        status = definition_count(d, attempts, "attempts", 1, ATTEMPTS_MAX, &count, e);
    r->attempts = (unsigned)count;
    if (status == 0 && (at = doc_get(n, "interval")))
        status = definition_duration(d, at, "interval", &r->interval, e);
    if (status == 0 && (at = doc_get(n, "backoff")))
        status = read_backoff(d, at, &r->backoff, e);
    if (status == 0 && expire)
        status = definition_duration(d, expire, "expire", &r->expires, e);
    if (status == 0 && (at = doc_get(n, "on")))
        status = read_on(d, at, r, e);
    return status;
}

/* A number of retries, or a map. */
static int read_one(struct definition *d, const struct doc_node *n, struct retry *r,
                    struct error *e)
{
    int64_t retries = 0;
    *r = (struct retry){.classes = RETRY_ANY, .backoff = 1};
    if (n->kind == DOC_MAP)
        return read_policy(d, n, r, e);
    int status = definition_count(d, n, "retry", 0, ATTEMPTS_MAX, &retries, e);
    r->attempts = (unsigned)retries + 1;
    return status;
}

int definition_retry(struct definition *d, const struct doc_node *n, struct step_entry *s,
                     struct error *e)
{
    bool list = n->kind == DOC_LIST;
    size_t count = list ? n->count : 1;
    struct retry *all = arena_zero(&d->p->arena, (count + 1) * sizeof *all);
    int status = 0;
    if (count > RETRIES_MAX)
        return doc_error(d->doc, n, e, "a step has at most %d retries", RETRIES_MAX);
    for (size_t i = 0; i < count && status == 0; i++)
        status = read_one(d, list ? &n->items[i] : n, &all[i], e);
    s->retries = all;
    s->retry_count = (uint32_t)count;
    return status;
}

/* ---- in a run ---- */

/* Of a step that failed: what it was tried again by. */
struct tried {
    usec began; /* its first attempt in the run */
    uint16_t times[RETRIES_MAX];
};

struct retries {
    struct map steps; /* numbers, as bytes, of those that failed */
    VEC(struct tried) tried;
};

static struct tried *tried_of(struct run *r, uint32_t step, const struct job_result *x)
{
    struct text key = {(const char *)&step, sizeof step};
    bool is_new = false;
    if (!r->retries)
        r->retries = mem_alloc(sizeof *r->retries);
    size_t i = map_put(&r->retries->steps, key, &is_new);
    if (is_new)
        vec_push(&r->retries->tried, ((struct tried){.began = x->started}));
    return &r->retries->tried.at[i];
}

void retries_free(struct retries *r)
{
    if (!r)
        return;
    map_release(&r->steps);
    vec_release(&r->tried);
    mem_free(r);
}

static bool is_for(const struct retry *r, const struct job_result *x)
{
    if (r->classes >> failure_class(x) & 1)
        return true;
    const uint8_t *at = r->statuses;
    while (at && *at && *at != x->status)
        at++;
    return at && *at;
}

static usec pause_before(const struct retry *r, unsigned number)
{
    enum { LONGEST = 1000000000 };
    double pause = (double)r->interval;
    for (unsigned i = 0; i < number && pause < (double)USEC_SECOND * LONGEST; i++)
        pause *= r->backoff;
    return pause < (double)USEC_SECOND * LONGEST ? (usec)pause : USEC_SECOND * LONGEST;
}

bool run_tries_again(struct run *r, uint32_t step, const struct job_result *x, usec *due)
{
    const struct step_entry *s = r->p->steps[step].entry;
    size_t i = 0;
    while (i < s->retry_count && !is_for(&s->retries[i], x))
        i++;
    if (i == s->retry_count || x->stopped)
        return false;
    const struct retry *policy = &s->retries[i];
    struct tried *tried = tried_of(r, step, x);
    if (tried->times[i] + 1U >= policy->attempts)
        return false;
    *due = clock_now() + pause_before(policy, tried->times[i]);
    if (policy->expires && *due > tried->began + policy->expires)
        return false;
    tried->times[i]++;
    return true;
}
