/* A command with its files as the lines of a step. */
#include "exchange/import_job.h"
#include "exchange/yaml.h"

void sm_job_release(struct sm_job *j)
{
    for (size_t i = 0; i < j->words.len; i++)
        vec_release(&j->words.at[i].parts);
    vec_release(&j->words);
    vec_release(&j->in);
    vec_release(&j->out);
    vec_release(&j->folders);
    vec_release(&j->bindings);
    vec_release(&j->variables);
}

/* ---- variables ---- */

static bool is_variable(struct text name)
{
    return import_is_name(name) && !memchr(name.at, '-', name.len) &&
           !(name.at[0] >= '0' && name.at[0] <= '9');
}

int sm_job_add_variable(struct sm *m, struct sm_job *j, const struct doc_node *place,
                        struct text name, struct text value)
{
    char quoted[QUOTE_MAX];
    if (!is_variable(name))
        return doc_error(m->x->doc, place, m->x->e, "%s is no name of a variable",
                         quote(quoted, name.at, name.len));
    for (size_t i = 0; i < j->variables.len; i++)
        if (text_equal(j->variables.at[i].name, name))
            return doc_error(m->x->doc, place, m->x->e, "the variable %s is set twice",
                             quote(quoted, name.at, name.len));
    vec_push(&j->variables, ((struct sm_variable){name, value}));
    return 0;
}

int sm_job_add_arguments(struct sm *m, const struct sm_step *s, struct sm_job *j)
{
    struct buf json = {0};
    int status = 0;
    if (s->arguments)
        status = sm_json(m, s->arguments, &json);
    else
        buf_puts(&json, "{}");
    if (status == 0)
        status =
            sm_job_add_variable(m, j, s->node, text_of("ML_ARGUMENTS"), import_keep(m->x, &json));
    buf_release(&json);
    return status;
}

/* ---- container paths in words ---- */

static bool ends_name(char c)
{
    return !c || strchr("/ \t\n'\":;,=)|&<>", c);
}

static struct text base_of(struct text path)
{
    size_t n = path.len;
    while (n > 0 && path.at[n - 1] != '/')
        n--;
    return (struct text){path.at + n, path.len - n};
}

/* The longest path of a container that stands here; NULL. */
static const struct sm_binding *binding_at(const struct sm_job *j, const char *at, const char *end)
{
    const struct sm_binding *best = NULL;
    for (size_t i = 0; i < j->bindings.len; i++) {
        const struct sm_binding *b = &j->bindings.at[i];
        size_t n = b->local.len;
        if ((size_t)(end - at) >= n && memcmp(at, b->local.at, n) == 0 && ends_name(at[n]) &&
            (!best || best->local.len < n))
            best = b;
    }
    return best;
}

/* A file that was taken as an input stands in the folder by its own name. */
static size_t skip_own_name(const struct sm_binding *b, const char *at, const char *end)
{
    struct text base = base_of(b->path);
    size_t n = base.len + 1;
    bool same = base.len && (size_t)(end - at) >= n && *at == '/' &&
                memcmp(at + 1, base.at, base.len) == 0 && ends_name(at[n]) && at[n] != '/';
    return same ? n : 0;
}

static struct text local_text(struct sm *m, const struct sm_job *j, struct text text)
{
    const char *at = text.at, *end = at + text.len;
    struct buf out = {0};
    while (at < end) {
        const struct sm_binding *b = *at == '/' ? binding_at(j, at, end) : NULL;
        if (!b) {
            buf_putc(&out, *at++);
            continue;
        }
        at += b->local.len;
        at += skip_own_name(b, at, end);
        buf_add(&out, b->path.at, b->path.len);
    }
    struct text result = import_keep(m->x, &out);
    buf_release(&out);
    return result;
}

static void make_local(struct sm *m, struct sm_job *j)
{
    for (size_t i = 0; i < j->words.len; i++)
        for (size_t k = 0; k < j->words.at[i].parts.len; k++) {
            struct sm_part *part = &j->words.at[i].parts.at[k];
            if (!part->filter.at) {
                part->text = local_text(m, j, part->text);
                continue;
            }
            j->reads = true;
            import_add_once(&j->in, part->text);
        }
    for (size_t i = 0; i < j->variables.len; i++)
        j->variables.at[i].value = local_text(m, j, j->variables.at[i].value);
}

/* ---- run ---- */

static struct text whole_word(struct sm *m, const struct sm_word *w)
{
    struct buf b = {0};
    for (size_t i = 0; i < w->parts.len; i++)
        buf_add(&b, w->parts.at[i].text.at, w->parts.at[i].text.len);
    struct text out = import_keep(m->x, &b);
    buf_release(&b);
    return out;
}

static bool is_shell(struct text word)
{
    return text_equal(word, text_of("/bin/sh")) || text_equal(word, text_of("sh"));
}

static void put_plain(struct sm *m, const struct sm_job *j)
{
    text_list words = {0};
    for (size_t i = 0; i < j->words.len; i++)
        vec_push(&words, whole_word(m, &j->words.at[i]));
    if (words.len == 3 && is_shell(words.at[0]) && text_equal(words.at[1], text_of("-c"))) {
        buf_puts(m->x->out, "    run:");
        yaml_put_value(m->x->out, words.at[2], 6);
    } else {
        import_put_list(m->x, "run", &words, 4);
    }
    vec_release(&words);
}

/* A script and the texts that it has as $1, $2 ...: they need no quotes then. */
struct wrapping {
    struct buf script;
    text_list arguments;
};

static void put_argument(struct wrapping *w, struct text text)
{
    vec_push(&w->arguments, text);
    buf_format(&w->script, "\"$${%zu}\"", w->arguments.len);
}

static void wrap_folders(struct wrapping *w, const struct sm_job *j)
{
    if (j->folders.len)
        buf_puts(&w->script, "mkdir -p --");
    for (size_t i = 0; i < j->folders.len; i++) {
        buf_putc(&w->script, ' ');
        put_argument(w, j->folders.at[i]);
    }
    if (j->folders.len)
        buf_puts(&w->script, " && ");
}

static void wrap_readings(struct wrapping *w, const struct sm_job *j)
{
    unsigned number = 0;
    for (size_t i = 0; i < j->words.len; i++)
        for (size_t k = 0; k < j->words.at[i].parts.len; k++) {
            const struct sm_part *part = &j->words.at[i].parts.at[k];
            if (!part->filter.at)
                continue;
            buf_format(&w->script, "v%u=$(jq -r ", ++number);
            put_argument(w, part->filter);
            buf_putc(&w->script, ' ');
            put_argument(w, part->text);
            buf_puts(&w->script, ") && ");
        }
}

static void wrap_words(struct wrapping *w, const struct sm_job *j)
{
    unsigned number = 0;
    buf_puts(&w->script, "exec");
    for (size_t i = 0; i < j->words.len; i++) {
        buf_puts(&w->script, j->words.at[i].parts.len ? " " : " ''");
        for (size_t k = 0; k < j->words.at[i].parts.len; k++)
            if (j->words.at[i].parts.at[k].filter.at)
                buf_format(&w->script, "\"$v%u\"", ++number);
            else
                put_argument(w, j->words.at[i].parts.at[k].text);
    }
}

int sm_job_command(struct sm *m, const struct sm_step *s, const char **name)
{
    char *command = arena_format(&m->x->arena, "command-%.*s", (int)s->name.len, s->name.at);
    if (!import_is_name(text_of(command)))
        return doc_error(m->x->doc, s->node, m->x->e,
                         "the name is too long for a parameter of its command, %s", command);
    if (sm_parameter(m, text_of(command)))
        return doc_error(m->x->doc, s->node, m->x->e, "there is a parameter %s already", command);
    vec_push(&m->commands, text_of(command));
    *name = command;
    return 0;
}

static void put_wrapped(struct sm *m, struct wrapping *w)
{
    text_list words = {0};
    vec_push(&words, text_of("/bin/sh"));
    vec_push(&words, text_of("-c"));
    vec_push(&words, import_keep(m->x, &w->script));
    vec_push(&words, text_of("sh"));
    for (size_t i = 0; i < w->arguments.len; i++)
        vec_push(&words, w->arguments.at[i]);
    import_put_list(m->x, "run", &words, 4);
    vec_release(&words);
}

static int put_run(struct sm *m, const struct sm_step *s, struct sm_job *j)
{
    struct wrapping w = {0};
    const char *command = NULL;
    int status = 0;
    if (j->words.len && j->folders.len == 0 && !j->reads) {
        put_plain(m, j);
        return 0;
    }
    if (j->reads)
        buf_puts(m->x->out, "    # jq(1) reads what other steps made\n");
    wrap_folders(&w, j);
    wrap_readings(&w, j);
    if (j->result != RESULT_NONE)
        buf_puts(&w.script, "printf '%s\\n' \"$ML_ARGUMENTS\"");
    if (j->result == RESULT_OF_COMMAND)
        buf_puts(&w.script, " | ");
    if (j->words.len)
        wrap_words(&w, j);
    else if (j->result != RESULT_IS_ARGUMENTS)
        status = sm_job_command(m, s, &command);
    if (command)
        buf_format(&w.script, "${%s}", command);
    if (j->result != RESULT_NONE) {
        buf_puts(&w.script, " >");
        put_argument(&w, j->out.at[0]);
    }
    put_wrapped(m, &w);
    buf_release(&w.script);
    vec_release(&w.arguments);
    return status;
}

/* ---- all lines ---- */

void sm_job_put_variables(struct sm *m, const struct sm_job *j)
{
    if (j->variables.len)
        buf_puts(m->x->out, "    env:\n");
    for (size_t i = 0; i < j->variables.len; i++) {
        buf_puts(m->x->out, "      ");
        yaml_put_text(m->x->out, j->variables.at[i].name);
        buf_putc(m->x->out, ':');
        yaml_put_value(m->x->out, j->variables.at[i].value, 8);
    }
}

int sm_job_put(struct sm *m, const struct sm_step *s, struct sm_job *j)
{
    make_local(m, j);
    int status = put_run(m, s, j);
    import_put_list(m->x, "in", &j->in, 4);
    import_put_list(m->x, "out", &j->out, 4);
    sm_job_put_variables(m, j);
    return status;
}
