/* Targets, building for this machine, archives and hostile ones. Other targets: targets.bats. */
#include "artefact/archive.h"
#include "artefact/artefact.h"
#include "artefact/manifest.h"
#include "artefact/source.h"
#include "infer/infer.h"
#include "model/builder.h"
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct predictor *linear;

static void forget(void)
{
    predictor_free(linear);
}

/* The image of 0.5 + 2 a - 3 b. */
static const struct ml_image *small(void)
{
    if (linear)
        return linear->image;
    struct model *m = model_new("test", 2);
    double *base = model_numbers(m, 1), *weight = model_numbers(m, 2);
    base[0] = 0.5;
    weight[0] = 2;
    weight[1] = -3;
    m->kind = MODEL_LINEAR;
    m->outputs = 1;
    m->base = base;
    m->linear.weight = weight;
    CHECK_INT(predictor_compile(m, &(struct compile_options){0}, &linear, NULL), 0);
    model_free(m);
    atexit(forget);
    return linear->image;
}

static struct target *the_target(const char *name)
{
    const struct target *t = NULL;
    const char *note;
    CHECK_INT(target_find(name, &t, &note, NULL), 0);
    return (struct target *)(uintptr_t)t;
}

static struct built *build_small(enum artefact_form form, const char *prefix)
{
    struct build how = {.target = the_target("host"), .form = form, .prefix = prefix};
    struct built *b = NULL;
    struct error e = {0};
    CHECK_INT(artefact_build(small(), &how, &b, &e), 0);
    CHECK_TEXT(e.message, "");
    return b;
}

static void load(const char *path, struct buf *out)
{
    struct error e = {0};
    out->len = 0;
    CHECK_INT(file_load(path, 1 << 24, out, &e), 0);
}

static void store(const char *path, struct text bytes)
{
    struct error e = {0};
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    CHECK_INT(file_write(fd, bytes.at, bytes.len, path, &e), 0);
    close(fd);
}

TEST(targets_are_found_by_every_name)
{
    const struct target *t;
    const char *note, *name;
    struct error e = {0};
    size_t refused = 0;
    for (size_t i = 0; (name = target_known_name(i)); i++) {
        int rc = target_find(name, &t, &note, &e);
        refused += rc == ERR_NO;
        CHECK(rc == ERR_NO || (rc == 0 && t));
        if (rc == ERR_NO)
            CHECK(strstr(e.message, name));
    }
    CHECK_INT(refused, 14);
    CHECK_TEXT(target_name(target_at(0)), "host");
    CHECK_INT(target_find("Jetson-Nano", &t, &note, &e), 0);
    CHECK_TEXT(target_name(t), "aarch64");
    CHECK_TEXT(note, "jetson_nano becomes aarch64 (CPU part only)");
    CHECK_INT(target_find("ml_c5", &t, &note, &e), 0);
    CHECK_TEXT(target_name(t), "x86-64-v4");
    CHECK_INT(target_find("x86_64_v3", &t, &note, &e), 0);
    CHECK_TEXT(target_name(t), "x86-64-v3");
    CHECK(!note);
    CHECK_INT(target_find("ml_inf1", &t, &note, &e), ERR_NO);
    CHECK_INT(target_find("toaster", &t, &note, &e), ERR_USAGE);
    CHECK_TEXT(e.message, "no target 'toaster'");
    CHECK_INT(target_of_platform("LINUX", "ARM_EABIHF", NULL, &t, &note, &e), 0);
    CHECK_TEXT(target_name(t), "armhf");
    CHECK_INT(target_of_platform("ANDROID", "ARM64", NULL, &t, &note, &e), ERR_NO);
    CHECK_INT(target_of_platform("LINUX", "X86", NULL, &t, &note, &e), ERR_NO);
}

TEST(what_is_missing_is_named)
{
    struct buf missing = {0};
    struct error e = {0};
    struct built *b = NULL;
    char *path = mem_text(getenv("PATH"));
    setenv("PATH", unit_folder(), 1);
    struct build how = {.target = the_target("host")};
    CHECK(!target_ready(how.target, TARGET_BUILD, &missing));
    CHECK_TEXT(buf_text(&missing), "cc (Debian package gcc)");
    CHECK_INT(artefact_build(small(), &how, &b, &e), ERR_SYSTEM);
    CHECK_TEXT(e.message, "target host needs cc (Debian package gcc)");
    /* A compiler that fails is quoted. */
    store(in_folder("cc"), TEXT_LITERAL("#!/bin/sh\necho note >&2\necho 'x.c: error: no' >&2\n"
                                        "echo more >&2\nexit 3\n"));
    CHECK_INT(chmod(in_folder("cc"), 0755), 0);
    CHECK_INT(artefact_build(small(), &how, &b, &e), ERR_SYSTEM);
    CHECK_TEXT(e.message, "cc failed with status 3: x.c: error: no");
    unlink(in_folder("cc"));
    setenv("PATH", path, 1);
    mem_free(path);
    buf_release(&missing);
}

TEST(headers_have_the_prefix)
{
    struct buf header = {0};
    source_header("credit", &header);
    CHECK(strstr(buf_text(&header), "size_t credit_predict(const float *x"));
    CHECK(strstr(buf_text(&header), "#ifndef CREDIT_MODEL_H"));
    CHECK(!strstr(buf_text(&header), "ml_"));
    buf_release(&header);
    CHECK(source_prefix_valid("a_1"));
    CHECK(!source_prefix_valid("1a") && !source_prefix_valid("") && !source_prefix_valid("a-b"));
    struct build how = {.target = the_target("c"), .prefix = "a b"};
    struct built *b = NULL;
    struct error e = {0};
    CHECK_INT(artefact_build(small(), &how, &b, &e), ERR_USAGE);
    how = (struct build){.target = the_target("wasm32"), .form = EMIT_STATIC};
    CHECK_INT(artefact_build(small(), &how, &b, &e), ERR_USAGE);
}

static void check_answers(const struct built *b)
{
    static const double x[] = {1, 2, 0, 0, -1.5, 4};
    struct artefact_rows rows = {.n = 3, .numbers = x};
    struct artefact_results results = {0};
    struct error e = {0};
    CHECK_INT(artefact_execute(b, &rows, 0, &results, &e), 0);
    CHECK_TEXT(e.message, "");
    CHECK_INT(results.predicted, 3);
    CHECK_INT(results.outputs, 1);
    for (size_t i = 0; i < results.predicted; i++) {
        CHECK_DOUBLE(results.margins[i], 0.5 + 2 * x[2 * i] - 3 * x[2 * i + 1]);
        CHECK_DOUBLE(results.answers[i], results.margins[i]);
    }
    artefact_results_release(&results);
}

/* Without a program, raw fields are the features as text. */
static void check_raw_answers(const struct built *b)
{
    static const struct ml_text fields[] = {{"1", 1},  {"2", 1}, {"-1.5e0,x", 6}, {"0", 1},
                                            {NULL, 0}, {"3", 1}, {"x", 1},        {"1", 1}};
    struct artefact_rows rows = {.n = 4, .fields = fields};
    struct artefact_results results = {0};
    struct error e = {0};
    CHECK_INT(artefact_execute(b, &rows, 0, &results, &e), 0);
    CHECK_INT(results.predicted, 3);
    CHECK(!results.margins);
    CHECK_DOUBLE(results.answers[0], -3.5);
    CHECK_DOUBLE(results.answers[1], -2.5);
    CHECK(results.answers[2] != results.answers[2]);
    artefact_results_release(&results);
}

TEST(every_form_answers)
{
    for (int form = EMIT_LIBRARY; form <= EMIT_HEADER; form++) {
        if (form == EMIT_C) /* what is in the header, too, and takes seconds */
            continue;
        struct built *b = build_small((enum artefact_form)form, "credit");
        check_answers(b);
        check_raw_answers(b);
        built_free(b);
    }
}

/* The dynamic section or the symbols of a file, as readelf prints them. */
static void readelf(const char *option, const struct built *b, struct buf *out)
{
    char *path = mem_format("%s/%s", b->directory, b->library), *words = mem_text(option);
    char *const argv[] = {(char[]){"readelf"}, (char[]){"-W"}, words, path, NULL};
    struct error e = {0};
    int status = -1;
    out->len = 0;
    CHECK_INT(process_run(&(struct process){.argv = argv, .out = out}, &status, &e), 0);
    CHECK_INT(status, 0);
    mem_free(path);
    mem_free(words);
}

TEST(libraries_show_their_functions_alone)
{
    static const char *const functions[] = {"abi",         "inputs",      "outputs",     "fields",
                                            "predict",     "predict_f64", "margins_f64", "class",
                                            "predict_raw", "info"};
    struct buf out = {0};
    struct built *b = build_small(EMIT_LIBRARY, "credit");
    readelf("-d", b, &out);
    for (const char *at = buf_text(&out); (at = strstr(at, "(NEEDED)")); at++)
        CHECK(strncmp(strchr(at, '['), "[libc.so", 8) == 0 ||
              strncmp(strchr(at, '['), "[libm.so", 8) == 0);
    readelf("--dyn-syms", b, &out);
    size_t defined = 0;
    for (const char *at = buf_text(&out); (at = strstr(at, "GLOBAL DEFAULT")); at++)
        defined += !strstr(at, "UND") || strstr(at, "UND") > strchr(at, '\n');
    CHECK_INT(defined, COUNT_OF(functions));
    for (size_t i = 0; i < COUNT_OF(functions); i++) {
        char *name = mem_format(" credit_%s\n", functions[i]);
        CHECK(strstr(buf_text(&out), name));
        mem_free(name);
    }
    built_free(b);
    b = build_small(EMIT_STATIC, "credit");
    readelf("-s", b, &out);
    CHECK(strstr(buf_text(&out), "GLOBAL DEFAULT    1 credit_predict\n"));
    CHECK(!strstr(buf_text(&out), "HIDDEN    1 ml_"));
    built_free(b);
    buf_release(&out);
}

TEST(built_files_are_saved)
{
    struct built *b = build_small(EMIT_C, NULL);
    struct error e = {0};
    struct buf file = {0};
    CHECK_INT(built_save(b, in_folder("x.c"), in_folder("x.h"), &e), 0);
    load(in_folder("x.c"), &file);
    CHECK(strstr(buf_text(&file), "size_t ml_predict_f64("));
    CHECK_INT(built_save(b, in_folder("no/x.c"), NULL, &e), ERR_SYSTEM);
    unlink(in_folder("x.c"));
    unlink(in_folder("x.h"));
    buf_release(&file);
    built_free(b);
}

static char *pack_small(const char *name)
{
    struct built *b = build_small(EMIT_LIBRARY, NULL);
    struct pack p = {b, small(), "test 1", "{\"rows\": 3}\n"};
    struct error e = {0};
    char *path = mem_text(in_folder(name));
    CHECK_INT(artefact_pack(&p, path, &e), 0);
    built_free(b);
    return path;
}

TEST(an_archive_gives_back_what_was_packed)
{
    char *path = pack_small("model.tar.gz"), *again = pack_small("again.tar.gz");
    struct buf first = {0}, second = {0};
    struct artefact *a = NULL;
    struct error e = {0};
    load(path, &first);
    load(again, &second);
    CHECK(text_equal((struct text){first.at, first.len}, (struct text){second.at, second.len}));
    CHECK_INT(artefact_open(path, &a, &e), 0);
    CHECK_TEXT(e.message, "");
    CHECK_INT(a->file_count, 5);
    CHECK_TEXT(a->target, "host");
    CHECK_TEXT(a->library, "libmodel.so");
    CHECK_TEXT(a->tool, "test 1");
    CHECK(a->compiler && a->image && (uintptr_t)a->image % 64 == 0);
    CHECK(memcmp(a->image, small(), small()->bytes) == 0);
    CHECK(text_equal(artefact_file(a, "verify.json"), text_of("{\"rows\": 3}\n")));
    struct text manifest = artefact_file(a, "manifest.json");
    CHECK(memmem(manifest.at, manifest.len, "\"model\": {\"source\"", 18));
    struct built *b = NULL;
    CHECK_INT(artefact_restore(a, &b, &e), 0);
    check_answers(b);
    built_free(b);
    artefact_free(a);
    store(path, (struct text){(const char *)small(), small()->bytes});
    CHECK_INT(artefact_open(path, &a, &e), 0);
    CHECK(a->image && !a->target);
    CHECK_INT(artefact_restore(a, &b, &e), ERR_DATA);
    artefact_free(a);
    unlink(path);
    unlink(again);
    mem_free(path);
    mem_free(again);
    buf_release(&first);
    buf_release(&second);
}

TEST(files_are_not_replaced_by_unpacking)
{
    char *path = pack_small("model.tar.gz"), *directory = mem_text(in_folder("out"));
    struct artefact *a = NULL;
    struct error e = {0};
    CHECK_INT(artefact_open(path, &a, &e), 0);
    CHECK_INT(artefact_unpack(a, directory, &e), 0);
    CHECK_INT(access(in_folder("out/libmodel.so"), R_OK), 0);
    for (size_t i = 0; i + 1 < a->file_count; i++) {
        char *file = mem_format("%s/%s", directory, a->files[i].name);
        CHECK_INT(unlink(file), 0);
        mem_free(file);
    }
    CHECK_INT(artefact_unpack(a, directory, &e), ERR_SYSTEM);
    CHECK_TEXT(e.message, "exists already, and is not replaced");
    CHECK_INT(access(in_folder("out/libmodel.so"), R_OK), -1);
    unlink(in_folder("out/verify.json"));
    rmdir(directory);
    CHECK_INT(artefact_unpack(a, "/dev/null/x", &e), ERR_SYSTEM);
    artefact_free(a);
    unlink(path);
    mem_free(path);
    mem_free(directory);
}

/* ---- hostile archives ---- */

static int open_packed(struct text packed, struct error *e)
{
    char *path = mem_text(in_folder("hostile"));
    struct artefact *a = NULL;
    store(path, packed);
    int rc = artefact_open(path, &a, e);
    if (rc == 0)
        artefact_free(a);
    unlink(path);
    mem_free(path);
    return rc;
}

static int open_tar(struct text tar, struct error *e)
{
    struct buf packed = {0};
    gzip_pack(tar, &packed);
    int rc = open_packed((struct text){packed.at, packed.len}, e);
    buf_release(&packed);
    return rc;
}

static void unpacked(const char *path, struct buf *tar)
{
    struct buf packed = {0};
    struct text bytes;
    struct error e = {0};
    void *memory;
    load(path, &packed);
    CHECK_INT(gzip_unpack((struct text){packed.at, packed.len}, &bytes, &memory, &e), 0);
    buf_add(tar, bytes.at, bytes.len);
    mem_free(memory);
    buf_release(&packed);
}

static int read_tar(struct text tar)
{
    struct artefact *a = mem_alloc(sizeof *a);
    int rc = artefact_read_tar(a, tar, NULL);
    artefact_free(a);
    return rc;
}

/* Of a bit of an archive that is changed, nobody may be the wiser only when it is one of the
 * manifest, whose texts may be any. */
TEST(damaged_archives_are_refused)
{
    char *path = pack_small("model.tar.gz");
    struct buf packed = {0}, tar = {0};
    struct error e = {0};
    load(path, &packed);
    unpacked(path, &tar);
    struct text all = {tar.at, tar.len};
    size_t manifest = 1024 + strtoul(all.at + 124, NULL, 8) / 512 * 512;
    CHECK_INT(read_tar(all), 0);
    for (size_t n = 0; n < packed.len; n += 1 + n / 16)
        CHECK_INT(open_packed((struct text){packed.at, n}, &e), ERR_DATA);
    for (size_t n = 0; n < tar.len; n += 512 * (1 + n / 8192))
        CHECK_INT(read_tar((struct text){all.at, n}), ERR_DATA);
    for (size_t i = 10; i < packed.len; i += 1 + packed.len / 100) {
        packed.at[i] ^= 4;
        (void)open_packed((struct text){packed.at, packed.len}, &e);
        packed.at[i] ^= 4;
    }
    for (size_t i = 0; i < tar.len; i += i < 512 ? 1 : 1 + tar.len / 300) {
        tar.at[i] ^= 1;
        int rc = read_tar(all);
        CHECK(rc == ERR_DATA || (rc == 0 && i >= 512 && i < manifest));
        tar.at[i] ^= 1;
    }
    CHECK_INT(read_tar(all), 0);
    unlink(path);
    mem_free(path);
    buf_release(&packed);
    buf_release(&tar);
}

static void fix_checksum(char *header)
{
    unsigned sum = 0;
    memset(header + 148, ' ', 8);
    for (size_t i = 0; i < 512; i++)
        sum += (unsigned char)header[i];
    (void)snprintf(header + 148, 8, "%06o", sum);
}

TEST(archives_stay_in_their_directory)
{
    static const struct {
        const char *name;
        char type;
    } bad[] = {{"../x", '0'}, {"/etc/x", '0'}, {"a/b", '0'}, {".x", '0'}, {"..", '0'},
               {"", '0'},     {"x\n", '0'},    {"-x", '0'},  {"x", '1'},  {"x", '2'},
               {"x", '5'},    {"x", 'L'},      {"x", '\0'},  {"x", 'x'},  {"x y", '0'}};
    struct error e = {0};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct buf tar = {0};
        tar_add(&tar, "placeholder", TEXT_LITERAL("content"));
        memset(tar.at, 0, 100);
        memcpy(tar.at, bad[i].name, strlen(bad[i].name));
        tar.at[156] = bad[i].type;
        fix_checksum(tar.at);
        tar_end(&tar);
        CHECK_INT(open_tar((struct text){tar.at, tar.len}, &e), ERR_DATA);
        CHECK(strstr(e.message, bad[i].type == '0' ? "name of a file" : "plain files"));
        buf_release(&tar);
    }
}

TEST(archives_are_bounded_and_whole)
{
    struct buf tar = {0};
    struct error e = {0};
    tar_add(&tar, "manifest.json", TEXT_LITERAL("{}"));
    tar_add(&tar, "manifest.json", TEXT_LITERAL("{}"));
    tar_end(&tar);
    CHECK_INT(open_tar((struct text){tar.at, tar.len}, &e), ERR_DATA);
    CHECK_TEXT(e.message, "two files have the name manifest.json");
    tar.len = 0;
    for (int i = 0; i < 65; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "f%d", i);
        tar_add(&tar, name, (struct text){"", 0});
    }
    tar_end(&tar);
    CHECK_INT(open_tar((struct text){tar.at, tar.len}, &e), ERR_DATA);
    CHECK_TEXT(e.message, "more than 64 files");
    tar.len = 0;
    tar_add(&tar, "x", TEXT_LITERAL("1"));
    memcpy(tar.at + 124, "77777777777", 11);
    fix_checksum(tar.at);
    tar_end(&tar);
    CHECK_INT(open_tar((struct text){tar.at, tar.len}, &e), ERR_DATA);
    CHECK_TEXT(e.message, "the archive ends too early");
    /* A length that is not true. */
    struct buf packed = {0};
    gzip_pack((struct text){tar.at, tar.len}, &packed);
    memcpy(packed.at + packed.len - 4, "\xff\xff\xff\x3f", 4);
    CHECK_INT(open_packed((struct text){packed.at, packed.len}, &e), ERR_DATA);
    CHECK_TEXT(e.message, "not a gzip file of at most 1024 MiB");
    memcpy(packed.at + packed.len - 4, "\x00\x01\x00\x00", 4);
    CHECK_INT(open_packed((struct text){packed.at, packed.len}, &e), ERR_DATA);
    CHECK_TEXT(e.message, "the gzip file is damaged");
    buf_release(&packed);
    buf_release(&tar);
}

TEST(manifests_are_checked)
{
    static const struct {
        const char *json, *message;
    } bad[] = {
        {"", "manifest.json: an object was expected"},
        {"[]", "manifest.json: an object was expected"},
        {"{\"format\": 2, \"abi\": 1}",
         "format 2 with ABI 1: this program knows format 1 with ABI 1"},
        {"{\"format\": 1, \"abi\": 1}", "manifest.json: target, library or prefix is missing"},
        {"{\"files\": {}}", "manifest.json: \"files\" is no array"},
        {"{\"files\": [{\"name\": \"no\", \"bytes\": 1, \"sha256\": \"\"}]}",
         "file 'no' is missing"},
        {"{\"files\": [{\"name\": \"a\", \"bytes\": 1, \"sha256\": \"ca\"}]}",
         "file 'a' is not what the manifest says"},
        {"{\"format\": 1, \"abi\": 1, \"target\": \"c\", \"library\": \"a\", \"prefix\": \"ml\"}",
         "manifest.json: a file is not listed, or twice"},
        {"{\"format\": 1, \"abi\": 1, \"target\": \"c\", \"library\": \"b\", \"prefix\": \"ml\"}",
         "file 'b' is missing"},
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct buf tar = {0};
        struct error e = {0};
        tar_add(&tar, "manifest.json", text_of(bad[i].json));
        tar_add(&tar, "a", TEXT_LITERAL("a"));
        tar_end(&tar);
        CHECK_INT(open_tar((struct text){tar.at, tar.len}, &e), ERR_DATA);
        CHECK_TEXT(e.message, bad[i].message);
        buf_release(&tar);
    }
}

TEST(zz_nothing_is_left_behind)
{
    CHECK_INT(rmdir(unit_folder()), 0);
}
