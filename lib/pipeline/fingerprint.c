/*
 * The fingerprint of a step: SHA-256 of all that what it makes depends on, each part with its
 * length before it, so that no two lists of parts are one text. Names of steps, times and this
 * machine's folders are not in it.
 */
#include "pipeline/running.h"

#include <stdlib.h>
#include <unistd.h>

static const char grammar[] = "mlutils pipe 1";

static void add(struct sha256 *s, struct text part)
{
    uint8_t length[8];
    for (int i = 0; i < 8; i++)
        length[i] = (uint8_t)((uint64_t)part.len >> 8 * i);
    sha256_add(s, (struct text){(const char *)length, sizeof length});
    sha256_add(s, part);
}

static void add_word(struct sha256 *s, const char *word)
{
    add(s, text_of(word ? word : ""));
}

static void add_digest(struct sha256 *s, const struct digest *d)
{
    add(s, (struct text){(const char *)d->at, SHA256_SIZE});
}

static void add_command(struct sha256 *s, const struct step *step)
{
    add_word(s, step->script ? "script" : "program");
    add_word(s, step->script);
    for (char **at = step->argv; at && *at; at++)
        add_word(s, *at);
    add_word(s, "directory");
    add_word(s, step->entry->directory);
}

static void add_environment(struct sha256 *s, const struct step *step)
{
    add_word(s, "environment");
    for (char **at = step->environment; *at; at++)
        add_word(s, *at);
    for (const char **at = step->entry->passed; at && *at; at++) {
        const char *value = getenv(*at);
        add_word(s, *at);
        add_word(s, value ? "set" : "unset");
        add_word(s, value);
    }
}

/* ---- programs ---- */

/* Zeros for one that is not there. */
static struct digest tool_digest(struct run *r, const char *name)
{
    struct file_state state = {0};
    char *path = program_path(name);
    if (path)
        (void)digests_look(r->digests, path, true, &state, NULL);
    mem_free(path);
    return state.digest;
}

static void add_files(struct run *r, struct sha256 *s, const struct step *step)
{
    add_word(s, "tools");
    for (const char **at = step->entry->tools; at && *at; at++) {
        add_word(s, *at);
        struct digest digest = tool_digest(r, *at);
        add_digest(s, &digest);
    }
    add_word(s, "in");
    for (uint32_t k = 0; k < step->in_count; k++) {
        add(s, r->p->paths[step->in[k]]);
        add_digest(s, &r->files[step->in[k]].digest);
    }
    add_word(s, "out");
    for (uint32_t k = 0; k < step->out_count; k++)
        add(s, r->p->paths[step->out[k]]);
}

/* What was answered counts for the step that asked, and for what was there then: its inputs, and
 * all that the steps before it made. */
static void add_question(const struct run *r, struct sha256 *s, const struct step *step)
{
    const char **may = step->entry->may;
    add_word(s, step->entry->kind == STEP_APPROVE ? "approve" : "callback");
    add_word(s, r->p->name);
    add_word(s, step->name);
    add_word(s, may ? "by" : "by anybody");
    for (; may && *may; may++)
        add_word(s, *may);
    for (uint32_t k = 0; k < step->wait_count; k++) {
        const struct step *before = &r->p->steps[step->waits_for[k]];
        add_word(s, "behind");
        for (uint32_t i = 0; i < before->out_count; i++)
            add_digest(s, &r->files[before->out[i]].digest);
        if (before->out_count == 0)
            add_digest(s, &r->fingerprint[step->waits_for[k]]);
    }
}

void fingerprint_of(struct run *r, uint32_t step, struct digest *out)
{
    const struct step *s = &r->p->steps[step];
    struct sha256 sum;
    sha256_start(&sum);
    add_word(&sum, grammar);
    add_command(&sum, s);
    add_environment(&sum, s);
    add_files(r, &sum, s);
    if (s->entry->kind == STEP_APPROVE || s->entry->kind == STEP_CALLBACK)
        add_question(r, &sum, s);
    sha256_end(&sum, out->at);
}
