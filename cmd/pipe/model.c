/* pipe model: versions of models, who approved them, and in which stage they are. */
#include "pipe.h"

#include "pipeline/models.h"

#include <stdio.h>

struct model_options {
    struct option_list metrics;
    const char *comment;
    int status;
    bool any;
};

enum { STATUS_PENDING, STATUS_APPROVED };

static const struct option model_options[] = {
    {'M', "metrics", "FILE|NAME=VALUE", INTO_LIST(struct model_options, metrics),
     .help = "register: what is known of it, a JSON object or single values; repeated for several"},
    {0, "status", NULL, INTO_CHOICE(struct model_options, status), .choices = "pending|approved",
     .fallback = "pending", .help = "register: of a new version"},
    {'m', "comment", "TEXT", INTO_TEXT(struct model_options, comment),
     .help = "approve, reject: is kept with the answer"},
    {0, "any", NULL, INTO_FLAG(struct model_options, any),
     .help = "path: of versions that are not approved, too"},
    OPTION_END,
};

/* What an action works with. */
struct acting {
    const struct model_options *options;
    const char *home;
    const char *first, *second; /* words behind the action; NULL: not given */
};

static void print_version(const struct models *m, const struct model_version *v, bool history)
{
    struct buf b = {0};
    model_put(m, v, history, &b);
    (void)puts(buf_text(&b));
    buf_release(&b);
}

static int act_register(const struct acting *a, struct error *e)
{
    const struct option_list *metrics = &a->options->metrics;
    const struct model_file f = {.group = a->first,
                                 .path = a->second,
                                 .metrics = metrics->at,
                                 .metric_count = metrics->len,
                                 .approved = a->options->status == STATUS_APPROVED};
    unsigned number;
    bool is_new;
    int status = model_register(a->home, &f, &number, &is_new, e);
    if (status == 0)
        (void)printf("%s/%u\n", a->first, number);
    return status;
}

static int act_list(const struct acting *a, struct error *e)
{
    struct models m = {.versions = {0}};
    const struct model_version *found = NULL;
    int status = models_load(&m, a->home, e);
    if (status == 0 && a->first)
        status = model_find(&m, a->first, false, &found, e);
    for (size_t i = m.versions.len; i-- > 0 && status == 0;)
        if (!found || strcmp(m.versions.at[i].group, found->group) == 0)
            print_version(&m, &m.versions.at[i], false);
    models_release(&m);
    return status;
}

static int act_show(const struct acting *a, struct error *e)
{
    struct models m = {.versions = {0}};
    const struct model_version *v = NULL;
    int status = models_load(&m, a->home, e);
    if (status == 0)
        status = model_find(&m, a->first, false, &v, e);
    if (status == 0)
        print_version(&m, v, true);
    models_release(&m);
    return status;
}

static int act_path(const struct acting *a, struct error *e)
{
    struct models m = {.versions = {0}};
    const struct model_version *v = NULL;
    int status = models_load(&m, a->home, e);
    if (status == 0)
        status = model_find(&m, a->first, !a->options->any, &v, e);
    enum verdict verdict = status == 0 ? model_verdict(&m, v) : VERDICT_YES;
    if (verdict != VERDICT_YES && !a->options->any)
        status = error_set(e, ERR_NO, "%s/%u is not approved, but %s", v->group, v->number,
                           verdict_name(QUESTION_MODEL, verdict));
    char *path = status == 0 ? model_path(a->home, v, e) : NULL;
    if (path)
        (void)puts(path);
    else if (status == 0)
        status = ERR_SYSTEM;
    mem_free(path);
    models_release(&m);
    return status;
}

static int act_approve(const struct acting *a, struct error *e)
{
    return model_answer(a->home, a->first, VERDICT_YES, a->options->comment, e);
}

static int act_reject(const struct acting *a, struct error *e)
{
    return model_answer(a->home, a->first, VERDICT_NO, a->options->comment, e);
}

static int act_promote(const struct acting *a, struct error *e)
{
    return model_promote(a->home, a->first, a->second, e);
}

static const struct action {
    const char *name, *words;
    size_t least, most;
    int (*act)(const struct acting *a, struct error *e);
} actions[] = {
    {"register", "GROUP FILE", 2, 2, act_register},
    {"list", "[GROUP]", 0, 1, act_list},
    {"show", "GROUP[/VERSION]", 1, 1, act_show},
    {"approve", "GROUP/VERSION", 1, 1, act_approve},
    {"reject", "GROUP/VERSION", 1, 1, act_reject},
    {"promote", "GROUP/VERSION STAGE", 2, 2, act_promote},
    {"path", "GROUP[/VERSION|@STAGE]", 1, 1, act_path},
};

/* An answer is about one version that was named, not about what is newest by then. */
static int check_words(const struct action *x, const struct operands *operands)
{
    size_t n = operands->len - 1;
    if (n < x->least || n > x->most)
        return cli_usage("%s takes %s", x->name, x->words);
    bool one = strncmp(x->words, "GROUP/V", 7) == 0;
    return one && !strchr(operands->at[1], '/') ? cli_usage("%s takes %s", x->name, x->words) : 0;
}

static int run_model(void *options, struct operands *operands)
{
    const struct action *x = NULL;
    char quoted[QUOTE_MAX];
    for (size_t i = 0; i < COUNT_OF(actions); i++)
        if (strcmp(actions[i].name, operands->at[0]) == 0)
            x = &actions[i];
    if (!x)
        return cli_usage("%s is none of register, list, show, approve, reject, promote, path",
                         quote(quoted, operands->at[0], strlen(operands->at[0])));
    int usage = check_words(x, operands);
    if (usage)
        return usage;
    struct error e = {0};
    char *home = pipe_home(x->act == act_register, &e);
    struct acting a = {options, home, operands->len > 1 ? operands->at[1] : NULL,
                       operands->len > 2 ? operands->at[2] : NULL};
    int status = home ? x->act(&a, &e) : ERR_SYSTEM;
    mem_free(home);
    return pipe_finish(status, &e);
}

const struct command command_model = {
    .name = "model",
    .summary = "keep versions of models: register, list, show, approve, reject, promote, path",
    .operands = "ACTION [WORD...]",
    .options = model_options,
    .options_size = sizeof(struct model_options),
    .run = run_model,
    .more =
        "register GROUP FILE keeps the file as the next version of the group and prints its name, "
        "GROUP/VERSION; what the group has already gets no new one. list [GROUP] prints versions, "
        "newest first, and show GROUP[/VERSION] one with its history, as JSON. approve and reject "
        "GROUP/VERSION say what is thought of it, the last word holds. promote GROUP/VERSION STAGE "
        "puts an approved version into a stage, in place of another. path GROUP[/VERSION|@STAGE] "
        "prints where the file is kept, without a version that of the newest that is approved; "
        "the exit status is 1 when it is not approved.",
};
