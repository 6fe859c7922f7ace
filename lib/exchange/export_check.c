/* What a format cannot say of a definition, which is an error, and what it loses, which is a
 * warning.
 */
#include "exchange/export.h"

#include <stdlib.h>

int export_error(const struct exporting *x, const struct step *s, const char *format, ...)
{
    struct buf message = {0};
    va_list args;
    va_start(args, format);
    buf_vformat(&message, format, args);
    va_end(args);
    error_set(x->e, ERR_DATA, "step %s: %s", s->name, buf_text(&message));
    buf_release(&message);
    return error_at(x->e, x->p->path, s->entry->line, s->entry->column);
}

/* Each once. */
static void add_warning(struct exporting *x, struct buf *line)
{
    bool is_new = false;
    buf_putc(line, '\n');
    map_put(&x->warned, (struct text){line->at, line->len}, &is_new);
    if (is_new && x->warnings)
        buf_add(x->warnings, line->at, line->len);
}

void export_warn(struct exporting *x, const struct step *s, const char *format, ...)
{
    struct buf line = {0};
    va_list args;
    buf_format(&line, "%s:%u:%u: step %s: ", x->p->path, (unsigned)s->entry->line,
               (unsigned)s->entry->column, s->entry->name);
    va_start(args, format);
    buf_vformat(&line, format, args);
    va_end(args);
    add_warning(x, &line);
    buf_release(&line);
}

void export_warn_of_all(struct exporting *x, const char *format, ...)
{
    struct buf line = {0};
    va_list args;
    buf_format(&line, "%s: ", x->p->path);
    va_start(args, format);
    buf_vformat(&line, format, args);
    va_end(args);
    add_warning(x, &line);
    buf_release(&line);
}

/* ---- what cannot be said ---- */

/* Marks are those of parameters, each as pipeline_parse_kept writes it. */
static bool has_other_marks(const struct exporting *x, struct text text)
{
    const char *at = text.at, *end = at + text.len;
    while (text.len && (at = memchr(at, PARAMETER_MARK, (size_t)(end - at)))) {
        char *behind;
        unsigned long number = strtoul(at + 1, &behind, 10);
        if (x->decided || behind == at + 1 || *behind != PARAMETER_END ||
            number >= x->p->parameter_count)
            return true;
        at = behind;
    }
    return false;
}

static int check_text(struct exporting *x, const struct step *s, struct text text)
{
    char quoted[QUOTE_MAX];
    if (has_other_marks(x, text))
        return export_error(x, s, "a text with the control character %d", PARAMETER_MARK);
    if (!x->to->unicode || text.len == 0 || utf8_valid_prefix(text.at, text.len) == text.len)
        return 0;
    return export_error(x, s, "%s has no way to write what is not UTF-8: %s", x->to->about.name,
                        quote(quoted, text.at, text.len));
}

static int check_list(struct exporting *x, const struct step *s, char *const *list)
{
    int status = 0;
    for (; list && *list && status == 0; list++)
        status = check_text(x, s, text_of(*list));
    return status;
}

static int check_paths(struct exporting *x, const struct step *s, const uint32_t *paths,
                       uint32_t count)
{
    int status = 0;
    for (uint32_t k = 0; k < count && status == 0; k++)
        status = check_text(x, s, x->p->paths[paths[k]]);
    return status;
}

static int check_texts(struct exporting *x, const struct step *s)
{
    const char *const texts[] = {s->script, s->message, s->entry->directory};
    int status = check_list(x, s, s->argv);
    for (size_t i = 0; i < COUNT_OF(texts) && status == 0; i++)
        status = texts[i] ? check_text(x, s, text_of(texts[i])) : 0;
    if (status == 0)
        status = check_list(x, s, s->environment);
    if (status == 0)
        status = check_paths(x, s, s->in, s->in_count);
    if (status == 0)
        status = check_list(x, s, (char *const *)(uintptr_t)s->entry->may);
    return status ? status : check_paths(x, s, s->out, s->out_count);
}

/* Commands and failures all formats have. */
static int check_step(struct exporting *x, const struct step *s)
{
    enum step_kind kind = s->entry->kind;
    bool has =
        kind == STEP_RUN ? s->script || s->argv : kind == STEP_FAIL || (x->to->kinds >> kind & 1);
    if (has && !s->requires)
        return check_texts(x, s);
    return export_error(x, s, "%s has no way to say what it does", x->to->about.name);
}

static int check_parameter(const struct exporting *x, const struct parameter *p)
{
    struct text v = p->value;
    if (v.len && memchr(v.at, PARAMETER_MARK, v.len))
        return error_set(x->e, ERR_DATA, "parameter %s: a text with the control character %d",
                         p->name, PARAMETER_MARK);
    if (!x->to->unicode || v.len == 0 || utf8_valid_prefix(v.at, v.len) == v.len)
        return 0;
    return error_set(x->e, ERR_DATA, "parameter %s: %s has no way to write what is not UTF-8",
                     p->name, x->to->about.name);
}

/* ---- what is lost ---- */

static void warn_of(struct exporting *x, const struct step *s, bool is_said, unsigned holds,
                    const char *key)
{
    if (is_said && !(x->to->holds & holds))
        export_warn(x, s, "%s has no place in %s", key, x->to->about.name);
}

/* Of what all steps of an entry have in common. */
static void warn_of_entry(struct exporting *x, const struct step *s)
{
    const struct step_entry *t = s->entry;
    warn_of(x, s, t->priority != 0, HOLDS_PRIORITY, "priority");
    warn_of(x, s, t->passed != NULL, 0, "pass");
    warn_of(x, s, t->tools != NULL, 0, "tools");
    warn_of(x, s, !t->cache, HOLDS_ALWAYS, "cache: false");
    warn_of(x, s, t->cache && t->cache_lasts, HOLDS_CACHE, "a duration of cache");
    warn_of(x, s, t->cpus > 1, HOLDS_CPUS, "resources: cpus");
    warn_of(x, s, t->gpus > 0, HOLDS_GPUS, "resources: gpus");
    warn_of(x, s, t->limits.memory > 0, HOLDS_MEMORY, "resources: memory");
    warn_of(x, s, t->limits.processes > 0, 0, "resources: processes");
    warn_of(x, s, s->metrics_file != NULL, 0, "metrics");
}

static void warn_of_all(struct exporting *x)
{
    const struct step_entry *before = NULL;
    for (size_t i = 0; i < x->p->step_count; i++) {
        if (x->p->steps[i].entry != before)
            warn_of_entry(x, &x->p->steps[i]);
        before = x->p->steps[i].entry;
    }
    if (x->p->notification_count)
        export_warn_of_all(x, "notify has no place in %s", x->to->about.name);
}

int export_check(struct exporting *x)
{
    int status = 0;
    for (size_t i = 0; i < x->p->parameter_count && status == 0; i++)
        status = check_parameter(x, &x->p->parameters[i]);
    for (size_t i = 0; i < x->p->step_count && status == 0; i++)
        status = check_step(x, &x->p->steps[i]);
    if (status == 0)
        warn_of_all(x);
    return status;
}
