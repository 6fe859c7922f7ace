/* What definitions say of answers from outside: approvals, callbacks, models, notifications. */
#include "pipeline/definition.h"

/* ---- the kind of an entry ---- */

static const struct {
    const char *key;
    enum step_kind kind;
} kinds[] = {{"run", STEP_RUN},
             {"fail", STEP_FAIL},
             {"approve", STEP_APPROVE},
             {"callback", STEP_CALLBACK},
             {"register", STEP_REGISTER}};

/* Keys of steps that have a command. */
static int check_no_command(struct definition *d, const struct doc_node *n,
                            const struct step_entry *s, struct error *e)
{
    static const char *const commands[] = {"out",  "env",   "retry",    "timeout",
                                           "pass", "tools", "directory"};
    char quoted[QUOTE_MAX];
    for (size_t i = 0; i < n->count; i++) {
        const struct doc_node *key = &n->items[2 * i];
        for (size_t k = 0; k < COUNT_OF(commands); k++)
            if (text_equal(key->text, text_of(commands[k])))
                return doc_error(d->doc, key, e, "step %s runs no command, and so has no %s",
                                 s->name, quote(quoted, key->text.at, key->text.len));
    }
    return 0;
}

/* true: anybody; else names. */
static int read_may(struct definition *d, const struct doc_node *n, struct step_entry *s,
                    struct error *e)
{
    bool is_names = n->kind == DOC_TEXT || (n->kind == DOC_LIST && n->count > 0);
    if (n->kind == DOC_BOOL && n->truth)
        return 0;
    if (!is_names)
        return doc_error(d->doc, n, e, "approve is true, or the names of those who may");
    int status = definition_words(d, n, &s->may, e);
    for (const char **at = s->may; status == 0 && *at; at++)
        if (!**at)
            status = doc_error(d->doc, n, e, "an empty name");
    return status;
}

static int read_register(struct definition *d, const struct doc_node *n, struct step_entry *s,
                         struct error *e)
{
    static const char *const known[] = {"model", "file", "metrics", "approve", "status"};
    const struct doc_node *approve = doc_get(n, "approve"), *first = doc_get(n, "status");
    if (n->kind != DOC_MAP || !doc_get(n, "model") || !doc_get(n, "file"))
        return doc_error(d->doc, n, e, "register is a map with model and file");
    int status = definition_keys(d, n, known, COUNT_OF(known), e);
    s->asks = approve != NULL;
    if (status == 0 && approve)
        status = read_may(d, approve, s, e);
    if (status || !first)
        return status;
    s->preapproved = text_equal(first->text, TEXT_LITERAL("approved"));
    if (!s->preapproved && !text_equal(first->text, TEXT_LITERAL("pending")))
        return doc_error(d->doc, first, e, "status is pending or approved");
    return approve && s->preapproved
               ? doc_error(d->doc, first, e, "what is approved already needs no approve")
               : 0;
}

int definition_kind(struct definition *d, const struct doc_node *n, struct step_entry *s,
                    struct error *e)
{
    const struct doc_node *found = NULL;
    size_t count = 0;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        const struct doc_node *at = doc_get(n, kinds[i].key);
        if (!at)
            continue;
        count++;
        found = at;
        s->kind = kinds[i].kind;
    }
    if (count != 1)
        return doc_error(d->doc, n, e,
                         "step %s wants run or fail, or approve, callback or register%s", s->name,
                         count > 1 ? ": one of them" : "");
    if (s->kind != STEP_APPROVE && s->kind != STEP_REGISTER)
        return 0;
    int status = s->kind == STEP_APPROVE ? read_may(d, found, s, e) : read_register(d, found, s, e);
    return status ? status : check_no_command(d, n, s, e);
}

/* ---- models ---- */

static int read_group(struct definition *d, const struct doc_node *n, const char **out,
                      struct error *e)
{
    struct text text;
    int status = definition_text(d, n, false, &text, e);
    *out = text.at;
    if (status == 0 && !definition_is_name(text))
        status = doc_error(d->doc, n, e, "a model's name has letters, digits, _ and -, at most 64");
    return status;
}

/* The path is among the step's inputs, too. */
static int read_file(struct definition *d, const struct doc_node *n, struct step *s, uint32_t *out,
                     struct error *e)
{
    struct text text;
    int status = definition_text(d, n, false, &text, e);
    if (status == 0 && text.len == 0)
        status = doc_error(d->doc, n, e, "an empty path");
    if (status)
        return status;
    *out = definition_path(d, text);
    uint32_t *in = arena_alloc(&d->p->arena, (s->in_count + 1) * sizeof *in);
    if (s->in_count)
        memcpy(in, s->in, s->in_count * sizeof *in);
    in[s->in_count++] = *out;
    s->in = in;
    return 0;
}

int definition_model(struct definition *d, const struct doc_node *n, struct step *s,
                     struct error *e)
{
    static const char *const known[] = {"model"};
    const struct doc_node *what = doc_get(n, "register"), *needs = doc_get(n, "requires");
    int status = 0;
    s->file = s->metrics = PATH_NONE;
    if (what)
        status = read_group(d, doc_get(what, "model"), &s->model, e);
    if (status == 0 && what)
        status = read_file(d, doc_get(what, "file"), s, &s->file, e);
    if (status == 0 && doc_get(what, "metrics"))
        status = read_file(d, doc_get(what, "metrics"), s, &s->metrics, e);
    if (status || !needs)
        return status;
    if (!doc_get(needs, "model"))
        return doc_error(d->doc, needs, e, "requires is a map with model");
    status = definition_keys(d, needs, known, COUNT_OF(known), e);
    if (status == 0)
        status = read_group(d, doc_get(needs, "model"), &s->requires, e);
    if (status == 0 && what)
        status = doc_error(d->doc, needs, e, "a step that registers requires no model");
    return status;
}

/* ---- notifications ---- */

static int read_events(struct definition *d, const struct doc_node *n, unsigned *on,
                       struct error *e)
{
    static const char *const names[] = {"waiting", "failed", "ended"};
    size_t count = n->kind == DOC_LIST ? n->count : 1;
    *on = 0;
    for (size_t i = 0; i < count; i++) {
        const struct doc_node *item = n->kind == DOC_LIST ? &n->items[i] : n;
        size_t k = 0;
        while (k < COUNT_OF(names) && !text_equal(item->text, text_of(names[k])))
            k++;
        if (k == COUNT_OF(names))
            return doc_error(d->doc, item, e, "on is waiting, failed or ended, or a list of them");
        *on |= 1U << k;
    }
    return *on ? 0 : doc_error(d->doc, n, e, "on is an empty list");
}

static int read_notification(struct definition *d, const struct doc_node *n,
                             struct notification *out, struct error *e)
{
    static const char *const known[] = {"run", "on"};
    const struct doc_node *run = n->kind == DOC_MAP ? doc_get(n, "run") : n;
    const struct doc_node *on = doc_get(n, "on");
    struct text text;
    out->on = NOTIFY_WAITING | NOTIFY_FAILED | NOTIFY_ENDED;
    if (!run)
        return doc_error(d->doc, n, e, "notify is a command, or a map with run and on");
    int status = n->kind == DOC_MAP ? definition_keys(d, n, known, COUNT_OF(known), e) : 0;
    if (status == 0)
        status = definition_text(d, run, true, &text, e);
    if (status)
        return status;
    out->script = text.at;
    return on ? read_events(d, on, &out->on, e) : 0;
}

int definition_notify(struct definition *d, const struct doc_node *n, struct error *e)
{
    struct pipeline *p = d->p;
    if (!n)
        return 0;
    p->notification_count = n->kind == DOC_LIST ? n->count : 1;
    p->notifications =
        arena_zero(&p->arena, (p->notification_count + 1) * sizeof *p->notifications);
    int status = 0;
    for (size_t i = 0; i < p->notification_count && status == 0; i++)
        status =
            read_notification(d, n->kind == DOC_LIST ? &n->items[i] : n, &p->notifications[i], e);
    return status;
}
