/* ${in} and ${out} in a command: its inputs and outputs, when they are known. */
#include "pipeline/definition.h"

static bool has_list(const char *text)
{
    return text && strpbrk(text, (char[]){LIST_IN, LIST_OUT, 0});
}

/* Names that a program could take for options are given as ./NAME. */
static void put_path(struct buf *b, struct text path, bool quoted)
{
    if (path.at[0] == '-')
        buf_puts(b, "./");
    if (quoted)
        buf_put_word(b, path);
    else
        buf_add(b, path.at, path.len);
}

static void put_list(struct buf *b, const struct pipeline *p, const struct step *s, char which,
                     bool quoted)
{
    const uint32_t *paths = which == LIST_IN ? s->in : s->out;
    uint32_t n = which == LIST_IN ? s->in_count : s->out_count;
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            buf_putc(b, ' ');
        put_path(b, p->paths[paths[i]], quoted);
    }
}

static char *replace(struct definition *d, const struct step *s, const char *text, bool quoted)
{
    struct buf *b = &d->text;
    b->len = 0;
    for (; *text; text++)
        if (*text == LIST_IN || *text == LIST_OUT)
            put_list(b, d->p, s, *text, quoted);
        else
            buf_putc(b, *text);
    return arena_text(&d->p->arena, buf_text(b), b->len);
}

/* A word that is nothing but a list is as many words as that has. */
static void replace_words(struct definition *d, struct step *s)
{
    VEC(char *) words = {0};
    for (char **at = s->argv; *at; at++) {
        bool whole = ((*at)[0] == LIST_IN || (*at)[0] == LIST_OUT) && !(*at)[1];
        const uint32_t *paths = **at == LIST_IN ? s->in : s->out;
        uint32_t n = !whole ? 0 : **at == LIST_IN ? s->in_count : s->out_count;
        for (uint32_t i = 0; i < n; i++) {
            d->text.len = 0;
            put_path(&d->text, d->p->paths[paths[i]], false);
            vec_push(&words, arena_text(&d->p->arena, buf_text(&d->text), d->text.len));
        }
        if (!whole)
            vec_push(&words, has_list(*at) ? replace(d, s, *at, false) : *at);
    }
    vec_push(&words, NULL);
    s->argv = arena_copy(&d->p->arena, words.at, words.len * sizeof *words.at);
    vec_release(&words);
}

void definition_lists(struct definition *d)
{
    for (size_t i = 0; d->has_lists && i < d->p->step_count; i++) {
        struct step *s = &d->p->steps[i];
        if (has_list(s->script))
            s->script = replace(d, s, s->script, true);
        if (s->argv)
            replace_words(d, s);
    }
}
