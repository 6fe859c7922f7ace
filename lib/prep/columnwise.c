/* Hooks of steps that learn column by column: one state for each selected column. */
#include "prep/columnwise.h"

#include <math.h>

struct states {
    const struct learner *learner;
    size_t count;
    char *at; /* count states of learner->size bytes */
};

static const struct learner *learner_of(const struct step *s)
{
    const struct columnwise *c = s->kind->detail;
    return c->choose ? c->choose(s) : c->learner;
}

static void *state_at(const struct states *states, size_t i)
{
    return states->at + i * states->learner->size;
}

void *columnwise_state_new(const struct step *s)
{
    struct states *states = mem_alloc(sizeof *states);
    states->learner = learner_of(s);
    states->count = s->column_count;
    states->at = mem_alloc(states->count * states->learner->size);
    for (size_t i = 0; states->learner->init && i < states->count; i++)
        states->learner->init(s, state_at(states, i));
    return states;
}

void columnwise_state_free(void *state)
{
    struct states *states = state;
    if (!states)
        return;
    for (size_t i = 0; states->learner->release && i < states->count; i++)
        states->learner->release(state_at(states, i));
    mem_free(states->at);
    mem_free(states);
}

static int learn_column(const struct lesson *l, struct states *states, struct error *e)
{
    const struct step *s = l->step;
    size_t column = s->columns[l->index];
    void *state = state_at(states, l->index);
    if (states->learner->texts)
        return states->learner->texts(l, state, batch_text(l->batch, column), e);
    const double *values;
    int rc = batch_double(l->batch, column, s->names[l->index], &values, e);
    return rc ? rc : states->learner->numbers(l, state, values, e);
}

int columnwise_learn(const struct step *s, void *state, struct batch *b, struct error *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < s->column_count; i++) {
        struct lesson l = {.step = s, .batch = b, .index = i, .rows = b->rows};
        rc = learn_column(&l, state, e);
    }
    return rc;
}

bool columnwise_filled(const struct step *s, size_t index, struct filled *out)
{
    const struct states *states = s->learnt;
    return s->kind->learn == columnwise_learn && states->learner->filled &&
           states->learner->filled(state_at(states, index), out);
}

bool columnwise_refill(const struct step *s, size_t index, const struct filled *was, double now)
{
    const struct states *states = s->learnt;
    return s->kind->learn == columnwise_learn && states->learner->refill &&
           states->learner->refill(state_at(states, index), was, now);
}

int columnwise_merge(const struct step *s, void *into, void *from, struct error *e)
{
    struct states *a = into, *b = from;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < a->count; i++)
        rc = a->learner->merge(s, state_at(a, i), state_at(b, i), e);
    return rc;
}

int columnwise_finish(struct step *s, void *state, struct error *e)
{
    struct states *states = state;
    int rc = 0;
    for (size_t i = 0; rc == 0 && states->learner->finish && i < states->count; i++)
        rc = states->learner->finish(s, i, state_at(states, i), e);
    return rc;
}

json_t *columnwise_save(const struct step *s, const void *state)
{
    const struct states *states = state;
    json_t *j = json_object();
    for (size_t i = 0; i < states->count; i++)
        json_object_set_new_nocheck(j, s->names[i], states->learner->save(s, state_at(states, i)));
    return j;
}

int columnwise_load(const struct step *s, void *state, const json_t *j, struct error *e)
{
    struct states *states = state;
    for (size_t i = 0; i < states->count; i++) {
        const json_t *column = json_object_get(j, s->names[i]);
        char quoted[QUOTE_MAX];
        if (!json_is_object(column))
            return error_set(e, ERR_DATA, "no state of column %s",
                             quote(quoted, s->names[i], strlen(s->names[i])));
        int rc = states->learner->load(s, state_at(states, i), column, e);
        if (rc)
            return rc;
    }
    return 0;
}

const void *columnwise_learnt(const struct step *s, size_t index)
{
    return state_at(s->learnt, index);
}

const void *columnwise_mapped(const struct mapping *m)
{
    return columnwise_learnt(m->step, (size_t)(m->columns - m->step->columns));
}

const double *lesson_present(const struct lesson *l, const double *values, size_t *count)
{
    double *present = batch_array(l->batch, l->rows, sizeof *present);
    size_t n = 0;
    for (size_t r = 0; r < l->rows; r++) {
        present[n] = values[r];
        n += isnan(values[r]) ? 0 : 1;
    }
    *count = n;
    return present;
}

json_t *json_of_number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}
