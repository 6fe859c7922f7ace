#include "io/io.h"
#include "sys/sys.h"
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void put(const char *path, const void *bytes, size_t n)
{
    struct error e = {0};
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    CHECK(fd >= 0);
    CHECK_INT(file_write(fd, bytes, n, path, &e), 0);
    close(fd);
}

static struct buf get(const char *path)
{
    struct buf b = {0};
    struct error e = {0};
    CHECK_INT(file_load(path, 1 << 24, &b, &e), 0);
    return b;
}

/* Reads the rest in steps of `step` bytes: 0 or the error. */
static int drain(struct source *s, size_t step, struct buf *out, struct error *e)
{
    for (;;) {
        buf_reserve(out, step);
        ssize_t got = source_read(s, out->at + out->len, step, e);
        if (got <= 0)
            return (int)got;
        out->len += (size_t)got;
    }
}

static int slurp(const char *path, const char *encoding, struct buf *out, struct error *e)
{
    struct source *s;
    struct source_options options = {encoding};
    int status = source_open(path, &options, &s, e);
    if (status)
        return status;
    status = drain(s, 1000, out, e);
    source_free(s);
    return status;
}

static void check_reads(const char *path, const char *encoding, const void *want, size_t n)
{
    struct buf b = {0};
    struct error e = {0};
    CHECK_INT(slurp(path, encoding, &b, &e), 0);
    CHECK_TEXT(e.message, "");
    CHECK_INT(b.len, n);
    CHECK(b.len == n && (n == 0 || memcmp(b.at, want, n) == 0));
    buf_release(&b);
}

static int slurp_status(const char *path, const char *encoding, struct error *e)
{
    struct buf b = {0};
    *e = (struct error){0};
    int status = slurp(path, encoding, &b, e);
    buf_release(&b);
    return status;
}

/* Lines that do not compress to nothing. */
static struct buf sample(size_t lines)
{
    struct buf b = {0};
    for (size_t i = 0; i < lines; i++)
        buf_format(&b, "%zu,%016llx\n", i, (unsigned long long)hash_u64(i));
    return b;
}

/* Runs a shell command in the folder; false when a program it needs is not there. */
static bool shell(const char *needs, const char *script)
{
    struct error e = {0};
    pid_t pid;
    int status = -1;
    char *all = mem_format("command -v %s >/dev/null || exit 99; cd %s && { %s; }", needs,
                           unit_folder(), script);
    char *const argv[] = {(char[]){"sh"}, (char[]){"-c"}, all, NULL};
    CHECK_INT(process_spawn(argv, NULL, NULL, &pid, &e), 0);
    CHECK_INT(process_wait(pid, &status, &e), 0);
    mem_free(all);
    if (status == 99)
        printf("# %s is not installed: part of a test skipped\n", needs);
    else
        CHECK_INT(status, 0);
    return status == 0;
}

TEST(a_plain_file_is_read_and_peeked)
{
    const char *path = in_folder("plain.csv");
    struct source *s;
    struct error e = {0};
    const char *at;
    size_t n;
    put(path, "a,b\n1,2\n", 8);
    CHECK_INT(source_open(path, NULL, &s, &e), 0);
    CHECK_TEXT(source_name(s), path);
    CHECK_INT(source_peek(s, 3, &at, &n, &e), 0);
    CHECK(n >= 3 && memcmp(at, "a,b", 3) == 0);
    CHECK_INT(source_peek(s, 100, &at, &n, &e), 0);
    CHECK_INT(n, 8);
    struct buf b = {0};
    CHECK_INT(drain(s, 3, &b, &e), 0);
    CHECK_TEXT(buf_text(&b), "a,b\n1,2\n");
    CHECK_INT(source_peek(s, 1, &at, &n, &e), 0);
    CHECK_INT(n, 0);
    CHECK_INT(source_rewind(s, &e), 0);
    b.len = 0;
    CHECK_INT(drain(s, 5, &b, &e), 0);
    CHECK_TEXT(buf_text(&b), "a,b\n1,2\n");
    buf_release(&b);
    source_free(s);
    source_free(NULL);
    unlink(path);
}

TEST(a_plain_file_says_where_its_text_is)
{
    const char *path = in_folder("bom.csv");
    struct source *s;
    struct error e = {0};
    char bytes[4];
    uint64_t start, end;
    put(path,
        "\xef\xbb\xbf"
        "abc",
        6);
    check_reads(path, NULL, "abc", 3);
    CHECK_INT(source_open(path, NULL, &s, &e), 0);
    CHECK(source_plain(s, &start, &end));
    CHECK_INT(start, 3);
    CHECK_INT(end, 6);
    CHECK_INT(source_read_at(s, 4, bytes, 2, &e), 0);
    CHECK(memcmp(bytes, "bc", 2) == 0);
    CHECK_INT(source_read_at(s, 4, bytes, 3, &e), ERR_SYSTEM);
    CHECK_TEXT(e.message, "became shorter while it was read");
    CHECK_TEXT(e.file, path);
    source_free(s);
    put(path, "", 0);
    check_reads(path, NULL, "", 0);
    unlink(path);
}

TEST(what_cannot_be_read_is_named)
{
    struct error e;
    CHECK_INT(slurp_status(in_folder("absent"), NULL, &e), ERR_SYSTEM);
    CHECK_TEXT(e.message, "cannot open: No such file or directory");
    CHECK_TEXT(e.file, in_folder("absent"));
    CHECK_INT(slurp_status(unit_folder(), NULL, &e), ERR_SYSTEM);
    CHECK_TEXT(e.message, "cannot read: Is a directory");
    CHECK_TEXT(e.file, unit_folder());
    CHECK_INT(slurp_status("", NULL, &e), ERR_SYSTEM);
}

TEST(proc_files_are_read_as_streams)
{
    struct source *s;
    struct error e = {0};
    struct buf b = {0};
    uint64_t start, end;
    CHECK_INT(source_open("/proc/self/status", NULL, &s, &e), 0);
    CHECK(!source_plain(s, &start, &end));
    CHECK_INT(drain(s, 100, &b, &e), 0);
    CHECK(b.len > 100);
    buf_release(&b);
    source_free(s);
}

static pid_t feed(const char *path, const void *bytes, size_t n, size_t step)
{
    CHECK_INT(mkfifo(path, 0600), 0);
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    struct error e = {0};
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    for (size_t i = 0; i < n; i += step) {
        size_t part = n - i < step ? n - i : step;
        if (file_write(fd, (const char *)bytes + i, part, path, &e) != 0)
            _exit(1);
        if (step < 100)
            usleep(100);
    }
    _exit(0);
}

TEST(a_pipe_is_spooled_to_be_rewound)
{
    const char *path = in_folder("fifo");
    struct buf text = sample(5000), b = {0};
    struct source *s;
    struct error e = {0};
    const char *at;
    size_t n;
    pid_t pid = feed(path, text.at, text.len, 8192);
    CHECK_INT(source_open(path, NULL, &s, &e), 0);
    CHECK(!source_rewindable(s));
    CHECK_INT(source_rewind(s, &e), ERR_SYSTEM);
    CHECK_INT(source_peek(s, 30000, &at, &n, &e), 0);
    CHECK(n >= 30000);
    CHECK_INT(source_spool(s, &e), 0);
    for (int round = 0; round < 2; round++) {
        b.len = 0;
        CHECK(source_rewindable(s));
        CHECK_INT(drain(s, 4096, &b, &e), 0);
        CHECK(b.len == text.len && memcmp(b.at, text.at, b.len) == 0);
        CHECK_INT(source_rewind(s, &e), 0);
    }
    source_free(s);
    waitpid(pid, NULL, 0);
    buf_release(&b);
    buf_release(&text);
    unlink(path);
}

TEST(a_slow_stream_flows)
{
    const char *path = in_folder("slow");
    struct source *s;
    struct error e = {0};
    char into[100];
    CHECK_INT(mkfifo(path, 0600), 0);
    int fd = open(path, O_RDWR | O_CLOEXEC); /* never at its end */
    CHECK_INT(file_write(fd, "P,1\n", 4, path, &e), 0);
    CHECK_INT(source_open(path, NULL, &s, &e), 0);
    CHECK_INT(source_read(s, into, sizeof into, &e), 4);
    CHECK_INT(file_write(fd, "2\n", 2, path, &e), 0);
    CHECK_INT(source_read(s, into, sizeof into, &e), 2);
    source_free(s);
    close(fd);
    unlink(path);
}

/* `sure`: from this many bytes on a stump of such a file cannot be a short text. */
static const struct {
    const char *tool, *extension;
    size_t sure;
} tools[] = {
    {"gzip", "gz", 1}, {"zstd", "zst", 2}, {"xz", "xz", 1}, {"bzip2", "bz2", 4}, {"lz4", "lz4", 1}};

static void write_sink(const char *path, const void *bytes, size_t n)
{
    struct sink *out;
    struct error e = {0};
    CHECK_INT(sink_open(path, &out, &e), 0);
    CHECK_INT(sink_write(out, bytes, n / 2, &e), 0);
    struct iovec rest = {(char *)(uintptr_t)bytes + n / 2, n - n / 2};
    CHECK_INT(sink_writev(out, &rest, 1, &e), 0);
    CHECK_INT(sink_commit(out, &e), 0);
    CHECK_TEXT(e.message, "");
}

TEST(what_a_sink_compresses_a_source_reads)
{
    struct buf text = sample(20000);
    for (size_t i = 0; i < COUNT_OF(tools); i++) {
        for (size_t n = 0; n <= text.len; n = n ? n * 25 : 1) {
            char *name = mem_format("made.csv.%s", tools[i].extension);
            const char *path = in_folder(name);
            write_sink(path, text.at, n);
            struct buf packed = get(path);
            CHECK(n < 1000 || packed.len < n);
            check_reads(path, NULL, text.at, n);
            buf_release(&packed);
            mem_free(name);
        }
    }
    buf_release(&text);
}

TEST(the_tools_read_what_a_sink_compresses)
{
    struct buf text = sample(3000);
    put(in_folder("want"), text.at, text.len);
    for (size_t i = 0; i < COUNT_OF(tools); i++) {
        char *name = mem_format("tool.%s", tools[i].extension);
        write_sink(in_folder(name), text.at, text.len);
        char *script = mem_format("%s -dc <%s | cmp - want", tools[i].tool, name);
        shell(tools[i].tool, script);
        unlink(in_folder(name));
        mem_free(script);
        mem_free(name);
    }
    unlink(in_folder("want"));
    buf_release(&text);
}

/* Two streams behind each other, as `cat a.gz b.gz` makes them; read from a file and from a pipe
 * that gives a few bytes at a time. */
TEST(what_the_tools_compress_is_read)
{
    struct buf text = sample(300);
    buf_add(&text, text.at, 0);
    put(in_folder("one"), text.at, 1000);
    put(in_folder("two"), text.at + 1000, text.len - 1000);
    for (size_t i = 0; i < COUNT_OF(tools); i++) {
        const char *t = tools[i].tool;
        char *script = mem_format("{ %s -c <one; %s -c <two; } >both.csv", t, t);
        if (shell(t, script)) {
            check_reads(in_folder("both.csv"), NULL, text.at, text.len);
            struct buf packed = get(in_folder("both.csv"));
            pid_t pid = feed(in_folder("fifo"), packed.at, packed.len, 7);
            check_reads(in_folder("fifo"), NULL, text.at, text.len);
            waitpid(pid, NULL, 0);
            unlink(in_folder("fifo"));
            buf_release(&packed);
        }
        mem_free(script);
    }
    unlink(in_folder("one"));
    unlink(in_folder("two"));
    unlink(in_folder("both.csv"));
    buf_release(&text);
}

TEST(a_truncated_stream_is_never_a_silent_end)
{
    struct buf text = sample(60);
    struct error e;
    for (size_t i = 0; i < COUNT_OF(tools); i++) {
        char *name = mem_format("cut.%s", tools[i].extension);
        write_sink(in_folder(name), text.at, text.len);
        struct buf packed = get(in_folder(name));
        for (size_t n = 1; n < packed.len; n++) {
            put(in_folder("cut"), packed.at, n);
            int status = slurp_status(in_folder("cut"), NULL, &e);
            bool caught = status == ERR_DATA && strstr(e.message, "truncated");
            if (caught != (n >= tools[i].sure))
                UNIT_FAIL("%s cut to %zu of %zu bytes: %d %s", name, n, packed.len, status,
                          e.message);
        }
        unlink(in_folder(name));
        buf_release(&packed);
        mem_free(name);
    }
    unlink(in_folder("cut"));
    buf_release(&text);
}

TEST(a_long_truncated_stream_gives_its_beginning)
{
    struct buf text = sample(40000);
    for (size_t i = 0; i < COUNT_OF(tools); i++) {
        struct buf b = {0};
        struct error e = {0};
        char *name = mem_format("cut.%s", tools[i].extension);
        write_sink(in_folder(name), text.at, text.len);
        CHECK_INT(truncate(in_folder(name), 300000), 0);
        CHECK_INT(slurp(in_folder(name), NULL, &b, &e), ERR_DATA);
        CHECK_TEXT(e.file, in_folder(name));
        CHECK(b.len < text.len && (b.len == 0 || memcmp(b.at, text.at, b.len) == 0));
        CHECK(b.len > 100000 || i >= 3); /* blocks of bzip2 and lz4 are larger */
        buf_release(&b);
        unlink(in_folder(name));
        mem_free(name);
    }
    buf_release(&text);
}

TEST(garbage_after_the_data_is_an_error)
{
    struct error e;
    for (size_t i = 0; i < COUNT_OF(tools); i++) {
        for (size_t n = 0; n <= 6; n += 6) {
            char *name = mem_format("more.%s", tools[i].extension);
            write_sink(in_folder(name), "hello\n", n);
            struct buf packed = get(in_folder(name));
            buf_puts(&packed, "garbage");
            put(in_folder(name), packed.at, packed.len);
            CHECK_INT(slurp_status(in_folder(name), NULL, &e), ERR_DATA);
            CHECK(strstr(e.message, i == 0 || i >= 3 ? "garbage" : "damaged") != NULL);
            buf_release(&packed);
            unlink(in_folder(name));
            mem_free(name);
        }
    }
}

TEST(gzip_may_be_padded_with_zeros_only)
{
    const char *path = in_folder("pad.gz");
    struct error e;
    write_sink(path, "hello\n", 6);
    struct buf b = get(path);
    for (int i = 0; i < 100; i++)
        buf_putc(&b, '\0');
    put(path, b.at, b.len);
    check_reads(path, NULL, "hello\n", 6);
    buf_putc(&b, 'x');
    put(path, b.at, b.len);
    CHECK_INT(slurp_status(path, NULL, &e), ERR_DATA);
    CHECK_TEXT(e.message, "garbage after the end of the gzip data");
    b.at[b.len - 1] = 0x1f; /* not even another member after zeros */
    put(path, b.at, b.len);
    CHECK_INT(slurp_status(path, NULL, &e), ERR_DATA);
    CHECK_TEXT(e.message, "garbage after the end of the gzip data");
    b.at[b.len - 107] ^= 1; /* the checksum */
    put(path, b.at, b.len);
    CHECK_INT(slurp_status(path, NULL, &e), ERR_DATA);
    CHECK_TEXT(e.message, "the gzip data is damaged: incorrect data check");
    buf_release(&b);
    unlink(path);
}

TEST(a_peek_before_damage_does_not_hide_it)
{
    struct buf text = sample(60), packed;
    struct source *s;
    struct error e = {0};
    const char *at;
    size_t n;
    write_sink(in_folder("peek.gz"), text.at, text.len);
    packed = get(in_folder("peek.gz"));
    put(in_folder("peek.gz"), packed.at, packed.len - 4);
    CHECK_INT(source_open(in_folder("peek.gz"), NULL, &s, &e), 0);
    CHECK_INT(source_peek(s, 1 << 20, &at, &n, &e), 0);
    CHECK_INT(n, text.len);
    struct buf b = {0};
    CHECK_INT(drain(s, 100, &b, &e), ERR_DATA);
    CHECK_INT(b.len, text.len);
    CHECK_INT(source_rewind(s, &e), 0);
    CHECK_INT(source_peek(s, 10, &at, &n, &e), 0);
    source_free(s);
    buf_release(&b);
    buf_release(&packed);
    buf_release(&text);
    unlink(in_folder("peek.gz"));
}

TEST(a_zip_gives_its_only_member_or_the_one_named)
{
    struct error e;
    put(in_folder("a.csv"), "a\n1\n", 4);
    put(in_folder("b.csv"), "b\n2\n", 4);
    if (shell("zip", "mkdir d; cp b.csv d/b.csv; zip -q one.zip a.csv; zip -qr two.zip a.csv d")) {
        check_reads(in_folder("one.zip"), NULL, "a\n1\n", 4);
        check_reads(in_folder("one.zip:a.csv"), NULL, "a\n1\n", 4);
        check_reads(in_folder("two.zip:d/b.csv"), NULL, "b\n2\n", 4);
        CHECK_INT(slurp_status(in_folder("two.zip"), NULL, &e), ERR_USAGE);
        CHECK(strstr(e.message, "'a.csv' and 'd/b.csv'") != NULL);
        CHECK_INT(slurp_status(in_folder("two.zip:c.csv"), NULL, &e), ERR_SYSTEM);
        CHECK_TEXT(e.message, "the zip archive has no member 'c.csv'");
        struct buf packed = get(in_folder("one.zip"));
        pid_t pid = feed(in_folder("fifo"), packed.at, packed.len, 100);
        check_reads(in_folder("fifo"), NULL, "a\n1\n", 4);
        waitpid(pid, NULL, 0);
        unlink(in_folder("fifo"));
        for (size_t n = 4; n < packed.len; n++) {
            put(in_folder("one.zip"), packed.at, n);
            CHECK_INT(slurp_status(in_folder("one.zip"), NULL, &e), ERR_DATA);
        }
        buf_release(&packed);
        shell("rm", "rm -r d *.zip");
    }
    CHECK_INT(slurp_status(in_folder("a.csv:b"), NULL, &e), ERR_USAGE);
    unlink(in_folder("a.csv"));
    unlink(in_folder("b.csv"));
}

TEST(encodings_become_utf8)
{
    const char *path = in_folder("text");
    put(path, "na\xefve \x80", 7);
    check_reads(path, "cp1252", "na\xc3\xafve \xe2\x82\xac", 10);
    put(path, "\xff\xfeh\0i\0\x3d\xd8\x00\xde", 10);
    check_reads(path, NULL, "hi\xf0\x9f\x98\x80", 6);
    check_reads(path, "UTF-16", "hi\xf0\x9f\x98\x80", 6);
    check_reads(path, "UTF-16LE", "hi\xf0\x9f\x98\x80", 6);
    put(path, "\xfe\xff\0h\0i", 6);
    check_reads(path, NULL, "hi", 2);
    unlink(path);
}

TEST(long_text_is_decoded_across_buffers)
{
    const char *path = in_folder("text");
    struct buf wide = {0}, want = {0};
    buf_add(&wide, "\xff\xfe", 2);
    buf_putc(&wide, 'x'), buf_putc(&wide, '\0'); /* pairs now straddle every power of two */
    buf_puts(&want, "x");
    for (int i = 0; i < 40000; i++) {
        buf_add(&wide, "\x3d\xd8\x00\xde", 4);
        buf_puts(&want, "\xf0\x9f\x98\x80");
    }
    put(path, wide.at, wide.len);
    check_reads(path, NULL, want.at, want.len);
    buf_release(&wide);
    buf_release(&want);
    unlink(path);
}

TEST(bad_bytes_are_named_by_their_offset)
{
    const char *path = in_folder("text");
    struct error e;
    put(path, "\xff\xfeh\0\x3d\xd8h\0", 8);
    CHECK_INT(slurp_status(path, NULL, &e), ERR_DATA);
    CHECK_TEXT(e.message, "bad bytes at byte offset 4 for the encoding 'UTF-16LE'");
    put(path, "\xff\xfeh\0i", 5);
    CHECK_INT(slurp_status(path, NULL, &e), ERR_DATA);
    CHECK_TEXT(e.message, "a character cut off by the end of the file at byte offset 4 for the "
                          "encoding 'UTF-16LE'");
    CHECK_INT(slurp_status(path, "no-such-code", &e), ERR_USAGE);
    CHECK_INT(slurp_status(path, "latin1//IGNORE", &e), ERR_USAGE);
    unlink(path);
}

TEST(an_aborted_sink_leaves_no_file)
{
    struct sink *s;
    struct error e = {0};
    for (size_t i = 0; i < COUNT_OF(tools); i++) {
        char *name = mem_format("aborted.%s", tools[i].extension);
        CHECK_INT(sink_open(in_folder(name), &s, &e), 0);
        CHECK_INT(sink_write(s, "hello", 5, &e), 0);
        CHECK(!sink_is_live(s));
        sink_abort(s);
        CHECK_INT(sink_open(in_folder(name), &s, &e), 0);
        sink_abort(s);
        CHECK(access(in_folder(name), F_OK) != 0);
        mem_free(name);
    }
    sink_abort(NULL);
    CHECK_INT(sink_open(in_folder("x.zip"), &s, &e), ERR_USAGE);
}

TEST(a_full_device_is_reported)
{
    struct sink *s;
    struct error e = {0};
    CHECK_INT(sink_open("/dev/full", &s, &e), 0);
    CHECK_INT(sink_write(s, "hello", 5, &e), ERR_SYSTEM);
    CHECK_TEXT(e.message, "cannot write: No space left on device");
    CHECK_TEXT(e.file, "/dev/full");
    sink_abort(s);
    CHECK_INT(symlink("/dev/full", in_folder("full.gz")), 0);
    CHECK_INT(symlink("/dev/full", in_folder("full.xz")), 0);
    for (int i = 0; i < 2; i++) {
        const char *path = in_folder(i ? "full.gz" : "full.xz");
        e = (struct error){0};
        CHECK_INT(sink_open(path, &s, &e), 0);
        /* A compressor may keep the first bytes back, or write its header at once. */
        if (sink_write(s, "hello", 5, &e) != 0)
            sink_abort(s);
        else
            CHECK_INT(sink_commit(s, &e), ERR_SYSTEM);
        CHECK_INT(e.code, ERR_SYSTEM);
        CHECK_TEXT(e.message, "cannot write: No space left on device");
        CHECK_TEXT(e.file, path);
        unlink(path);
    }
}

TEST(extensions_name_the_format)
{
    static const struct {
        const char *path, *want;
    } cases[] = {
        {"x.csv", ".csv"},
        {"dir/x.csv.gz", ".csv"},
        {"x.JSONL.ZST", ".JSONL"},
        {"x", ""},
        {"dir.d/x", ""},
        {".hidden", ""},
        {"dir/.hidden", ""},
        {"x.gz", ""},
        {"x.tar.csv", ".csv"},
        {"a.zip:b.csv", ".csv"},
        {"x.csv.zip", ".csv"},
        {"", ""},
        {"-", ""},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct text got = path_format_extension(cases[i].path);
        if (!text_equal(got, text_of(cases[i].want)))
            UNIT_FAIL("%s gives %.*s", cases[i].path, (int)got.len, got.at);
    }
}

TEST(zz_the_folder_is_empty_in_the_end)
{
    shell("rm", "rm -f made.*");
    CHECK_INT(rmdir(unit_folder()), 0);
}
