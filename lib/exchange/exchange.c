/* The formats there are, and what all exports begin with. */
#include "cli/cli.h"
#include "exchange/export.h"
#include "exchange/import.h"

#include <stdio.h>
#include <stdlib.h>

static const struct exporter *const exporters[] = {
    &export_make,    &export_ninja,        &export_slurm,     &export_sagemaker, &export_asl,
    &export_jenkins, &export_codepipeline, &export_buildspec, &export_airflow,
};
static const struct importer *const importers[] = {&import_sagemaker, &import_dvc};

enum { FORMATS = COUNT_OF(exporters), NAME_MAX_LENGTH = 64, LONGEST = 256 << 20 };

const struct exchange_format *exchange_exports(size_t *count, size_t i)
{
    *count = FORMATS;
    return i < FORMATS ? &exporters[i]->about : NULL;
}

const struct exchange_format *exchange_imports(size_t *count, size_t i)
{
    *count = COUNT_OF(importers);
    return i < COUNT_OF(importers) ? &importers[i]->about : NULL;
}

static int no_format(const char *format, const struct exchange_format *(*at)(size_t *, size_t),
                     struct error *e)
{
    char quoted[QUOTE_MAX];
    const char *names[FORMATS];
    struct buf list = {0};
    size_t count = 0;
    (void)at(&count, 0);
    for (size_t i = 0; i < count; i++) {
        names[i] = at(&count, i)->name;
        buf_format(&list, "%s%s", i ? ", " : "", names[i]);
    }
    const char *near = cli_nearest(format, names, count);
    quote(quoted, format, strlen(format));
    int status =
        near ? error_set(e, ERR_USAGE, "no format %s: is it '%s'?", quoted, near)
             : error_set(e, ERR_USAGE, "no format %s: there are %s", quoted, buf_text(&list));
    buf_release(&list);
    return status;
}

/* ---- names ---- */

static bool stands_in_names(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

/* Other characters become one hyphen, none at the end. */
static size_t plain_name(char out[static NAME_MAX_LENGTH], const char *name)
{
    size_t n = 0;
    for (; *name && n < NAME_MAX_LENGTH; name++)
        if (stands_in_names(*name))
            out[n++] = *name;
        else if (n > 0 && out[n - 1] != '-')
            out[n++] = '-';
    while (n > 1 && out[n - 1] == '-')
        n--;
    return n;
}

static bool is_path(struct exporting *x, struct text name)
{
    for (size_t i = x->paths.keys.len; i < x->p->path_count; i++)
        map_put(&x->paths, x->p->paths[i], NULL);
    return map_get(&x->paths, name) != MAP_NONE;
}

/* Appends "-2"; what is before it is cut so that the name is not too long. */
static size_t add_number(char name[static NAME_MAX_LENGTH + 1], size_t n, unsigned number)
{
    char ending[16];
    size_t length = (size_t)snprintf(ending, sizeof ending, "-%u", number);
    n = n + length > NAME_MAX_LENGTH ? NAME_MAX_LENGTH - length : n;
    memcpy(name + n, ending, length);
    return n + length;
}

static char *new_name(struct exporting *x, const char *wanted, bool beside_paths)
{
    char name[NAME_MAX_LENGTH + 1];
    size_t n = plain_name(name, wanted), length = n;
    bool is_new = false;
    size_t number = map_put(&x->wanted, (struct text){name, n}, &is_new);
    if (is_new)
        vec_push(&x->next, 1);
    for (is_new = false; !is_new;) {
        unsigned next = x->next.at[number]++;
        length = next == 1 ? n : add_number(name, n, next);
        if (!(beside_paths && is_path(x, (struct text){name, length})))
            map_put(&x->taken, (struct text){name, length}, &is_new);
    }
    return arena_text(&x->arena, name, length);
}

const char *export_new_name(struct exporting *x, const char *wanted)
{
    return new_name(x, wanted, true);
}

char *export_beside_paths(struct exporting *x, char *name)
{
    return is_path(x, text_of(name)) ? new_name(x, name, true) : name;
}

char **export_phony_names(struct exporting *x)
{
    char **names = arena_zero(&x->arena, (x->p->step_count + 1) * sizeof *names);
    for (size_t i = 0; i < x->p->step_count; i++)
        if (x->p->steps[i].out_count == 0)
            names[i] = export_beside_paths(x, x->names[i]);
    return names;
}

/* ---- who waits for whom ---- */

enum export_wait export_wait_of(const struct pipeline *p, const struct step *s, uint32_t maker)
{
    bool moving = false;
    for (uint32_t k = 0; k < s->in_count; k++) {
        if (p->maker[s->in[k]] == maker)
            return WAIT_BY_NAME;
        moving = moving || p->moving[s->in[k]];
    }
    return moving && p->steps[maker].out_count ? WAIT_BY_FOLDER : WAIT_IN_ORDER;
}

/* ---- levels ---- */

#define NO_LEVEL (STEP_NONE - 1)

/* Returns how many there are. */
static uint32_t find_levels(const struct exporting *x, uint32_t *level)
{
    uint32_t count = 0;
    for (size_t i = 0; i < x->p->step_count; i++) {
        uint32_t at = x->p->order[i];
        const struct step *s = &x->p->steps[at];
        for (uint32_t k = 0; k < s->wait_count; k++)
            if (level[s->waits_for[k]] >= level[at])
                level[at] = level[s->waits_for[k]] + 1;
        if (x->skipped[at])
            level[at] = NO_LEVEL;
        else if (level[at] >= count)
            count = level[at] + 1;
    }
    return count;
}

/* Counts into from[level + 2], adds up, then fills: from[level + 1] moves to where it ends. */
struct levels export_levels(struct exporting *x)
{
    size_t n = x->p->step_count;
    uint32_t *level = arena_zero(&x->arena, (n + 1) * sizeof *level);
    uint32_t count = find_levels(x, level);
    uint32_t *from = arena_zero(&x->arena, (count + 3) * sizeof *from);
    uint32_t *steps = arena_zero(&x->arena, (n + 1) * sizeof *steps);
    for (size_t i = 0; i < n; i++)
        if (level[i] != NO_LEVEL)
            from[level[i] + 2]++;
    for (uint32_t i = 2; i < count + 2; i++)
        from[i] += from[i - 1];
    for (uint32_t i = 0; i < n; i++)
        if (level[i] != NO_LEVEL)
            steps[from[level[i] + 1]++] = i;
    return (struct levels){count, steps, from};
}

/* ---- the rest ---- */

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

json_t *json_text(const char *text)
{
    return json_string(text);
}

static bool reads_back(double f, int digits)
{
    double back = 0;
    int64_t i;
    char *text = mem_format("%.*g", digits, f);
    bool same = number_parse(text, strlen(text), &i, &back) != NUMBER_NONE && back == f;
    mem_free(text);
    return same;
}

/* Raises *digits to what all numbers of the tree need to read back as they are. */
static void need_digits(json_t *tree, int *digits)
{
    while (json_is_real(tree) && *digits < 17 && !reads_back(json_real_value(tree), *digits))
        ++*digits;
    for (size_t i = 0; i < json_array_size(tree); i++)
        need_digits(json_array_get(tree, i), digits);
    for (void *at = json_object_iter(tree); at; at = json_object_iter_next(tree, at))
        need_digits(json_object_iter_value(at), digits);
}

void export_put_json(struct exporting *x, json_t *tree)
{
    int digits = 15;
    need_digits(tree, &digits);
    char *text = json_dumps(tree, JSON_INDENT(2) | JSON_REAL_PRECISION((size_t)digits));
    buf_puts(x->out, text);
    buf_putc(x->out, '\n');
    free(text);
    json_decref(tree);
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
    return status ? status : check_paths(x, s, s->out, s->out_count);
}

/* Commands and failures: no format has a word for other kinds of steps. */
static int check_step(struct exporting *x, const struct step *s)
{
    bool runs = s->entry->kind == STEP_RUN && (s->script || s->argv);
    if ((runs && !s->requires) || s->entry->kind == STEP_FAIL)
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

/* ---- the whole ---- */

static void release(struct exporting *x)
{
    for (size_t i = 0; i < x->conditions.len; i++)
        json_decref(x->conditions.at[i].choice);
    vec_release(&x->conditions);
    mem_free(x->names);
    mem_free(x->skipped);
    map_release(&x->taken);
    map_release(&x->warned);
    map_release(&x->wanted);
    map_release(&x->paths);
    vec_release(&x->next);
    arena_release(&x->arena);
}

static int put(struct exporting *x, struct pipeline *p)
{
    size_t n = p->step_count;
    int status = 0;
    x->names = mem_alloc((n + 1) * sizeof *x->names);
    x->skipped = mem_alloc(n + 1);
    for (size_t i = 0; i < n; i++)
        x->names[i] = new_name(x, p->steps[i].name, false);
    for (size_t i = 0; i < p->parameter_count && status == 0; i++)
        status = check_parameter(x, &p->parameters[i]);
    for (size_t i = 0; i < n && status == 0; i++)
        status = check_step(x, &p->steps[i]);
    if (status)
        return status;
    warn_of_all(x);
    status = export_settle(x, p);
    return status ? status : x->to->put(x);
}

static const struct exporter *find_exporter(const char *format, struct error *e)
{
    for (size_t i = 0; i < FORMATS; i++)
        if (strcmp(exporters[i]->about.name, format) == 0)
            return exporters[i];
    no_format(format, exchange_exports, e);
    return NULL;
}

/* Whether the same steps wait for the same, whatever parameters are worth. */
static bool same_order(const struct pipeline *a, const struct pipeline *b)
{
    bool same = a->step_count == b->step_count;
    for (size_t i = 0; i < a->step_count && same; i++) {
        const struct step *x = &a->steps[i], *y = &b->steps[i];
        same = x->wait_count == y->wait_count;
        for (uint32_t k = 0; k < x->wait_count && same; k++)
            same = x->waits_for[k] == y->waits_for[k];
    }
    return same;
}

/* The pipeline with the names of its parameters, where that says the same as with their values. */
static int load_best(struct exporting *x, const char *path, struct text source,
                     const char *const *given, size_t given_count, struct pipeline **out)
{
    struct pipeline *kept = NULL, *decided = NULL;
    struct error second = {0};
    int status = pipeline_parse_kept(path, source, given, given_count, &kept, x->e);
    *out = kept;
    if (status == 0 && kept->parameter_count == 0)
        return 0;
    int other = pipeline_parse(path, source, given, given_count, &decided, &second);
    if (other == 0 && (status || !same_order(kept, decided))) {
        x->decided = true;
        x->p = *out = decided;
        export_warn_of_all(x, "parameters have their values of now, conditions are decided: %s",
                           status ? x->e->message
                                  : "which steps wait for others goes by parameters in paths");
        pipeline_free(kept);
        *x->e = (struct error){0};
        return 0;
    }
    pipeline_free(decided);
    return status;
}

int exchange_export_text(const char *format, const char *path, struct text source,
                         const char *const *given, size_t given_count, struct buf *out,
                         struct buf *warnings, struct error *e)
{
    struct exporting x = {.to = find_exporter(format, e), .out = out, .warnings = warnings, .e = e};
    struct pipeline *p = NULL;
    if (!x.to)
        return ERR_USAGE;
    int status = load_best(&x, path, source, given, given_count, &p);
    x.p = p;
    if (status == 0)
        status = put(&x, p);
    release(&x);
    pipeline_free(p);
    return status;
}

int exchange_export(const char *format, const char *path, const char *const *given,
                    size_t given_count, struct buf *out, struct buf *warnings, struct error *e)
{
    struct buf source = {0};
    int status = find_exporter(format, e) ? file_load(path, LONGEST, &source, e) : ERR_USAGE;
    if (status == 0)
        status = exchange_export_text(format, path,
                                      (struct text){source.at ? source.at : "", source.len}, given,
                                      given_count, out, warnings, e);
    buf_release(&source);
    return status;
}

int exchange_import(const char *format, const char *path, struct text bytes, struct buf *out,
                    struct error *e)
{
    for (size_t i = 0; i < COUNT_OF(importers); i++)
        if (strcmp(importers[i]->about.name, format) == 0)
            return import_run(importers[i], path, bytes, out, e);
    return no_format(format, exchange_imports, e);
}
