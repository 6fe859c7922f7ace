/* Steps that register versions of models, or require one that is approved. */
#include "pipeline/event.h"
#include "pipeline/running.h"

/* ---- a version's approval ---- */

/* 0 when it is approved by one who may say so. */
static int settle_by_verdict(struct run *r, uint32_t step, const struct model_version *v,
                             const char *const *may, struct error *e)
{
    const struct models *m = &r->records.models;
    char *about = model_name(v);
    const struct question *q = questions_about(&m->questions, text_of(about));
    enum verdict verdict = model_verdict(m, v);
    if (may && verdict != VERDICT_NONE &&
        (!q || q->answer.verdict == VERDICT_NONE || !may_answer(may, q->answer.user)))
        verdict = VERDICT_NONE;
    int status = verdict == VERDICT_YES ? 0 : 1;
    if (status && r->o->dry_run) {
        char *why = mem_format("model %s is %s", about, verdict_name(QUESTION_MODEL, verdict));
        run_would(r, step, why);
        mem_free(why);
    } else if (verdict == VERDICT_NO) {
        char *said = run_say_answer(q), *why = mem_format("model %s was %s", about, said);
        run_settle(r, step, STEP_FAILED, NULL, why);
        mem_free(why);
        mem_free(said);
    } else if (status) {
        bool is_new = !q || !q->step;
        status = run_put_question(r, step, QUESTION_MODEL, about, may, e);
        if (status == 0)
            run_wait(r, step, is_new);
        status = status ? status : 1;
    }
    mem_free(about);
    return status;
}

/* ---- registering ---- */

static const struct model_version *version_of_file(const struct run *r, const char *group,
                                                   uint32_t path)
{
    struct buf hex = {0};
    hex_put(&hex, r->files[path].digest.at, 2 * SHA256_SIZE);
    const struct model_version *v = model_of_digest(&r->records.models, group, buf_text(&hex));
    buf_release(&hex);
    return v;
}

/* 1 when the step failed by what is in its files. */
static int add_version(struct run *r, uint32_t step, bool *is_new, struct error *e)
{
    const struct step *s = &r->p->steps[step];
    struct error wrong = {0};
    unsigned number;
    char *path = run_path(r, s->file);
    char *metrics = s->metrics == PATH_NONE ? NULL : run_path(r, s->metrics);
    /* with a slash it is no NAME=VALUE */
    char *plain = metrics ? mem_format("%s%s", *metrics == '/' ? "" : "./", metrics) : NULL;
    const struct model_file f = {.group = s->model,
                                 .path = path,
                                 .metrics = (const char *const[]){plain},
                                 .metric_count = plain != NULL,
                                 .approved = s->entry->preapproved,
                                 .run = r->summary->id,
                                 .step = s->name,
                                 .digests = r->digests};
    int status = model_register(r->o->home, &f, &number, is_new, &wrong);
    if (status == ERR_DATA) {
        run_settle(r, step, STEP_FAILED, NULL, wrong.message);
        status = 1;
    } else if (status == 0) {
        status = records_follow(&r->records, e);
    } else if (e) {
        *e = wrong;
    }
    mem_free(plain);
    mem_free(metrics);
    mem_free(path);
    return status;
}

int run_register(struct run *r, uint32_t step, struct error *e)
{
    const struct step *s = &r->p->steps[step];
    const struct step_entry *x = s->entry;
    usec started = clock_now();
    bool is_new = false;
    int status = r->o->dry_run ? 0 : add_version(r, step, &is_new, e);
    const struct model_version *v = status == 0 ? version_of_file(r, s->model, s->file) : NULL;
    if (status)
        return status;
    if (!v && r->o->dry_run) {
        run_would(r, step, "its file is no version yet");
        return 1;
    }
    if (!v) { /* it was changed since it was looked at */
        run_settle(r, step, STEP_FAILED, NULL, "its file changed while it was registered");
        return 1;
    }
    if (x->asks)
        status = settle_by_verdict(r, step, v, (const char *const *)x->may, e);
    if (status)
        return status;
    const struct job_result done = {.started = started, .ended = clock_now()};
    char *name = model_name(v), *said = mem_format("model %s", name);
    if (is_new || run_question(r, step)) {
        r->attempt[step] = 1;
        run_add_record(r, step, &done, STEP_SUCCEEDED, said, NULL);
        run_settle(r, step, STEP_SUCCEEDED, &done, said);
    } else {
        run_settle(r, step, STEP_UP_TO_DATE, NULL, NULL);
    }
    mem_free(said);
    mem_free(name);
    return 1;
}

/* ---- requiring ---- */

/* The newest that this pipeline registers; when it registers none of the group, of all. */
static const struct model_version *version_required(const struct run *r, const char *group)
{
    const struct pipeline *p = r->p;
    const struct model_version *found = NULL;
    bool registers = false;
    for (uint32_t i = 0; i < p->step_count; i++) {
        const struct step *s = &p->steps[i];
        if (!s->model || strcmp(s->model, group) != 0)
            continue;
        registers = true;
        const struct model_version *v = version_of_file(r, group, s->file);
        found = v && (!found || v->number > found->number) ? v : found;
    }
    return registers ? found : model_newest(&r->records.models, group, false);
}

int run_require(struct run *r, uint32_t step, struct error *e)
{
    const struct step *s = &r->p->steps[step];
    if (!s->requires)
        return 0;
    const struct model_version *v = version_required(r, s->requires);
    if (!v) {
        char *why = mem_format("no version of model %s is registered", s->requires);
        if (r->o->dry_run)
            run_would(r, step, why);
        else
            run_settle(r, step, STEP_FAILED, NULL, why);
        mem_free(why);
        return 1;
    }
    char *about = model_name(v), *variable = mem_format("ML_MODEL=%s", about);
    const struct question *q = questions_about(&r->records.models.questions, text_of(about));
    int status = settle_by_verdict(r, step, v, q ? q->may : NULL, e);
    if (status == 0)
        run_set_variable(r, step, variable);
    mem_free(variable);
    mem_free(about);
    return status;
}
