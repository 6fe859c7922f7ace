/* The formats there are, and how a definition goes out. */
#include "cli/cli.h"
#include "exchange/export.h"
#include "exchange/import.h"

static const struct exporter *const exporters[] = {
    &export_make,    &export_ninja,        &export_slurm,     &export_sagemaker, &export_asl,
    &export_jenkins, &export_codepipeline, &export_buildspec, &export_airflow,
};
static const struct importer *const importers[] = {&import_sagemaker, &import_dvc};

enum { FORMATS = COUNT_OF(exporters), LONGEST = 256 << 20 };

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

/* ---- exports ---- */

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
    size_t n = p->step_count + 1;
    x->names = mem_alloc(n * sizeof *x->names);
    x->skipped = mem_alloc(n);
    export_name_steps(x);
    int status = export_check(x);
    if (status == 0)
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

/* Entries whose steps are known when others have run: no format has rounds. */
static void warn_of_rounds(const char *path, const char *const *given, size_t given_count,
                           struct buf *warnings)
{
    struct pipeline *first = NULL;
    struct error e = {0};
    if (pipeline_load_first(path, given, given_count, &first, &e) != 0)
        return; /* as when a parameter has no value: it is told elsewhere */
    for (size_t i = 0; i < first->deferred_count; i++) {
        const struct step_entry *s = first->deferred[i];
        buf_format(warnings,
                   "%s:%u:%u: step %s: it goes by files that steps make: it is as they are now\n",
                   path, (unsigned)s->line, (unsigned)s->column, s->name);
    }
    pipeline_free(first);
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
    if (status == 0 && warnings && strcmp(path, "-") != 0)
        warn_of_rounds(path, given, given_count, warnings);
    buf_release(&source);
    return status;
}

/* ---- imports ---- */

int exchange_import(const char *format, const char *path, struct text bytes, struct buf *out,
                    struct error *e)
{
    for (size_t i = 0; i < COUNT_OF(importers); i++)
        if (strcmp(importers[i]->about.name, format) == 0)
            return import_run(importers[i], path, bytes, out, e);
    return no_format(format, exchange_imports, e);
}
