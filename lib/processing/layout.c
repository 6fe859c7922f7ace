/* The layout of the cloud: the folders of an attempt at their places below /opt/ml. */
#include "processing/parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct layout {
    struct sandbox sandbox;
    VEC(struct sandbox_mount) mounts;
    char hostname[32];
};

/* Takes both texts. */
static void add(struct layout *l, const char *outside, const char *inside, bool writable)
{
    vec_push(&l->mounts, ((struct sandbox_mount){outside, inside, writable}));
}

/* A file that could only be placed by a link may lie where the sandbox has something else, as in
 * /tmp: it gets a mount of its own. */
static void add_links(struct layout *l, const struct attempt *a, size_t input)
{
    const struct share *s = share_of(a->p, a->instance, input);
    const char *name = a->p->job.inputs[input].name;
    for (size_t i = 0; i < s->count; i++) {
        char *at = mem_format("%s/input/%s/%s", a->folder, name, s->items[i].as), target[1];
        if (readlink(at, target, sizeof target) >= 0 && unlink(at) == 0)
            add(l, mem_text(s->items[i].path),
                mem_format(CLOUD_FOLDER "/processing/input/%s/%s", name, s->items[i].as), false);
        mem_free(at);
    }
}

/* The folder where the command works is there, too, even below /tmp. */
static void add_here(struct layout *l)
{
    char *here = realpath(".", NULL);
    if (here && strncmp(here, "/tmp/", 5) == 0)
        add(l, mem_text(here), mem_text(here), false);
    free(here);
}

struct sandbox *attempt_sandbox(const struct attempt *a)
{
    const struct processing_job *j = &a->p->job;
    struct layout *l = mem_alloc(sizeof *l);
    add_here(l);
    if (!a->is_plain) {
        add(l, mem_format("%s/config", a->folder), mem_text(CLOUD_FOLDER "/config"), false);
        add(l, mem_format("%s/told", a->folder), mem_text(CLOUD_FOLDER "/output"), true);
    }
    for (size_t i = j->streams; i < j->input_count; i++)
        add(l, mem_format("%s/input/%s", a->folder, j->inputs[i].name),
            mem_format(CLOUD_FOLDER "/processing/input/%s", j->inputs[i].name), false);
    for (size_t i = j->streams; i < j->input_count; i++)
        if (!j->inputs[i].piped)
            add_links(l, a, i);
    for (size_t i = j->streams; i < j->output_count; i++)
        add(l, mem_format("%s/output/%s", a->folder, j->outputs[i].name),
            mem_format(CLOUD_FOLDER "/processing/output/%s", j->outputs[i].name), true);
    (void)snprintf(l->hostname, sizeof l->hostname, "algo-%zu", a->instance + 1);
    l->sandbox = (struct sandbox){.mounts = l->mounts.at,
                                  .mount_count = l->mounts.len,
                                  .hostname = l->hostname,
                                  .network = !j->no_network};
    return &l->sandbox;
}

void attempt_sandbox_free(struct sandbox *s)
{
    struct layout *l = (struct layout *)s;
    if (!l)
        return;
    for (size_t i = 0; i < l->mounts.len; i++) {
        mem_free((char *)(uintptr_t)l->mounts.at[i].outside);
        mem_free((char *)(uintptr_t)l->mounts.at[i].inside);
    }
    vec_release(&l->mounts);
    mem_free(l);
}
