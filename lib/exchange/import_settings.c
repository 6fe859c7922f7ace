/* What SageMaker's steps say of how they are run: order, retries, cache. */
#include "exchange/import_sagemaker.h"
#include "exchange/sagemaker.h"
#include "exchange/yaml.h"

#include <math.h>

/* ---- order ---- */

static int add_depends(struct sm *m, const struct sm_step *s, bool *seen);

/* One that waits for a Condition step waits for what that one waits for. */
static int add_depend(struct sm *m, const struct doc_node *n, bool *seen)
{
    char quoted[QUOTE_MAX];
    const struct sm_step *other = n->kind == DOC_TEXT ? sm_find(m, n->text) : NULL;
    if (!other)
        return doc_error(m->x->doc, n, m->x->e, "there is no step %s",
                         quote(quoted, n->text.at ? n->text.at : "", n->text.len));
    if (text_equal(other->type, text_of("Condition")))
        return add_depends(m, other, seen);
    import_add_once(&m->needs, other->name);
    return 0;
}

static int add_depends(struct sm *m, const struct sm_step *s, bool *seen)
{
    size_t number = (size_t)(s - m->steps.at);
    const struct doc_node *list = doc_get(s->node, "DependsOn");
    int status = 0;
    if (seen[number])
        return 0;
    seen[number] = true;
    if (list && list->kind != DOC_LIST)
        return doc_error(m->x->doc, list, m->x->e, "DependsOn is a list of names");
    for (size_t i = 0; list && i < list->count && status == 0; i++)
        status = add_depend(m, &list->items[i], seen);
    return status == 0 && s->parent != SM_NONE ? add_depends(m, &m->steps.at[s->parent], seen)
                                               : status;
}

static int put_needs(struct sm *m, const struct sm_step *s)
{
    bool *seen = mem_alloc(m->steps.len);
    int status = add_depends(m, s, seen);
    mem_free(seen);
    if (status == 0)
        import_put_list(m->x, "needs", &m->needs, 4);
    return status;
}

/* ---- durations: ISO 8601 as SageMaker writes it: P may be left out, case does not count ---- */

static bool unit_seconds(char unit, bool time, double *seconds, bool *calendar)
{
    static const char date_units[] = "YMWD", time_units[] = "HMS";
    static const double dates[] = {365.0 * 86400, 30.0 * 86400, 7.0 * 86400, 86400},
                        times[] = {3600, 60, 1};
    unit = unit >= 'a' && unit <= 'z' ? (char)(unit - 'a' + 'A') : unit;
    const char *at = unit ? strchr(time ? time_units : date_units, unit) : NULL;
    if (!at)
        return false;
    *seconds = time ? times[at - time_units] : dates[at - date_units];
    *calendar = *calendar || (!time && at - date_units < 2);
    return true;
}

static bool parse_duration(struct text text, double *seconds, bool *calendar)
{
    size_t i = text.len && (text.at[0] | 0x20) == 'p';
    bool time = false, some = false;
    *seconds = 0;
    *calendar = false;
    while (i < text.len) {
        double number = 0, unit;
        size_t start = i;
        if ((text.at[i] | 0x20) == 't' && !time) {
            time = true;
            i++;
            continue;
        }
        for (; i < text.len && text.at[i] >= '0' && text.at[i] <= '9'; i++)
            number = number * 10 + (text.at[i] - '0');
        if (i == start || i == text.len || !unit_seconds(text.at[i++], time, &unit, calendar))
            return false;
        *seconds += number * unit;
        some = true;
    }
    return some && (text.at[text.len - 1] | 0x20) != 't' && *seconds >= 1 && *seconds < 1e11;
}

/* ---- cache ---- */

static int put_cache(struct sm *m, const struct doc_node *n)
{
    const struct doc_node *enabled = doc_get(n, "Enabled"), *after = doc_get(n, "ExpireAfter");
    char quoted[QUOTE_MAX];
    double seconds;
    bool calendar;
    if (!n || (enabled && enabled->kind == DOC_BOOL && !enabled->truth)) {
        buf_puts(m->x->out, "    cache: false\n");
        return 0;
    }
    int status = import_keys(m->x, n, "Enabled ExpireAfter", "CacheConfig");
    if (status)
        return status;
    if (!enabled || enabled->kind != DOC_BOOL)
        return doc_error(m->x->doc, n, m->x->e, "CacheConfig says true or false by Enabled");
    if (!after)
        return 0;
    if (after->kind != DOC_TEXT || !parse_duration(after->text, &seconds, &calendar))
        return doc_error(m->x->doc, after, m->x->e,
                         "ExpireAfter: %s is no duration as P30D or T12H",
                         quote(quoted, after->text.at ? after->text.at : "", after->text.len));
    buf_format(m->x->out, "    cache: %.0fs # %.*s", seconds, (int)after->text.len, after->text.at);
    buf_puts(m->x->out, calendar ? ": a year is taken as 365 days, a month as 30; minutes have a T "
                                   "before them\n"
                                 : "\n");
    return 0;
}

/* ---- retries ---- */

/* Fails, with the place, when it is there and no such number. */
static int read_number(struct sm *m, const struct doc_node *n, const char *key, double least,
                       double most, double *out)
{
    int64_t i;
    const struct doc_node *at = doc_get(n, key);
    if (!at)
        return 0;
    if (at->kind == DOC_NUMBER && number_parse(at->text.at, at->text.len, &i, out) != NUMBER_NONE &&
        *out >= least && *out <= most)
        return 0;
    return doc_error(m->x->doc, at, m->x->e, "%s is a number from %.0f to %.0f", key, least, most);
}

static int read_exceptions(struct sm *m, const struct doc_node *n, unsigned *classes)
{
    const struct doc_node *types = doc_get(n, "ExceptionType");
    bool list = types && types->kind == DOC_LIST;
    *classes = 0;
    if (!types || !(list || types->kind == DOC_TEXT) || (list && types->count == 0))
        return doc_error(m->x->doc, n, m->x->e, "a retry policy has an ExceptionType");
    for (size_t i = 0; i < (list ? types->count : 1); i++) {
        const struct doc_node *one = list ? &types->items[i] : types;
        enum job_class class = one->kind == DOC_TEXT ? sagemaker_class(one->text) : JOB_SUCCEEDED;
        if (class == JOB_SUCCEEDED)
            return doc_error(m->x->doc, one, m->x->e, "this is no exception that is tried again");
        *classes |= 1U << class;
    }
    return 0;
}

struct policy {
    unsigned classes;
    double retries, minutes; /* 0: there is none; < 0: it is not said */
    double interval, backoff;
};

static int read_policy(struct sm *m, const struct doc_node *n, struct policy *p)
{
    *p = (struct policy){0, -1, -1, 1, 2};
    int status =
        import_keys(m->x, n, "ExceptionType IntervalSeconds BackoffRate MaxAttempts ExpireAfterMin",
                    "a retry policy");
    if (status == 0)
        status = read_exceptions(m, n, &p->classes);
    if (status == 0)
        status = read_number(m, n, "IntervalSeconds", 1, 43200, &p->interval);
    if (status == 0)
        status = read_number(m, n, "BackoffRate", 0, 1e6, &p->backoff);
    if (status == 0)
        status = read_number(m, n, "MaxAttempts", 1, 20, &p->retries);
    if (status == 0)
        status = read_number(m, n, "ExpireAfterMin", 0, 14400, &p->minutes);
    if (status == 0 && p->retries < 0 && p->minutes < 0)
        status =
            doc_error(m->x->doc, n, m->x->e, "a retry policy has MaxAttempts or ExpireAfterMin");
    if (status == 0 && p->backoff < 1) {
        buf_format(m->x->out, "    # BackoffRate %g is taken as 1: pauses do not shrink\n",
                   p->backoff);
        p->backoff = 1;
    }
    return status;
}

static void put_policy(struct buf *b, const struct policy *p)
{
    const char *before = "";
    buf_puts(b, "{on: [");
    for (unsigned class = 0; class < JOB_CLASSES; class ++)
        if (p->classes >> class & 1) {
            buf_format(b, "%s%s", before, job_class_name(class));
            before = ", ";
        }
    buf_putc(b, ']');
    if (p->minutes == 0)
        buf_puts(b, ", attempts: 1");
    else if (p->retries > 0)
        buf_format(b, ", attempts: %.0f", 1 + floor(p->retries));
    if (p->minutes > 0)
        buf_format(b, ", expire: %.0fs", ceil(p->minutes * 60));
    buf_format(b, ", interval: %.0fs, backoff: %g}", ceil(p->interval), p->backoff);
}

static int put_retry(struct sm *m, const struct doc_node *list)
{
    struct buf all = {0};
    int status = 0;
    if (list && list->kind != DOC_LIST)
        return doc_error(m->x->doc, list, m->x->e, "RetryPolicies are a list");
    for (size_t i = 0; list && i < list->count && status == 0; i++) {
        struct policy p;
        status = read_policy(m, &list->items[i], &p);
        buf_puts(&all, i ? ", " : "");
        if (status == 0)
            put_policy(&all, &p);
    }
    if (status == 0 && all.len)
        buf_format(m->x->out, list->count > 1 ? "    retry: [%s]\n" : "    retry: %s\n",
                   buf_text(&all));
    buf_release(&all);
    return status;
}

/* ---- all of them ---- */

static bool is_cached(const struct sm_step *s)
{
    static const char *const kinds[] = {"Processing",   "Training",     "Transform", "Lambda",
                                        "ClarifyCheck", "QualityCheck", "Callback"};
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (text_equal(s->type, text_of(kinds[i])))
            return true;
    return false;
}

int sm_put_settings(struct sm *m, const struct sm_step *s)
{
    int status = put_needs(m, s);
    if (s->when.at) {
        buf_puts(m->x->out, "    when:");
        yaml_put_value(m->x->out, s->when, 6);
    }
    if (status == 0)
        status = put_retry(m, doc_get(s->node, "RetryPolicies"));
    if (status == 0 && is_cached(s) && !text_equal(s->type, text_of("Callback")))
        status = put_cache(m, doc_get(s->node, "CacheConfig"));
    return status;
}
