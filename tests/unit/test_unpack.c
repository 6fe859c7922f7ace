/* Models in archives and behind compressions, and archives that are traps. */
#include "io/io.h"
#include "model/model.h"
#include "unit.h"

#include <zlib.h>

#define MODEL(value)                                                                               \
    "tree\nversion=v4\nnum_class=1\nmax_feature_idx=0\nfeature_names=a\n\n"                        \
    "Tree=0\nnum_leaves=1\nnum_cat=0\nleaf_value=" value "\n\n"

/* ---- files ---- */

enum { BLOCK = 512 };

/* A ustar header: type '0' a file, '1' a hard link, '2' a symbolic one, '5' a directory ... */
static void put_header(struct buf *tar, const char *name, char type, size_t size)
{
    char head[BLOCK] = {0};
    unsigned sum = 0;
    (void)snprintf(head, 100, "%s", name);
    (void)snprintf(head + 100, 8, "%07o", 0644U);
    (void)snprintf(head + 124, 12, "%011zo", size);
    (void)snprintf(head + 136, 12, "%011o", 0U);
    memset(head + 148, ' ', 8);
    head[156] = type;
    (void)snprintf(head + 157, 100, "%s", type == '1' || type == '2' ? "/etc/passwd" : "");
    memcpy(head + 257, "ustar\00000", 8);
    for (size_t i = 0; i < BLOCK; i++)
        sum += (unsigned char)head[i];
    (void)snprintf(head + 148, 8, "%06o", sum);
    buf_add(tar, head, BLOCK);
}

static void put_zeros(struct buf *out, size_t n)
{
    while (n-- > 0)
        buf_putc(out, 0);
}

static void put_file(struct buf *tar, const char *name, const char *content, size_t n)
{
    put_header(tar, name, '0', n);
    buf_add(tar, content, n);
    put_zeros(tar, (BLOCK - n % BLOCK) % BLOCK);
}

static void put_text_file(struct buf *tar, const char *name, const char *content)
{
    put_file(tar, name, content, strlen(content));
}

/* The two blocks that end a tar file. */
static void end_tar(struct buf *tar)
{
    put_zeros(tar, (size_t)2 * BLOCK);
}

static void gzip(struct buf *b)
{
    z_stream z = {0};
    struct buf packed = {0};
    CHECK_INT(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    buf_reserve(&packed, deflateBound(&z, b->len));
    z.next_in = (Bytef *)b->at;
    z.avail_in = (uInt)b->len;
    z.next_out = (Bytef *)packed.at;
    z.avail_out = (uInt)packed.cap;
    CHECK_INT(deflate(&z, Z_FINISH), Z_STREAM_END);
    packed.len = packed.cap - z.avail_out;
    deflateEnd(&z);
    buf_release(b);
    *b = packed;
}

static void put_number(struct buf *b, uint64_t x, size_t size)
{
    for (; size > 0; size--, x >>= 8)
        buf_putc(b, (char)x);
}

/* What a local header and an entry of the directory share: from the version on. */
static void put_zip_fields(struct buf *b, const char *name, const char *content, unsigned flags)
{
    size_t n = strlen(content);
    put_number(b, 20, 2);
    put_number(b, flags, 2);
    put_number(b, 0, 6); /* stored, no time */
    put_number(b, crc32(0, (const Bytef *)content, (uInt)n), 4);
    put_number(b, n, 4);
    put_number(b, n, 4);
    put_number(b, strlen(name), 2);
    put_number(b, 0, 2);
}

/* A zip file of one member, stored. */
static void put_zip(struct buf *b, const char *name, const char *content, unsigned flags)
{
    put_number(b, 0x04034b50, 4);
    put_zip_fields(b, name, content, flags);
    buf_puts(b, name);
    buf_puts(b, content);
    size_t directory = b->len;
    put_number(b, 0x02014b50, 4);
    put_number(b, 20, 2);
    put_zip_fields(b, name, content, flags);
    put_number(b, 0, 14); /* no comment, disk 0, attributes, offset 0 */
    buf_puts(b, name);
    size_t size = b->len - directory;
    put_number(b, 0x06054b50, 4);
    put_number(b, 0, 4);
    put_number(b, 1, 2);
    put_number(b, 1, 2);
    put_number(b, size, 4);
    put_number(b, directory, 4);
    put_number(b, 0, 2);
}

/* ---- what becomes of them ---- */

static struct model *parse(const struct buf *b, struct error *e)
{
    struct model *m = NULL;
    char *exact = mem_copy(b->at, b->len);
    *e = (struct error){0};
    int status = model_parse(exact, b->len, "m", &m, e);
    CHECK_INT(status, m ? 0 : e->code);
    mem_free(exact);
    return m;
}

/* Takes b. member: the name of the model in it; NULL: none. */
static void check_model(struct buf *b, const char *member, double value)
{
    struct error e;
    struct model *m = parse(b, &e);
    CHECK_TEXT(e.message, "");
    if (m) {
        CHECK_DOUBLE(m->trees.value[0], value);
        CHECK_TEXT(m->member ? m->member : "", member ? member : "");
        CHECK_INT(m->bytes, b->len);
    }
    model_free(m);
    buf_release(b);
}

/* Takes b. */
static void check_refused(struct buf *b, const char *place, const char *message)
{
    struct error e;
    struct model *m = parse(b, &e);
    CHECK_INT(e.code, ERR_DATA);
    CHECK_TEXT(e.file, place);
    CHECK_TEXT(e.message, message);
    model_free(m);
    buf_release(b);
}

static struct buf tar_of(const char *name, const char *content)
{
    struct buf b = {0};
    put_text_file(&b, name, content);
    end_tar(&b);
    return b;
}

TEST(a_model_in_a_tar_file)
{
    struct buf b = tar_of("xgboost-model", MODEL("2"));
    check_model(&b, "xgboost-model", 2);
    b = tar_of("./model/model.txt", MODEL("2"));
    gzip(&b);
    check_model(&b, "./model/model.txt", 2);
}

TEST(a_model_among_other_files)
{
    struct buf b = {0};
    put_header(&b, "code/", '5', 0);
    put_text_file(&b, "code/inference.py", "import os\n");
    put_text_file(&b, "requirements.txt", "numpy\n");
    put_text_file(&b, "empty", "");
    put_text_file(&b, "model.txt", MODEL("3"));
    put_text_file(&b, "package.json", "{\"version\":1}"); /* begins as a booster does */
    end_tar(&b);
    gzip(&b);
    check_model(&b, "model.txt", 3);
}

TEST(a_compressed_model_in_an_archive)
{
    struct buf b = {0}, inner = {0};
    buf_puts(&inner, MODEL("4"));
    gzip(&inner);
    put_file(&b, "model.txt.gz", inner.at, inner.len);
    end_tar(&b);
    buf_release(&inner);
    gzip(&b);
    check_model(&b, "model.txt.gz", 4);
}

TEST(a_model_in_a_zip_file)
{
    struct buf b = {0};
    put_zip(&b, "dir/model.txt", MODEL("5"), 0);
    check_model(&b, "dir/model.txt", 5);
}

TEST(compressed_models)
{
    static const char *const names[] = {"m.txt.gz", "m.txt.zst", "m.txt.xz", "m.txt.bz2",
                                        "m.txt.lz4"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct sink *s = NULL;
        struct error e = {0};
        struct model *m = NULL;
        const char *path = in_folder(names[i]);
        CHECK_INT(sink_open(path, &s, &e), 0);
        CHECK_INT(sink_write(s, MODEL("6"), sizeof MODEL("6") - 1, &e), 0);
        CHECK_INT(sink_commit(s, &e), 0);
        CHECK_INT(model_read(path, &m, &e), 0);
        CHECK_TEXT(e.message, "");
        CHECK(m && m->trees.value[0] == 6 && !m->member);
        model_free(m);
    }
}

TEST(streams_of_gzip_one_after_another)
{
    struct buf a = {0}, b = {0};
    buf_puts(&a, "tree\nversion=v4\n");
    gzip(&a);
    buf_puts(&b, &MODEL("7")[strlen("tree\nversion=v4\n")]);
    gzip(&b);
    buf_add(&a, b.at, b.len);
    buf_release(&b);
    check_model(&a, NULL, 7);
}

TEST(several_models)
{
    struct buf b = {0};
    put_text_file(&b, "a.txt", MODEL("1"));
    put_text_file(&b, "b.txt", MODEL("2"));
    put_text_file(&b, "c.txt", "tree\n");
    end_tar(&b);
    check_refused(&b, "m", "it holds 2 models, not one: 'a.txt', 'b.txt'");
}

TEST(no_model)
{
    struct buf b = {0};
    end_tar(&b);
    check_refused(&b, "m",
                  "not a model that is known: XGBoost (JSON, UBJSON, binary), LightGBM text, "
                  "scikit-learn pickle or joblib, ONNX");
    put_header(&b, "dir/", '5', 0);
    end_tar(&b);
    check_refused(&b, "m", "an archive without files");
    put_text_file(&b, "a.csv", "x\n1\n");
    put_text_file(&b, "b", "");
    end_tar(&b);
    check_refused(&b, "m",
                  "it holds 'a.csv', 'b', but no model that is known: XGBoost (JSON, UBJSON, "
                  "binary), LightGBM text, scikit-learn pickle or joblib, ONNX");
}

TEST(a_model_that_cannot_be_read_is_placed)
{
    struct buf b = tar_of("model.txt", "tree\nversion=v4\nmax_feature_idx=x\n");
    struct error e;
    CHECK(parse(&b, &e) == NULL);
    CHECK_TEXT(e.file, "m:model.txt");
    CHECK_INT(e.line, 3);
    CHECK_TEXT(e.message, "max_feature_idx: 'x' is not a whole number from 0 to 4294967293");
    buf_release(&b);
    put_text_file(&b, "a.txt", "tree\n");
    put_text_file(&b, "b.txt", "tree\nversion=v4\nmax_feature_idx=0\n");
    end_tar(&b);
    check_refused(&b, "m",
                  "none of its models can be read: 'a.txt': max_feature_idx is missing, 'b.txt': "
                  "feature_names: 0 names, max_feature_idx promises 1");
}

/* ---- traps ---- */

TEST(paths_that_leave_the_archive)
{
    static const char *const absolute[] = {"/etc/passwd", "\\windows"};
    static const char *const parent[] = {"..", "../model.txt", "a/../model.txt", "a/.."};
    for (size_t i = 0; i < COUNT_OF(absolute); i++) {
        struct buf b = tar_of(absolute[i], MODEL("1"));
        char *place = mem_format("m:%s", absolute[i]);
        check_refused(&b, place, "its path is absolute");
        mem_free(place);
    }
    for (size_t i = 0; i < COUNT_OF(parent); i++) {
        struct buf b = tar_of(parent[i], MODEL("1"));
        char *place = mem_format("m:%s", parent[i]);
        check_refused(&b, place, "its path has '..' in it");
        mem_free(place);
    }
    struct buf fine = tar_of("..a/b..c/...", MODEL("1"));
    check_model(&fine, "..a/b..c/...", 1);
    put_zip(&fine, "../m", MODEL("1"), 0);
    check_refused(&fine, "m:../m", "its path has '..' in it");
}

TEST(entries_that_are_no_files)
{
    const struct {
        char type;
        const char *message;
    } cases[] = {{'1', "it is a link"},
                 {'2', "it is a link"},
                 {'3', "it is neither a file nor a directory"},
                 {'6', "it is neither a file nor a directory"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf b = {0};
        put_text_file(&b, "model.txt", MODEL("1"));
        put_header(&b, "other", cases[i].type, 0);
        end_tar(&b);
        check_refused(&b, "m:other", cases[i].message);
    }
}

/* As a linear model is, most of whose weights are 0. */
TEST(what_says_little_for_its_size)
{
    struct buf b = {0};
    buf_puts(&b, MODEL("3"));
    for (size_t i = 0; i < (size_t)15 << 20; i++)
        buf_putc(&b, '\n');
    gzip(&b);
    CHECK(b.len < 20000);
    check_model(&b, NULL, 3);
}

TEST(bombs)
{
    struct buf b = {0};
    put_zeros(&b, (size_t)40 << 20);
    gzip(&b);
    CHECK(b.len < 50000);
    check_refused(&b, "m",
                  "what it unpacks to is too large for such a file (save it uncompressed)");
    /* What is in it would be fine each for itself. */
    struct buf half = {0};
    put_zeros(&half, (size_t)9 << 20);
    put_file(&b, "a", half.at, half.len);
    put_file(&b, "b", half.at, half.len);
    end_tar(&b);
    gzip(&b);
    buf_release(&half);
    check_refused(&b, "m",
                  "what it unpacks to is too large for such a file (save it uncompressed)");
    /* A member that is a bomb of its own. */
    put_zeros(&half, (size_t)40 << 20);
    gzip(&half);
    put_file(&b, "bomb.gz", half.at, half.len);
    end_tar(&b);
    gzip(&b);
    buf_release(&half);
    check_refused(&b, "m:bomb.gz",
                  "what it unpacks to is too large for such a file (save it uncompressed)");
}

TEST(too_many_entries)
{
    struct buf b = {0};
    for (size_t i = 0; i <= 10000; i++)
        put_header(&b, "d/", '5', 0);
    end_tar(&b);
    check_refused(&b, "m", "it has too many files");
}

TEST(archives_in_archives_stay_closed)
{
    struct buf inner = tar_of("model.txt", MODEL("1")), b = {0};
    put_file(&b, "inner.tar", inner.at, inner.len);
    end_tar(&b);
    buf_release(&inner);
    struct error e;
    CHECK(parse(&b, &e) == NULL);
    CHECK(strstr(e.message, "it holds 'inner.tar', but no model"));
    buf_release(&b);
}

TEST(an_encrypted_archive)
{
    struct buf b = {0};
    put_zip(&b, "model.txt", MODEL("1"), 1);
    check_refused(&b, "m:model.txt", "it is encrypted");
}

/* Cut anywhere it is refused, and with any bit changed it is a model or refused. */
static void damage(struct buf *b, size_t cut_step)
{
    struct error e;
    for (size_t n = 0; n < b->len; n += cut_step) {
        struct buf cut = {b->at, n, n};
        struct model *m = parse(&cut, &e);
        CHECK(!m || n + 3 * (size_t)BLOCK > b->len); /* the end of tar files may be missing */
        model_free(m);
    }
    for (size_t i = 0; i < b->len; i++) {
        b->at[i] = (char)(b->at[i] ^ 1 << i % 8);
        model_free(parse(b, &e));
        b->at[i] = (char)(b->at[i] ^ 1 << i % 8);
    }
    buf_release(b);
}

TEST(damaged_archives)
{
    struct buf b = tar_of("model.txt", MODEL("1"));
    damage(&b, 1);
    b = tar_of("model.txt", MODEL("1"));
    gzip(&b);
    damage(&b, 1);
    put_zip(&b, "model.txt", MODEL("1"), 0);
    damage(&b, 1);
}
