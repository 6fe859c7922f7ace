#include "job/slurm_ask.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000, KEPT = 4096, ANSWER_LIMIT = 1 << 30 };

/* ---- a command to its end ---- */

/* Its last line, as that of sbatch says why. */
static const char *last_line(struct buf *b)
{
    while (b->len && b->at[b->len - 1] == '\n')
        b->len--;
    const char *text = buf_text(b), *newline = strrchr(text, '\n');
    return newline ? newline + 1 : text;
}

int slurm_run(const char *const *argv, struct buf *out, struct error *e)
{
    struct buf complaint = {0};
    struct error why = {0};
    int code = 0;
    struct process p = {.argv = (char *const *)(uintptr_t)argv,
                        .out = out,
                        .err = &complaint,
                        .limit = KEPT,
                        .timeout_ms = PATIENCE_MS};
    int status = process_run(&p, &code, &why);
    if (status)
        status = error_set(e, ERR_BUSY, "no Slurm cluster answers: %s", why.message);
    else if (code && slurm_is_silent(buf_text(&complaint)))
        status = error_set(e, ERR_BUSY, "no Slurm cluster answers: %s", last_line(&complaint));
    else if (code && slurm_knows_none(buf_text(&complaint)))
        status = error_set(e, ERR_NO, "%s", last_line(&complaint));
    else if (code)
        status =
            error_set(e, ERR_SYSTEM, "%s: %s", argv[0],
                      complaint.len ? last_line(&complaint) : "it failed, and does not say why");
    buf_release(&complaint);
    return status;
}

/* ---- squeue beside all else ---- */

struct asker {
    struct children *children;
    char *name;
    enum queue_form form;
    int file; /* for its answer: what it complains of comes as events */
    bool asks, late;
    usec limit, since;
    struct buf complaint;
};

struct asker *asker_new(struct children *c, const char *name, usec limit, struct error *e)
{
    const usec longest = (usec)PATIENCE_MS * 1000;
    int file = scratch_open(e);
    if (file < 0)
        return NULL;
    struct asker *a = mem_alloc(sizeof *a);
    *a = (struct asker){.children = c,
                        .name = mem_text(name),
                        .file = file,
                        .limit = limit < longest ? limit : longest};
    return a;
}

void asker_free(struct asker *a)
{
    if (!a)
        return;
    close(a->file);
    buf_release(&a->complaint);
    mem_free(a->name);
    mem_free(a);
}

bool asker_asks(const struct asker *a)
{
    return a->asks;
}

void asker_begin(struct asker *a, usec now)
{
    const char *argv[QUEUE_WORDS];
    pid_t number;
    queue_command(a->form, a->name, argv);
    a->complaint.len = 0;
    a->late = false;
    a->since = now;
    if (ftruncate(a->file, 0) != 0 || lseek(a->file, 0, SEEK_SET) != 0)
        return;
    struct child child = {
        .argv = (char *const *)(uintptr_t)argv, .in = -1, .out = a->file, .tag = a};
    a->asks = children_start(a->children, &child, &number, NULL) == 0;
}

void asker_end_if_late(struct asker *a, usec now)
{
    if (!a->asks || a->late || now - a->since < a->limit)
        return;
    a->late = true;
    children_signal(a->children, a, SIGKILL);
}

static bool load_answer(const struct asker *a, struct buf *out)
{
    struct stat is;
    if (fstat(a->file, &is) != 0 || is.st_size > ANSWER_LIMIT)
        return false;
    buf_reserve(out, (size_t)is.st_size);
    ssize_t n = file_read_at(a->file, out->at, (size_t)is.st_size, 0, "squeue", NULL);
    out->len = n > 0 ? (size_t)n : 0;
    return n >= 0;
}

/* 1, or 0 when this form is not understood, by squeue or by us: then the next one is tried. */
static int read_answer(struct asker *a, struct queue *out, struct error *e)
{
    struct buf answer = {0};
    int status = 0;
    if (load_answer(a, &answer))
        status = queue_read(a->form, a->name, (struct text){answer.at, answer.len}, out, e) == 0;
    buf_release(&answer);
    return status;
}

int asker_hear(struct asker *a, const struct child_event *event, struct queue *out, struct error *e)
{
    int got = 0;
    if (event->kind == CHILD_WROTE) {
        if (a->complaint.len < KEPT)
            buf_add(&a->complaint, event->output.at, event->output.len);
        return 0;
    }
    if (event->kind != CHILD_ENDED)
        return 0;
    a->asks = false;
    if (a->late)
        return error_set(e, ERR_BUSY, "no Slurm cluster answers: squeue took too long");
    if (event->status && slurm_is_silent(buf_text(&a->complaint)))
        return error_set(e, ERR_BUSY, "no Slurm cluster answers: %s", last_line(&a->complaint));
    if (event->status && slurm_knows_none(buf_text(&a->complaint))) {
        out->pilots.len = 0;
        return 1;
    }
    if (event->status == 0)
        got = read_answer(a, out, e);
    if (got == 0 && a->form + 1 < QUEUE_FORMS)
        a->form++;
    return got;
}
