/* The option parser, run as a tool of its own in a child process:
 * what it prints and how it ends. */
#include "unit.h"

#include "cli/cli.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct toy {
    bool force;
    const char *output, *from, *to;
    int64_t jobs, seed;
    uint64_t memory;
    double rate;
    int on_error;
    struct option_list na;
    usec every;
};

static const struct option toy_options[] = {
    {'F', "force", NULL, INTO_FLAG(struct toy, force), .help = "do it anyway"},
    OPTION_ROW_OUTPUT(struct toy, output),
    OPTION_ROW_FROM(struct toy, from),
    OPTION_ROW_TO(struct toy, to),
    OPTION_ROW_JOBS(struct toy, jobs),
    OPTION_ROW_SEED(struct toy, seed),
    {0, "memory", "SIZE", INTO_SIZE(struct toy, memory), .fallback = "64M", .range = "1M..",
     .help = "memory to use"},
    {0, "rate", "RATE", INTO_DOUBLE(struct toy, rate), .range = "0..1", .help = "part to keep",
     .more = "A sentence. Another one that says --rate 0.5 keeps half."},
    {0, "on-error", NULL, INTO_CHOICE(struct toy, on_error), .choices = "stop|skip|null",
     .fallback = "stop", .help = "what to do with bad rows"},
    {0, "na", "TOKEN", INTO_LIST(struct toy, na), .help = "also means missing"},
    {0, "every", "TIME", INTO_DURATION(struct toy, every), .help = "how often"},
    OPTION_END,
};

static const char *text_or(const char *text)
{
    return text ? text : "-";
}

static int toy_show(void *options, struct operands *operands)
{
    const struct toy *o = options;
    printf("force=%d output=%s from=%s jobs=%" PRId64 " seed=%" PRId64 " memory=%" PRIu64
           " rate=%g on_error=%d every=%" PRId64 " na=",
           o->force, text_or(o->output), text_or(o->from), o->jobs, o->seed, o->memory, o->rate,
           o->on_error, o->every);
    for (size_t i = 0; i < o->na.len; i++)
        printf("%s,", o->na.at[i]);
    printf(" operands=");
    for (size_t i = 0; i < operands->len; i++)
        printf("[%s]", operands->at[i]);
    printf("\n");
    return 0;
}

static int toy_fail(void *options, struct operands *operands)
{
    (void)options;
    struct error e = {0};
    (void)error_set(&e, ERR_DATA, "bad cell '%s': expected a number", operands->at[0]);
    (void)error_at(&e, "in.csv", 3, 2);
    cli_warn("only a warning");
    cli_note("only a note");
    return cli_report(&e);
}

static int toy_raise(void *options, struct operands *operands)
{
    (void)options;
    return raise(strcmp(operands->at[0], "term") == 0 ? SIGTERM : SIGPIPE);
}

static int toy_exhaust(void *options, struct operands *operands)
{
    (void)options;
    (void)operands;
    mem_fail(77);
}

static int toy_count(void *options, struct operands *operands)
{
    (void)options;
    (void)operands;
    struct progress p;
    progress_start(&p, "counting", "rows", 10);
    progress_add(&p, 4);
    progress_add(&p, 6);
    progress_finish(&p);
    return 1;
}

static const struct command show = {
    .name = NULL,
    .summary = "show the options",
    .operands = "PROGRAM [FILE...]",
    .options = toy_options,
    .options_size = sizeof(struct toy),
    .run = toy_show,
};
static const struct command pair = {
    .name = "pair",
    .summary = "takes one or two",
    .operands = "A [B]",
    .options = toy_options,
    .options_size = sizeof(struct toy),
    .run = toy_show,
    .aliases = "two|couple",
    .more = "First paragraph. It has two sentences.\n\nSecond 'paragraph'.",
};
static const struct command fail = {
    .name = "fail", .summary = "fails", .operands = "WORD", .run = toy_fail};
static const struct command raise_it = {
    .name = "raise", .summary = "raises", .operands = "WORD", .run = toy_raise};
static const struct command exhaust = {
    .name = "exhaust", .summary = "wants memory", .run = toy_exhaust};
static const struct command count = {.name = "count", .summary = "counts", .run = toy_count};
static const struct command *const commands[] = {&pair, &fail, &raise_it, &exhaust, &count, NULL};

/* What a tool would do to its unfinished files. */
static void say_abandoned(void)
{
    ssize_t written = write(STDERR_FILENO, "abandoned\n", 10);
    (void)written;
}

static const struct tool_example examples[] = {{"toy 'x' a.csv", "shows it"}, {NULL, NULL}};
static const struct tool toy = {
    .name = "toy",
    .summary = "a tool for tests",
    .commands = commands,
    .otherwise = &show,
    .examples = examples,
};
static const struct tool strict = {.name = "strict",
                                   .summary = "no default command",
                                   .commands = commands,
                                   .abandon = say_abandoned};

static char out[1 << 16], err[1 << 16];
static int status; /* as a shell gives it */

static void load(FILE *f, char *into, size_t size)
{
    rewind(f);
    into[fread(into, 1, size - 1, f)] = '\0';
    (void)fclose(f);
}

static void run_with(const struct tool *tool, int stdout_fd, char **argv)
{
    int argc = 0, waited = 0;
    while (argv[argc])
        argc++;
    FILE *out_file = tmpfile(), *err_file = tmpfile();
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        (void)dup2(stdout_fd >= 0 ? stdout_fd : fileno(out_file), STDOUT_FILENO);
        (void)dup2(fileno(err_file), STDERR_FILENO);
        exit(tool_main(tool, argc, argv)); /* not _exit: leaks are to be looked for */
    }
    (void)waitpid(child, &waited, 0);
    status = WIFSIGNALED(waited) ? 128 + WTERMSIG(waited) : WEXITSTATUS(waited);
    load(out_file, out, sizeof(out));
    load(err_file, err, sizeof(err));
}

/* The literals are never written to. */
#define ARGV(...)   ((char **)(uintptr_t)(const char *const[]){"toy", __VA_ARGS__, NULL})
#define RUN(...)    run_with(&toy, -1, ARGV(__VA_ARGS__))
#define STRICT(...) run_with(&strict, -1, ARGV(__VA_ARGS__))

#define CHECK_USAGE(message)                                                                       \
    do {                                                                                           \
        CHECK_TEXT(err, "toy: " message "\n");                                                     \
        CHECK_TEXT(out, "");                                                                       \
        CHECK_INT(status, 2);                                                                      \
    } while (0)

#define DEFAULTS                                                                                   \
    "force=0 output=- from=- jobs=0 seed=0 memory=67108864 rate=0 on_error=0 every=0 na= "

TEST(defaults)
{
    RUN("p");
    CHECK_TEXT(out, DEFAULTS "operands=[p]\n");
    CHECK_TEXT(err, "");
    CHECK_INT(status, 0);
}

TEST(every_kind)
{
    RUN("-F", "-ofile", "--from=csv", "-j", "4", "--seed", "-7", "--memory=2MiB", "--rate", ".25",
        "--on-error=null", "--na", "NA", "--na=", "--every=1h30m", "p");
    CHECK_TEXT(out,
               "force=1 output=file from=csv jobs=4 seed=-7 memory=2097152 rate=0.25 on_error=2 "
               "every=5400000000 na=NA,, operands=[p]\n");
    CHECK_TEXT(err, "");
}

TEST(sizes)
{
    RUN("--memory=1T", "p");
    CHECK(strstr(out, "memory=1099511627776 "));
    RUN("--memory=1048576", "p");
    CHECK(strstr(out, "memory=1048576 "));
    RUN("--memory=99999999T", "p");
    CHECK_USAGE("--memory: '99999999T' is not a size such as 64M: see 'toy --help'");
    RUN("--memory=-1M", "p");
    CHECK_USAGE("--memory: '-1M' is not a size such as 64M: see 'toy --help'");
}

TEST(options_after_operands)
{
    RUN("p", "a.csv", "-F", "-", "--na", "x");
    CHECK_TEXT(out,
               "force=1 output=- from=- jobs=0 seed=0 memory=67108864 rate=0 on_error=0 every=0 "
               "na=x, operands=[p][a.csv][-]\n");
}

TEST(double_dash_ends_options)
{
    RUN("--", "-F", "--na", "--");
    CHECK_TEXT(out, DEFAULTS "operands=[-F][--na][--]\n");
}

TEST(double_dash_hides_commands)
{
    RUN("--", "pair");
    CHECK_TEXT(out, DEFAULTS "operands=[pair]\n");
}

TEST(clusters)
{
    RUN("-qFo", "x", "p");
    CHECK(strstr(out, "force=1 output=x "));
    RUN("-Fz", "p");
    CHECK_USAGE("unknown option '-z': see 'toy --help'");
}

TEST(unknown_options)
{
    RUN("--foo", "p");
    CHECK_USAGE("unknown option '--foo': see 'toy --help'");
    RUN("--form=csv", "p");
    CHECK_USAGE("unknown option '--form' (did you mean '--from'?): see 'toy --help'");
    RUN("--forc", "p");
    CHECK_USAGE("unknown option '--forc' (did you mean '--force'?): see 'toy --help'");
    RUN("pair", "--vebrose", "p");
    CHECK_USAGE("unknown option '--vebrose' (did you mean '--verbose'?): see 'toy pair --help'");
    RUN("-\xC3\xA9", "p");
    CHECK_USAGE("unknown option '-\xC3\xA9': see 'toy --help'");
}

TEST(values)
{
    RUN("p", "--from");
    CHECK_USAGE("option '--from' needs a value: FORMAT: see 'toy --help'");
    RUN("p", "--on-error");
    CHECK_USAGE("option '--on-error' needs a value: stop|skip|null: see 'toy --help'");
    RUN("p", "--force=yes");
    CHECK_USAGE("option '--force' takes no value: see 'toy --help'");
    RUN("p", "-j", "x\ny");
    CHECK_USAGE("--jobs: 'x\\x0Ay' is not an integer: see 'toy --help'");
    RUN("p", "-j0");
    CHECK_USAGE("--jobs: '0' is not in 1..1024: see 'toy --help'");
    RUN("p", "-j1024");
    CHECK_INT(status, 0);
    RUN("p", "-j1025");
    CHECK_USAGE("--jobs: '1025' is not in 1..1024: see 'toy --help'");
    RUN("p", "--memory=1K");
    CHECK_USAGE("--memory: '1K' is not in 1M..: see 'toy --help'");
    RUN("p", "--rate=1.5");
    CHECK_USAGE("--rate: '1.5' is not in 0..1: see 'toy --help'");
    RUN("p", "--rate=");
    CHECK_USAGE("--rate: '' is not a number: see 'toy --help'");
    RUN("p", "--on-error=sto");
    CHECK_USAGE("--on-error: 'sto' is none of stop|skip|null: see 'toy --help'");
    RUN("p", "--every=3");
    CHECK_USAGE("--every: '3' is not a duration such as 90s: see 'toy --help'");
}

TEST(operand_counts)
{
    RUN("-F");
    CHECK_USAGE("missing operand PROGRAM: see 'toy --help'");
    RUN("pair");
    CHECK_USAGE("missing operand A: see 'toy pair --help'");
    RUN("pair", "1", "2", "3");
    CHECK_USAGE("unexpected operand '3': see 'toy pair --help'");
    RUN("couple", "1", "2");
    CHECK_TEXT(out, DEFAULTS "operands=[1][2]\n");
}

TEST(commands_are_found)
{
    RUN("-q", "-o", "pair", "pair", "x");
    CHECK(strstr(out, "output=pair "));
    CHECK(strstr(out, "operands=[x]\n"));
    STRICT("pari", "--nonsense");
    CHECK_TEXT(err, "strict: unknown command 'pari' (did you mean 'pair'?): see 'strict --help'\n"
                    "abandoned\n");
    CHECK_INT(status, 2);
    STRICT("-q");
    CHECK_TEXT(err, "strict: missing command: see 'strict --help'\nabandoned\n");
    CHECK_INT(status, 2);
}

TEST(version)
{
    RUN("--version");
    CHECK_TEXT(out, "toy (mlutils) " MLUTILS_VERSION "\n");
    CHECK_INT(status, 0);
}

static size_t longest_line(const char *text)
{
    size_t longest = 0;
    for (size_t len; *text; text += len + (text[len] != '\0')) {
        len = strcspn(text, "\n");
        longest = len > longest ? len : longest;
    }
    return longest;
}

TEST(help)
{
    RUN("--help", "--nonsense");
    CHECK_INT(status, 0);
    CHECK(strstr(out, "usage: toy [OPTION...] PROGRAM [FILE...]\n"
                      "       toy COMMAND [OPTION...] [OPERAND...]\n") == out);
    CHECK(strstr(out, "\n  pair                  takes one or two\n"));
    CHECK(strstr(out, "\n  -F, --force           do it anyway\n"));
    CHECK(strstr(out, "\n      --memory=SIZE     memory to use (default: 64M)\n"));
    CHECK(strstr(out, "\n  # shows it\n  toy 'x' a.csv\n"));
    CHECK(longest_line(out) < 80);
    RUN("pair", "--help");
    CHECK(strstr(out, "usage: toy pair [OPTION...] A [B]\n") == out);
    CHECK(strstr(out, "\nSecond 'paragraph'.\n"));
    CHECK(longest_line(out) < 80);
    CHECK_TEXT(err, "");
}

TEST(reports)
{
    RUN("fail", "x\033[1m\xC2\x9B");
    CHECK_TEXT(err, "toy: warning: only a warning\n"
                    "toy: in.csv:3:2: bad cell 'x\\x1B[1m\\xC2\\x9B': expected a number\n");
    CHECK_INT(status, 3);
    RUN("fail", "-q", "w");
    CHECK_TEXT(err, "toy: in.csv:3:2: bad cell 'w': expected a number\n");
    RUN("fail", "-qv", "w");
    CHECK(strstr(err, "toy: only a note\n"));
}

TEST(signals_abandon_and_kill)
{
    STRICT("raise", "term");
    CHECK_TEXT(err, "abandoned\n");
    CHECK_INT(status, 128 + SIGTERM);
    (void)signal(SIGPIPE, SIG_IGN); /* as some parents do */
    STRICT("raise", "pipe");
    (void)signal(SIGPIPE, SIG_DFL);
    CHECK_TEXT(err, "abandoned\n");
    CHECK_INT(status, 128 + SIGPIPE);
}

TEST(ignored_signals_stay_ignored)
{
    (void)signal(SIGTERM, SIG_IGN);
    STRICT("raise", "term");
    (void)signal(SIGTERM, SIG_DFL);
    CHECK_INT(status, 0);
}

TEST(memory_runs_out)
{
    STRICT("exhaust");
    CHECK_TEXT(err, "strict: out of memory: 77 bytes wanted\nabandoned\n");
    CHECK_INT(status, 4);
}

TEST(full_disk)
{
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    run_with(&toy, full, ARGV("p"));
    CHECK_TEXT(err, "toy: standard output: cannot write: No space left on device\n");
    CHECK_INT(status, 4);
    run_with(&toy, full, ARGV("--help"));
    CHECK_INT(status, 4);
    (void)close(full);
}

TEST(directory)
{
    RUN("-C", "/nonexistent", "p");
    CHECK_TEXT(err, "toy: /nonexistent: cannot change to directory: No such file or directory\n");
    CHECK_INT(status, 4);
}

TEST(progress_jsonl)
{
    RUN("count", "--progress=jsonl");
    CHECK(strstr(err, "{\"progress\":\"counting\",\"unit\":\"rows\",\"done\":10,\"total\":10,") ==
          err);
    CHECK_INT(status, 1);
    RUN("count");
    CHECK_TEXT(err, "");
}

TEST(describe_json)
{
    RUN("--describe=json");
    CHECK_INT(status, 0);
    struct json_reader r;
    json_start(&r, out, strlen(out));
    CHECK_INT(json_next(&r), JSON_TOKEN_OBJECT);
    CHECK(json_skip(&r));
    CHECK_INT(json_next(&r), JSON_TOKEN_DONE);
    CHECK(strstr(out, "{\"kind\":\"choice\",\"name\":\"on-error\",\"default\":\"stop\","
                      "\"choices\":[\"stop\",\"skip\",\"null\"]"));
}

TEST(describe_mdoc)
{
    RUN("--describe=mdoc");
    CHECK(strstr(out, ".It Fl F , Fl -force\nDo it anyway.\n"));
    CHECK(strstr(out, "\nA sentence.\nAnother one that says \\-\\-rate 0.5 keeps half.\n"));
    CHECK(strstr(out, "\n.Cm stop ,\n.Cm skip\nor\n.Cm null .\n"));
    CHECK(strstr(out, "\nIt has two sentences.\n.Pp\nSecond 'paragraph'.\n"));
    CHECK(strstr(out,
                 "\nTakes these options of the section OPTIONS:\n.Fl -force ,\n.Fl -output ,\n"));
    CHECK(strstr(out, "\n.It Xo\n.Cm pair\n.Op Ar option ...\n.Ar A\n.Op Ar B\n.Xc\n"));
}

TEST(describe_shells)
{
    static const char *const shells[][2] = {
        {"--describe=bash", "complete -o default -F _toy toy\n"},
        {"--describe=zsh", "'(-F --force)--force[do it anyway]'\n"},
        {"--describe=fish", " -l on-error -x -a 'stop skip null' -d 'what to do with bad rows'\n"},
    };
    for (size_t i = 0; i < COUNT_OF(shells); i++) {
        RUN(shells[i][0]);
        CHECK(strstr(out, shells[i][1]));
        CHECK_INT(status, 0);
    }
}

TEST(nearest)
{
    static const char *const names[] = {"impute", NULL, "onehot", "scale"};
    CHECK_TEXT(cli_nearest("imptue", names, 4), "impute");
    CHECK_TEXT(cli_nearest("scal", names, 4), "scale");
    CHECK(!cli_nearest("filter", names, 4));
    CHECK(!cli_nearest("", names, 4));
}
