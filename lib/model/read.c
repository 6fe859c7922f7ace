/* Models from files: what stands around them, which format they are, which file of an archive. */
#include "base/digest.h"
#include "model/builder.h"
#include "model/unpack.h"
#include "sys/sys.h"

static const char known[] = "XGBoost (JSON, UBJSON, binary), LightGBM text, scikit-learn pickle or "
                            "joblib, ONNX";

/* 1, or 0 when it is no model, or what is wrong with it. */
static int import(struct text bytes, struct model **out, struct error *e)
{
    static importer *const importers[] = {import_onnx,           import_sklearn,
                                          import_lightgbm,       import_xgboost_json,
                                          import_xgboost_ubjson, import_xgboost_binary};
    struct model *m = NULL;
    int got = 0;
    for (size_t i = 0; i < COUNT_OF(importers) && got == 0; i++)
        got = importers[i](bytes.at, bytes.len, &m, e);
    if (got > 0 && model_check(m, e))
        got = ERR_DATA;
    if (got < 0)
        model_free(m);
    *out = got > 0 ? m : NULL;
    return got;
}

/* What other models begin with, blanks left out; NULL: nothing that is known. */
static const char *foreign(struct text bytes)
{
    static const struct {
        const char *mark, *name;
    } marks[] = {
        {"{\"name\":\"tree\"", "a dump of LightGBM (save_model writes the model)"},
        {"booster[0]", "a dump of XGBoost (save_model writes the model)"},
        {"[{\"nodeid\"", "a dump of XGBoost (save_model writes the model)"},
        {"CBM1", "a model of CatBoost"},
        {"\x89HDF", "an HDF5 file, as Keras writes them"},
        {"<?xml", "an XML file, as PMML is"},
        {"<PMML", "a model in PMML"},
    };
    char head[16] = "";
    size_t n = 0;
    for (size_t i = 0; i < bytes.len && i < 64 && n + 1 < sizeof head; i++)
        if (!strchr(" \t\r\n", bytes.at[i]))
            head[n++] = bytes.at[i];
    for (size_t i = 0; i < COUNT_OF(marks); i++)
        if (strncmp(head, marks[i].mark, strlen(marks[i].mark)) == 0)
            return marks[i].name;
    bool flat = bytes.len >= 8 && memcmp(bytes.at + 4, "TFL3", 4) == 0;
    return flat ? "a model of TensorFlow Lite" : NULL;
}

/* A file that is no archive. */
static int read_file(struct text bytes, const char *name, struct model **out, struct error *e)
{
    int got = import(bytes, out, e);
    if (got > 0)
        return 0;
    const char *other = got == 0 ? foreign(bytes) : NULL;
    if (other)
        error_set(e, ERR_DATA, "%s is not supported, but these are: %s", other, known);
    else if (got == 0)
        error_set(e, ERR_DATA, "not a model that is known: %s", known);
    return error_at(e, name, e ? e->line : 0, e ? e->column : 0);
}

/* The files of an archive, on the search for the model. */
struct search {
    struct model *model;
    const char *first_bad;
    struct error first_problem;
    size_t models, bad, files;
    struct buf model_names, bad_names, file_names; /* lists for messages */
};

enum { NAMES_MOST = 300, TRIES_MOST = 64 /* files that look like models */ };

/* As long as it stays short. */
static void add_name(struct buf *list, const char *name, const char *more)
{
    char quoted[QUOTE_MAX];
    if (list->len > NAMES_MOST)
        return;
    buf_format(list, "%s%s%s", list->len ? ", " : "", quote(quoted, name, strlen(name)), more);
    if (list->len > NAMES_MOST)
        buf_puts(list, ", ...");
}

static void try_member(struct search *s, const struct member *member)
{
    struct model *m = NULL;
    struct error problem = {0};
    int got = import(member->bytes, &m, &problem);
    s->files++;
    if (got == 0) {
        add_name(&s->file_names, member->name, "");
    } else if (got < 0) {
        char *why = mem_format(": %s", problem.message);
        add_name(&s->bad_names, member->name, why);
        mem_free(why);
        s->first_problem = s->bad == 0 ? problem : s->first_problem;
        s->first_bad = s->bad++ == 0 ? member->name : s->first_bad;
    } else {
        add_name(&s->model_names, member->name, "");
        m->member = arena_text(&m->arena, member->name, strlen(member->name));
        model_free(s->model);
        s->model = m;
        s->models++;
    }
}

/* Why the archive's model cannot be told. */
static int search_problem(struct search *s, const char *name, struct error *e)
{
    if (s->models == 0 && s->bad == 1) {
        char *place = mem_format("%s:%s", name, s->first_bad);
        error_set(e, ERR_DATA, "%s", s->first_problem.message);
        int status = error_at(e, place, s->first_problem.line, s->first_problem.column);
        mem_free(place);
        return status;
    }
    if (s->models > 0)
        error_set(e, ERR_DATA, "it holds %zu models, not one: %s", s->models,
                  buf_text(&s->model_names));
    else if (s->bad > 0)
        error_set(e, ERR_DATA, "none of its models can be read: %s", buf_text(&s->bad_names));
    else if (s->files > 0)
        error_set(e, ERR_DATA, "it holds %s, but no model that is known: %s",
                  buf_text(&s->file_names), known);
    else
        error_set(e, ERR_DATA, "an archive without files");
    return error_at(e, name, 0, 0);
}

/* The one model among the files of an archive: others that cannot be read do not matter then, they
 * may be what else a training run has left behind. */
static int read_archive(const struct unpacked *u, const char *name, struct model **out,
                        struct error *e)
{
    struct search s = {0};
    int status = 0;
    for (size_t i = 0; i < u->members.len && s.models + s.bad < TRIES_MOST; i++)
        try_member(&s, &u->members.at[i]);
    if (s.models == 1) {
        *out = s.model;
    } else {
        status = search_problem(&s, name, e);
        model_free(s.model);
    }
    buf_release(&s.model_names);
    buf_release(&s.bad_names);
    buf_release(&s.file_names);
    return status;
}

int model_parse(const char *bytes, size_t n, const char *name, struct model **out, struct error *e)
{
    struct unpacked u = {0};
    struct text file = {bytes, n};
    int status = unpack(file, name, &u, e);
    if (status == 0 && u.members.len == 1 && !u.members.at[0].name)
        status = read_file(u.members.at[0].bytes, name, out, e);
    else if (status == 0)
        status = read_archive(&u, name, out, e);
    if (status == 0 && *out) {
        sha256_hex(file, (*out)->sha256);
        (*out)->bytes = n;
    }
    unpacked_release(&u);
    return status;
}

int model_read(const char *path, struct model **out, struct error *e)
{
    struct buf bytes = {0};
    int status = file_load(path, MODEL_BYTES_MAX, &bytes, e);
    if (status == 0)
        status = model_parse(bytes.at ? bytes.at : "", bytes.len, path, out, e);
    buf_release(&bytes);
    return status;
}
