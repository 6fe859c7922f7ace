#include "job/job.h"
#include "sys/sys.h"
#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct job_pool *pool_new(const char *journal)
{
    struct job_pool *p = NULL;
    struct error e = {0};
    CHECK_INT(job_pool_open(&(struct job_pool_options){.journal = journal}, &p, &e), 0);
    return p;
}

/* Runs the script to its end; the result borrows from the pool. */
static struct job_result result_of(struct job_pool *p, const struct job *j)
{
    struct job_result r = {0};
    struct error e = {0};
    CHECK_INT(job_start(p, j, &e), 0);
    CHECK_INT(job_wait(p, -1, &r, &e), JOB_ENDED);
    CHECK_INT(job_running(p), 0);
    return r;
}

static struct job_result script_result(struct job_pool *p, const char *script)
{
    return result_of(p, &(struct job){.script = script});
}

TEST(ends_are_told_with_what_they_mean)
{
    struct job_pool *p = pool_new(NULL);
    const struct {
        const char *script;
        int status, signal;
        enum job_class class;
    } cases[] = {
        {"true", 0, 0, JOB_SUCCEEDED},
        {"exit 3", 3, 0, JOB_FAILED},
        {"exit 5", 5, 0, JOB_THROTTLED},
        {"exit 75", 75, 0, JOB_THROTTLED},
        {"kill -9 $$", 137, 9, JOB_INTERNAL},
        {"kill -TERM $$", 143, 15, JOB_INTERNAL},
        {"/no/such/program", 127, 0, JOB_FAILED},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct job_result r = script_result(p, cases[i].script);
        CHECK_INT(r.status, cases[i].status);
        CHECK_INT(r.signal, cases[i].signal);
        CHECK_INT(r.class, cases[i].class);
        CHECK(r.ended >= r.started);
    }
    CHECK_TEXT(job_class_name(JOB_THROTTLED), "temporary");
    job_pool_close(p);
}

TEST(streams_are_the_jobs_own)
{
    struct job_pool *p = pool_new(NULL);
    char in[] = "/tmp/test_job_in_XXXXXX", out[] = "/tmp/test_job_out_XXXXXX", got[32] = "";
    int streams[2] = {mkstemp(in), mkstemp(out)};
    CHECK_INT(write(streams[0], "abc\n", 4), 4);
    CHECK_INT(lseek(streams[0], 0, SEEK_SET), 0);
    struct job_result r =
        result_of(p, &(struct job){.script = "tr a-c x-z; echo told >&2", .streams = streams});
    CHECK_INT(r.status, 0);
    CHECK(text_equal(r.tail, text_of("told\n")));
    CHECK_INT(pread(streams[1], got, sizeof got - 1, 0), 4);
    CHECK_TEXT(got, "xyz\n");
    close(streams[0]);
    close(streams[1]);
    unlink(in);
    unlink(out);
    job_pool_close(p);
}

TEST(a_program_that_is_not_there_is_a_result)
{
    if ((unit_skipped = VFORK_IS_FORK))
        return;
    struct job_pool *p = pool_new(NULL);
    char *const argv[] = {(char[]){"no-such-program"}, NULL};
    struct job_result r = result_of(p, &(struct job){.argv = argv});
    CHECK_INT(r.status, 127);
    CHECK_INT(r.class, JOB_FAILED);
    CHECK(strstr(r.problem, "cannot run 'no-such-program'") != NULL);
    char *const folder[] = {(char[]){"/"}, NULL};
    r = result_of(p, &(struct job){.argv = folder});
    CHECK_INT(r.status, 126);
    job_pool_close(p);
}

TEST(output_comes_with_the_end_and_in_the_log)
{
    struct error e = {0};
    struct job_pool *p = pool_new(NULL);
    char *folder = scratch_directory(&e), *log = mem_format("%s/log", folder);
    struct job_result r =
        result_of(p, &(struct job){.script = "echo one; echo two >&2; printf three", .log = log});
    CHECK(text_equal(r.tail, text_of("one\ntwo\nthree")));
    CHECK(r.wrote);
    struct buf text = {0};
    CHECK_INT(file_load(log, 1000, &text, &e), 0);
    CHECK_TEXT(buf_text(&text), "one\ntwo\nthree");
    (void)unlink(log);
    r = result_of(p, &(struct job){.script = "true", .log = log});
    CHECK(!r.wrote);
    CHECK(access(log, F_OK) != 0); /* nothing was written */
    r = result_of(p, &(struct job){.script = "i=0; while [ $i -lt 20000 ]; do echo line $i; "
                                             "i=$((i+1)); done",
                                   .log = log});
    CHECK(r.tail.len <= 4096 && r.tail.len > 4000);
    CHECK(memcmp(r.tail.at + r.tail.len - 11, "line 19999\n", 11) == 0);
    text.len = 0;
    CHECK_INT(file_load(log, 1 << 20, &text, &e), 0);
    CHECK_INT(text.len, 10 * 7 + 90 * 8 + 900 * 9 + 9000 * 10 + 10000 * 11);
    buf_release(&text);
    mem_free(log);
    scratch_remove(folder);
    job_pool_close(p);
}

TEST(what_a_job_leaves_behind_does_not_hold_its_end_up)
{
    struct job_pool *p = pool_new(NULL);
    struct job_result r = script_result(p, "sleep 60 & echo $!; exit 4");
    CHECK_INT(r.status, 4);
    char *number = mem_text_n(r.tail.at, r.tail.len);
    pid_t left = (pid_t)strtol(number, NULL, 10);
    CHECK(left > 1);
    CHECK_INT(kill(left, SIGKILL), 0); /* it was not waited for */
    mem_free(number);
    r = script_result(p, "yes >&2 & echo $!; exit 0"); /* it writes on, until nobody reads */
    CHECK_INT(r.status, 0);
    job_pool_close(p);
}

TEST(time_that_is_up_ends_a_job_with_all_it_started)
{
    struct job_pool *p = pool_new(NULL);
    struct job_result r =
        result_of(p, &(struct job){.script = "sleep 60", .timeout = USEC_SECOND / 10});
    CHECK(r.timed_out);
    CHECK_INT(r.status, 124);
    CHECK_INT(r.class, JOB_TIMED_OUT);
    r = result_of(p, &(struct job){.script = "trap '' TERM; sleep 60; sleep 60",
                                   .timeout = USEC_SECOND / 10,
                                   .grace = USEC_SECOND / 10});
    CHECK_INT(r.status, 137);
    job_pool_close(p);
}

TEST(a_job_in_a_sandbox_is_a_job)
{
    struct error e = {0};
    const struct sandbox s = {.hostname = "algo-1"};
    if (sandbox_possible(&e) != 0) {
        unit_skipped = "there are no sandboxes";
        return;
    }
    struct job_pool *p = pool_new(NULL);
    struct job_result r =
        result_of(p, &(struct job){.script = "uname -n; exit 5", .directory = "/", .sandbox = &s});
    CHECK(text_equal(r.tail, text_of("algo-1\n")));
    CHECK_INT(r.status, 5);
    CHECK_INT(r.class, JOB_THROTTLED);
    r = result_of(p, &(struct job){.script = "kill -9 $$", .sandbox = &s});
    CHECK_INT(r.status, 137);
    CHECK_INT(r.signal, 9);
    CHECK_INT(r.class, JOB_INTERNAL);
    char *const argv[] = {(char[]){"no-such-program"}, NULL};
    r = result_of(p, &(struct job){.argv = argv, .sandbox = &s});
    CHECK_INT(r.status, 127);
    CHECK_TEXT(r.problem, "cannot run 'no-such-program': No such file or directory");
    const struct sandbox bad = {&(struct sandbox_mount){"/no/such", "/mnt", false}, 1, NULL, false};
    r = result_of(p, &(struct job){.script = "true", .sandbox = &bad});
    CHECK_INT(r.status, 126);
    CHECK_TEXT(r.problem,
               "cannot run '/bin/sh': cannot mount '/no/such': No such file or directory");
    job_pool_close(p);
}

/* Its time is up; it ignores SIGTERM, and one that it started is in another session. Nothing that
 * could write to its output may be left. */
static void check_timeout(const struct sandbox *s, const struct limits *l)
{
    struct job_pool *p = pool_new(NULL);
    int ends[2], streams[2] = {-1, -1};
    char byte;
    CHECK_INT(pipe2(ends, O_CLOEXEC), 0);
    streams[1] = ends[1];
    struct job j = {.script = "trap '' TERM; (setsid sleep 60 &); sleep 60; sleep 60",
                    .streams = streams,
                    .timeout = USEC_SECOND / 2,
                    .grace = USEC_SECOND / 10,
                    .sandbox = s,
                    .limits = l};
    struct job_result r = result_of(p, &j);
    CHECK_INT(r.status, 137);
    CHECK(r.timed_out);
    CHECK_INT(r.class, JOB_TIMED_OUT);
    (void)close(ends[1]);
    CHECK_INT(read(ends[0], &byte, 1), 0);
    (void)close(ends[0]);
    job_pool_close(p);
}

TEST(time_that_is_up_ends_the_whole_tree)
{
    struct error e = {0};
    const struct sandbox s = {0};
    const struct limits l = {.processes = 20};
    bool in_sandbox = sandbox_possible(&e) == 0, in_group = limits_possible(&l, &e) == 0;
    if (in_sandbox)
        check_timeout(&s, NULL);
    else
        unit_skipped = "in a sandbox: there are none";
    if (in_group)
        check_timeout(NULL, &l);
    else
        unit_skipped = "in a control group: none may be made";
}

TEST(a_limit_that_ended_a_job_is_named)
{
    struct error e = {0};
    struct job_pool *p = pool_new(NULL);
    const struct limits size = {.file_size = 1000000}, memory = {.memory = 50000000};
    char file[] = "/tmp/test_job_big_XXXXXX", script[128];
    int fd = mkstemp(file);
    (void)snprintf(script, sizeof script, "head -c 3000000 /dev/zero >%s", file);
    struct job_result r = result_of(p, &(struct job){.script = script, .limits = &size});
    CHECK_INT(r.class, JOB_LIMIT);
    CHECK_INT(r.status, 128 + SIGXFSZ);
    CHECK_TEXT(r.problem, "file size limit of 1000000 bytes");
    (void)unlink(file);
    (void)close(fd);
    if (limits_possible(&memory, &e) != 0) {
        unit_skipped = "memory: no control group may be made";
        job_pool_close(p);
        return;
    }
    const char *fill = "exec dd if=/dev/zero of=/dev/null bs=200M count=1";
    r = result_of(p, &(struct job){.script = fill, .limits = &memory});
    CHECK_INT(r.class, JOB_LIMIT);
    CHECK_INT(r.status, 137);
    CHECK_TEXT(r.problem, "memory limit of 50000000 bytes");
    CHECK(r.peak_memory > 40000000 && r.peak_memory <= 50000000);
    r = result_of(p, &(struct job){.script = "exit 3", .limits = &memory});
    CHECK_INT(r.class, JOB_FAILED);
    CHECK_TEXT(r.problem, "");
    r = result_of(p, &(struct job){.script = "dd if=/dev/zero of=/dev/null bs=200M count=1; true",
                                   .limits = &memory});
    CHECK_INT(r.class, JOB_SUCCEEDED); /* it did without what was killed */
    job_pool_close(p);
}

TEST(several_run_at_once_and_are_stopped)
{
    struct job_pool *p = pool_new(NULL);
    struct error e = {0};
    int tags[40];
    for (int i = 0; i < 40; i++) {
        struct job j = {.script = i % 2 ? "exit 1" : "sleep 60", .tag = &tags[i]};
        CHECK_INT(job_start(p, &j, &e), 0);
    }
    CHECK_INT(job_running(p), 40);
    struct job_result r;
    for (int i = 0; i < 20; i++) {
        CHECK_INT(job_wait(p, -1, &r, &e), JOB_ENDED);
        CHECK_INT(r.status, 1);
        CHECK_INT(((int *)r.tag - tags) % 2, 1);
    }
    CHECK_INT(job_wait(p, 10, &r, &e), JOB_IDLE);
    job_stop_all(p);
    for (int i = 0; i < 20; i++) {
        CHECK_INT(job_wait(p, -1, &r, &e), JOB_ENDED);
        CHECK(r.stopped);
        CHECK_INT(r.signal, SIGTERM);
    }
    CHECK_INT(job_running(p), 0);
    job_pool_close(p);
}

TEST(a_job_has_its_folder_and_environment)
{
    struct job_pool *p = pool_new(NULL);
    char *const environment[] = {(char[]){"WHO=ann"}, (char[]){"PATH=/usr/bin:/bin"}, NULL};
    struct job_result r = result_of(
        p, &(struct job){.script = "echo $WHO $HOME; pwd; cat", /* no input: its end at once */
                         .directory = "/usr",
                         .environment = environment});
    CHECK(text_equal(r.tail, text_of("ann\n/usr\n")));
    job_pool_close(p);
}

TEST(those_that_outlived_a_kill_are_ended_by_the_next_pool)
{
    struct error e = {0};
    char *folder = scratch_directory(&e), *journal = mem_format("%s/journal", folder);
    int ends[2];
    CHECK_INT(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        struct job_pool *p = pool_new(journal);
        (void)close(ends[0]);
        (void)fcntl(ends[1], F_SETFD, 0); /* the job has it, too */
        (void)job_start(p, &(struct job){.script = "sleep 60 & sleep 60"}, &e);
        (void)raise(SIGKILL);
    }
    (void)close(ends[1]);
    (void)waitpid(child, NULL, 0);
    struct job_pool *p = pool_new(journal);
    char byte;
    CHECK_INT(read(ends[0], &byte, 1), 0); /* nobody has the other end any more */
    (void)close(ends[0]);
    job_pool_close(p);
    CHECK(access(journal, F_OK) != 0);
    mem_free(journal);
    scratch_remove(folder);
}

TEST(a_journal_names_none_that_was_not_noted)
{
    struct error e = {0};
    char *folder = scratch_directory(&e), *journal = mem_format("%s/journal", folder);
    pid_t other = fork();
    if (other == 0) {
        (void)setpgid(0, 0);
        (void)pause();
        _exit(0);
    }
    (void)setpgid(other, other);
    struct {
        int64_t pid;
        usec started;
    } entry = {other, clock_now() - 3600 * USEC_SECOND}; /* that number, but long ago */
    int fd = open(journal, O_WRONLY | O_CREAT, 0600);
    CHECK_INT(write(fd, &entry, sizeof entry), sizeof entry);
    (void)close(fd);
    struct job_pool *p = pool_new(journal);
    CHECK_INT(kill(other, 0), 0);
    CHECK_INT(waitpid(other, NULL, WNOHANG), 0);
    job_pool_close(p);
    (void)kill(other, SIGKILL);
    (void)waitpid(other, NULL, 0);
    mem_free(journal);
    scratch_remove(folder);
}
