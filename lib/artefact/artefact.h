/*
 * artefact: a compiled model (lib/runtime/image.h) as files for a target: a shared or static
 * library, a WebAssembly module, C sources; the tar.gz they are packed in; and running what was
 * built, on this machine or in an emulator, so that it is the shipped file that is verified.
 *
 * Nothing here prints. Programs that are started (compilers, emulators) come from PATH; what they
 * write to standard error becomes part of the error. Files are made in scratch directories that
 * are removed by their free function and by a fatal signal (replace_abort_all).
 */
#ifndef ARTEFACT_H
#define ARTEFACT_H

#include "runtime/image.h"
#include "sys/sys.h"

#define ARTEFACT_FORMAT 1 /* of the archive and its manifest */

/* ---- targets ---- */

enum target_kind {
    TARGET_SHARED,   /* libmodel.so */
    TARGET_WASM,     /* model.wasm */
    TARGET_FIRMWARE, /* libmodel.a, for linking into a program without an operating system */
    TARGET_SOURCE,   /* model.c */
};

struct target; /* constant: lives for ever */

size_t target_count(void);
const struct target *target_at(size_t i); /* "host" is the first */
const char *target_name(const struct target *t);
const char *target_summary(const struct target *t); /* one line, lower case */
enum target_kind target_kind(const struct target *t);

/* Every name that is understood, for hints on mistyped ones: ours, then the cloud compiler's. */
const char *target_known_name(size_t i); /* NULL behind the last */

/* Finds a target by its name or by one of the cloud compiler's ("ml_c5", "rasp3b", any of - and _,
 * any case). *note is NULL, or what to tell the user: "jetson_nano becomes aarch64 (CPU part
 * only)"; constant. ERR_NO with the reason for a name that is known and refused ("ml_inf1: ..."),
 * ERR_USAGE for an unknown one. */
int target_find(const char *name, const struct target **out, const char **note, struct error *e);
/* The cloud compiler's TargetPlatform: Os, Arch, Accelerator; accelerator may be NULL. */
int target_of_platform(const char *os, const char *arch, const char *accelerator,
                       const struct target **out, const char **note, struct error *e);

enum target_use { TARGET_BUILD, TARGET_RUN };
/* Appends "program (Debian package name)", separated by ", ", for each program that is missing
 * here; true when there is none. For TARGET_RUN also what the processor cannot do, where no
 * emulator helps. */
bool target_ready(const struct target *t, enum target_use use, struct buf *missing);
/* How it is run, for reports: "this processor", "qemu-aarch64", "node". */
const char *target_runs_on(const struct target *t);

/* ---- building ---- */

enum artefact_form {
    EMIT_LIBRARY, /* the target's own: libmodel.so, model.wasm, libmodel.a or model.c; and model.h
                   */
    EMIT_STATIC,  /* libmodel.a and model.h */
    EMIT_C,       /* model.c and model.h: portable C11, for any target */
    EMIT_HEADER,  /* model.h that holds everything: one file defines ML_MODEL_IMPLEMENTATION */
};

struct artefact_file {
    char *name;
    struct text bytes;
};

struct build {
    const struct target *target;
    enum artefact_form form;
    const char *prefix; /* of the functions' names, an identifier; NULL: "ml" */
    int timeout_ms;     /* for the compiler; 0: two minutes */
};

/* What a build made: files in a directory of its own. */
struct built {
    const struct target *target;
    enum artefact_form form;
    char *directory;
    char *library; /* name in it of the main file: "libmodel.so" ... */
    char *header;  /* name of the header */
    char *prefix;
    char *compiler;          /* its first line of --version; NULL when none ran */
    size_t features, fields; /* of the image; fields: of raw rows */
};

/* Compiles an image that passed ml_image_check. ERR_USAGE: the target cannot be emitted so, or a
 * bad prefix; ERR_SYSTEM: a program is missing (with its package) or failed (with its words). */
int artefact_build(const struct ml_image *image, const struct build *how, struct built **out,
                   struct error *e);
void built_free(struct built *b); /* takes b; removes its directory; NULL is fine */
/* Writes the built files out under other names, each whole or not at all: the main file to `path`,
 * and, unless header is NULL, the header. */
int built_save(const struct built *b, const char *path, const char *header, struct error *e);

/* ---- running ---- */

/* Rows for a run, in numbers or in raw fields; rows are kept apart by nothing. */
struct artefact_rows {
    size_t n;
    const double *numbers;        /* n * features; NULL: raw rows */
    const struct ml_text *fields; /* n * fields of the image (its features without a program) */
};

struct artefact_results {
    size_t predicted; /* rows; less than n: that row was refused */
    size_t outputs;
    double *margins; /* predicted * outputs; NULL for raw rows */
    double *answers; /* predicted * outputs */
    double seconds;  /* of wall clock, the start of the program included */
};

/* Runs rows through what was built (sources are compiled first), in a process of its own: natively,
 * in an emulator, or in Node. ERR_SYSTEM: it cannot run here (target_ready says why), it died, or
 * it took longer than timeout_ms (0: two minutes); ERR_DATA: it answered nonsense. */
int artefact_execute(const struct built *b, const struct artefact_rows *rows, int timeout_ms,
                     struct artefact_results *out, struct error *e);
void artefact_results_release(struct artefact_results *r);

/* ---- the archive ---- */

struct pack {
    const struct built *built; /* EMIT_LIBRARY */
    const struct ml_image *image;
    const char *tool;         /* "neoc 0.1.0" */
    const char *verification; /* JSON: verify.json, and a member of the manifest; may be NULL */
};

/* "model-aarch64.tar.gz"; returns owned. */
char *artefact_archive_name(const struct target *t);
/* Writes model-TARGET.tar.gz to path (whole or not at all): the library, model.h, model.bin (the
 * image), verify.json and manifest.json, which lists the others with sizes and SHA-256. The same
 * files give the same bytes. */
int artefact_pack(const struct pack *p, const char *path, struct error *e);

/* Whether a file looks like one, by its first bytes: an archive that begins with manifest.json, or
 * a bare image. False also when it cannot be read. */
bool artefact_is_one(const char *path);

struct artefact {
    char *name; /* of the file read, for messages */
    char *target, *library, *prefix, *tool, *compiler;
    int abi;
    const struct ml_image *image; /* checked, aligned; NULL in an archive without one */
    struct artefact_file *files;
    size_t file_count;
    void *memory; /* private */
};

/* Reads an archive written by artefact_pack, or a bare model.bin. Bounded and strict: no links, no
 * paths that leave the directory, no name twice, sizes and SHA-256 as the manifest says, at most
 * 1 GiB and 64 files. ERR_DATA otherwise. */
int artefact_open(const char *path, struct artefact **out, struct error *e);
/* A file's bytes, borrowed until artefact_free; missing when it is not there. */
struct text artefact_file(const struct artefact *a, const char *name);
/* Its files in a scratch directory, for artefact_execute; the target must be one of ours. */
int artefact_restore(const struct artefact *a, struct built **out, struct error *e);
/* Writes the files into a directory, made when absent. ERR_SYSTEM, and nothing written, when one
 * of them exists. */
int artefact_unpack(const struct artefact *a, const char *directory, struct error *e);
void artefact_free(struct artefact *a); /* NULL is fine */

#endif
