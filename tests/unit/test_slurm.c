/* The executor for Slurm without Slurm: answers of several versions, the folder's files, and a pool
 * with stand-ins for the commands. */
#include "job/slurm_queue.h"
#include "job/spool.h"
#include "unit.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A pilot starts the program that has the pool: this one. */
__attribute__((constructor)) static void be_a_worker(int argc, char **argv)
{
    struct error e = {0};
    if (argc == 3 && strcmp(argv[1], "worker") == 0)
        _exit(-job_worker(argv[2], &e));
}

/* ---- answers ---- */

static void check_pilot(const struct queue *q, uint64_t task, enum pilot_state state,
                        int64_t restarts, const char *node)
{
    const struct pilot *p = queue_find(q, 12, task);
    CHECK(p != NULL);
    if (!p)
        return;
    CHECK_INT(p->state, state);
    CHECK_INT(p->restarts, restarts);
    CHECK_TEXT(p->node, node);
}

static int read_queue(enum queue_form form, const char *text, struct queue *q)
{
    struct error e = {0};
    return queue_read(form, "ml-1", text_of(text), q, &e);
}

TEST(answers_in_columns)
{
    struct queue q = {0};
    CHECK_INT(read_queue(QUEUE_COLUMNS,
                         "12|0|RUNNING|2|n1|None|\n"
                         "12|1|PENDING|0||Resources|\n"
                         "12|2|PENDING|1||launch failed requeued held|\n"
                         "12|3|PENDING|0||JobHeldUser|\n"
                         "12|4|COMPLETING|0|n2|NonZeroExitCode|\n"
                         "12|5|NODE_FAIL|0|n3|NodeDown|\n"
                         "12|6|SUSPENDED|0|n3|None|\n",
                         &q),
              0);
    CHECK_INT(q.pilots.len, 7);
    check_pilot(&q, 0, PILOT_RUNS, 2, "n1");
    check_pilot(&q, 1, PILOT_WAITS, 0, "");
    check_pilot(&q, 2, PILOT_HELD, 1, "");
    check_pilot(&q, 3, PILOT_HELD, 0, "");
    check_pilot(&q, 4, PILOT_ENDED, 0, "n2");
    check_pilot(&q, 5, PILOT_ENDED, 0, "n3");
    check_pilot(&q, 6, PILOT_RUNS, 0, "n3");
    CHECK(queue_find(&q, 12, 7) == NULL && queue_find(&q, 13, 0) == NULL);
    CHECK_INT(read_queue(QUEUE_COLUMNS, "", &q), 0);
    CHECK_INT(q.pilots.len, 0);
    CHECK_INT(read_queue(QUEUE_COLUMNS, "squeue: error: what?\n", &q), ERR_DATA);
    CHECK_INT(read_queue(QUEUE_COLUMNS, "12|0-3|PENDING|0||None|\n", &q), ERR_DATA);
    CHECK_INT(read_queue(QUEUE_COLUMNS, "12|0|RUNNING|0|n1|None|more\n", &q), ERR_DATA);
    CHECK_INT(read_queue(QUEUE_SHORT, "12|0|RUNNING|-1|n1|None|", &q), 0);
    check_pilot(&q, 0, PILOT_RUNS, -1, "n1");
    queue_release(&q);
}

/* As 22.05 writes it: every job of the cluster, states as texts. */
TEST(answers_as_json_of_22_05)
{
    struct queue q = {0};
    CHECK_INT(read_queue(QUEUE_JSON,
                         "{\"meta\": {\"Slurm\": {\"release\": \"22.05.8\"}}, \"errors\": [],"
                         " \"jobs\": ["
                         "{\"name\": \"ml-1\", \"array_job_id\": 12, \"array_task_id\": 0,"
                         " \"job_id\": 13, \"job_state\": \"RUNNING\", \"state_reason\": \"None\","
                         " \"restart_cnt\": 1, \"nodes\": \"n1\"},"
                         "{\"name\": \"other\", \"array_job_id\": 12, \"array_task_id\": 1,"
                         " \"job_state\": \"RUNNING\", \"restart_cnt\": 0, \"nodes\": \"n1\"},"
                         "{\"name\": \"ml-1\", \"array_job_id\": 12, \"array_task_id\": 2,"
                         " \"job_state\": \"PENDING\", \"restart_cnt\": 1, \"nodes\": \"\","
                         " \"state_reason\": \"launch_failed_requeued_held\"}]}",
                         &q),
              0);
    CHECK_INT(q.pilots.len, 2);
    check_pilot(&q, 0, PILOT_RUNS, 1, "n1");
    check_pilot(&q, 2, PILOT_HELD, 1, "");
    CHECK_INT(read_queue(QUEUE_JSON, "", &q), ERR_DATA);
    CHECK_INT(read_queue(QUEUE_JSON, "{\"jobs\": 1}", &q), ERR_DATA);
    CHECK_INT(read_queue(QUEUE_JSON, "{\"jobs\": [", &q), ERR_DATA);
    CHECK_INT(read_queue(QUEUE_JSON, "{\"jobs\": []}", &q), 0);
    CHECK_INT(q.pilots.len, 0);
    queue_release(&q);
}

/* Later versions have lists of states, and numbers that say whether they are set. */
TEST(answers_as_json_of_23_11)
{
    struct queue q = {0};
    CHECK_INT(read_queue(QUEUE_JSON,
                         "{\"jobs\": ["
                         "{\"name\": \"ml-1\","
                         " \"array_job_id\": {\"set\": true, \"infinite\": false, \"number\": 12},"
                         " \"array_task_id\": {\"set\": true, \"infinite\": false, \"number\": 0},"
                         " \"job_state\": [\"RUNNING\"], \"state_reason\": \"None\","
                         " \"restart_cnt\": 3, \"nodes\": \"n1\"},"
                         "{\"name\": \"ml-1\", \"array_job_id\": {\"set\": true, \"number\": 12},"
                         " \"array_task_id\": {\"set\": true, \"number\": 1},"
                         " \"job_state\": [\"RUNNING\", \"COMPLETING\"],"
                         " \"restart_cnt\": 0, \"nodes\": \"n2\"},"
                         "{\"name\": \"ml-1\", \"array_job_id\": {\"set\": true, \"number\": 12},"
                         " \"array_task_id\": {\"set\": true, \"number\": 2},"
                         " \"job_state\": [\"PENDING\", \"REQUEUED\"],"
                         " \"state_reason\": \"BeginTime\", \"restart_cnt\": 1}]}",
                         &q),
              0);
    check_pilot(&q, 0, PILOT_RUNS, 3, "n1");
    check_pilot(&q, 1, PILOT_ENDED, 0, "n2");
    check_pilot(&q, 2, PILOT_WAITS, 1, "");
    queue_release(&q);
}

TEST(complaints_are_told_apart)
{
    CHECK(slurm_is_silent("slurm_load_jobs error: Unable to contact slurm controller (connect "
                          "failure)"));
    CHECK(slurm_is_silent("sbatch: error: Batch job submission failed: Socket timed out on "
                          "send/recv operation"));
    CHECK(!slurm_is_silent("sbatch: error: invalid partition specified: x"));
    CHECK(slurm_knows_none("slurm_load_jobs error: Invalid job id specified"));
    CHECK(!slurm_knows_none("slurm_load_jobs error: Unable to contact slurm controller"));
}

/* ---- the spool's files ---- */

TEST(names_of_files_say_who_has_what)
{
    char print[SPOOL_NAME];
    struct job_name n = {.id = 7, .attempt = 2, .worker = {12, 3, 1, "rack.n1"}}, got;
    CHECK_TEXT(job_name_print(print, &n, false), "0000000007.2");
    CHECK(job_name_parse(print, false, &got) && got.id == 7 && got.attempt == 2);
    CHECK_TEXT(job_name_print(print, &n, true), "0000000007.2.12.3.1.rack.n1");
    CHECK(job_name_parse(print, true, &got) && got.worker.array == 12 && got.worker.task == 3 &&
          got.worker.restarts == 1);
    CHECK_TEXT(got.worker.node, "rack.n1");
    CHECK(!job_name_parse("0000000007", false, &got) && !job_name_parse("7.x", false, &got));
    CHECK(!job_name_parse("7.1.2", false, &got) && !job_name_parse("7.1.2", true, &got));
    CHECK(!job_name_parse("99999999999.1", false, &got));
}

TEST(a_job_is_the_same_when_it_is_read)
{
    char *argv[] = {(char[]){"p"}, (char[]){"a b\n\"\xff\xc3\xa9"}, (char[]){""}, NULL};
    char *environment[] = {(char[]){"A=\x80"}, (char[]){"SLURM_JOB_ID=1"}, NULL};
    struct job j = {.argv = argv,
                    .directory = "sub",
                    .log = "log\xfe",
                    .environment = environment,
                    .timeout = 5,
                    .grace = 6},
               got;
    struct arena arena = {0};
    struct buf text = {0};
    struct error e = {0};
    char here[4096];
    CHECK(getcwd(here, sizeof here) != NULL);
    spool_put_job(&text, &j);
    CHECK_INT(spool_read_job((struct text){text.at, text.len}, &arena, &got, &e), 0);
    for (int i = 0; i < 3; i++)
        CHECK_TEXT(got.argv[i], argv[i]);
    CHECK(got.argv[3] == NULL && got.script == NULL);
    CHECK(strncmp(got.log, here, strlen(here)) == 0 && strstr(got.log, "/log\xfe"));
    CHECK(got.directory[0] == '/' && strstr(got.directory, "/sub"));
    CHECK_INT(got.timeout * 10 + got.grace, 56);
    CHECK_TEXT(got.environment[0], "A=\x80");
    setenv("SLURM_JOB_ID", "2", 1);
    char **merged = spool_with_slurm(got.environment, &arena);
    CHECK_TEXT(merged[0], "SLURM_JOB_ID=2");
    CHECK_TEXT(merged[1], "A=\x80");
    CHECK(merged[2] == NULL);
    unsetenv("SLURM_JOB_ID");
    CHECK_INT(spool_read_job(text_of("{\"argv\":[]}"), &arena, &got, &e), ERR_DATA);
    CHECK_INT(spool_read_job(text_of("{\"ar"), &arena, &got, &e), ERR_DATA);
    buf_release(&text);
    arena_release(&arena);
}

TEST(a_result_is_the_same_when_it_is_read)
{
    struct job_result r = {.class = JOB_LIMIT,
                           .status = 3,
                           .signal = 9,
                           .timed_out = true,
                           .wrote = true,
                           .started = 1,
                           .ended = 2,
                           .user_s = 0.25,
                           .max_rss = 1 << 20,
                           .tail = {"\0\xff\n", 3},
                           .problem = "why"},
                      got;
    struct buf text = {0}, tail = {0};
    struct error e = {0};
    char node[64];
    bool lost;
    spool_put_result(&text, &r, "n1", true);
    CHECK_INT(spool_read_result((struct text){text.at, text.len}, &got, &tail, node, &lost, &e), 0);
    CHECK(lost && got.timed_out && !got.stopped && got.wrote);
    CHECK_INT(got.class, JOB_LIMIT);
    CHECK_INT(got.status * 10 + got.signal, 39);
    CHECK_INT(got.started * 10 + got.ended, 12);
    CHECK_DOUBLE(got.user_s, 0.25);
    CHECK_INT(got.max_rss, 1 << 20);
    CHECK(tail.len == 3 && memcmp(tail.at, "\0\xff\n", 3) == 0);
    CHECK_TEXT(got.problem, "why");
    CHECK_TEXT(node, "n1");
    CHECK_INT(spool_read_result(text_of("[]x"), &got, &tail, node, &lost, &e), ERR_DATA);
    buf_release(&text);
    buf_release(&tail);
}

/* ---- a pool, with stand-ins for the commands of Slurm ---- */

static void fake(const char *name, const char *script)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/bin/%s", unit_folder(), name);
    FILE *f = fopen(path, "w");
    CHECK(f != NULL);
    if (!f)
        return;
    (void)fprintf(f, "#!/bin/sh\ncd '%s'\n%s\n", unit_folder(), script);
    (void)fclose(f);
    (void)chmod(path, 0755);
}

/* Task 0 of job 7 runs on this machine; what was called is in `calls`. */
#define SBATCH_RUNS                                                                                \
    "echo sbatch >>calls; for a; do case $a in --wrap=*) c=${a#--wrap=};; esac; done\n"            \
    "(export SLURM_ARRAY_JOB_ID=7 SLURM_ARRAY_TASK_ID=0 SLURMD_NODENAME=n1; eval \"$c\") "         \
    ">/dev/null 2>&1 & echo 7"
/* It takes the first job, and is never heard of again. */
#define SBATCH_VANISHES                                                                            \
    "echo sbatch >>calls; for a; do case $a in --wrap=*) c=${a#--wrap=};; esac; done\n"            \
    "eval \"set -- $c\"; cd \"$4\"; if [ -e todo/0000000001.2 ]; then echo '{\"class\":0}' "       \
    ">tmp/x; mv tmp/x done/0000000001.1; fi; for j in todo/*; do mv $j "                           \
    "taken/${j#todo/}.7.0.0.n1; "                                                                  \
    "done; echo 7"

static void fakes(const char *sbatch, const char *squeue)
{
    static bool made;
    if (!made) {
        (void)mkdir(in_folder("bin"), 0755);
        char *path = mem_format("%s:%s", in_folder("bin"), getenv("PATH"));
        setenv("PATH", path, 1);
        mem_free(path);
        made = true;
    }
    (void)unlink(in_folder("calls"));
    fake("scontrol", "case $1 in ping) echo 'Slurmctld(primary) at h is UP';; *) echo \"$@\" "
                     ">>calls;; esac");
    fake("scancel", "echo scancel \"$@\" >>calls");
    fake("sbatch", sbatch);
    fake("squeue", squeue);
}

static struct job_pool *pool_new(usec patience)
{
    struct job_pool *p = NULL;
    struct error e = {0};
    struct job_pool_options o = {
        .engine = {.executor = JOB_SLURM, .patience = patience},
        .spool = in_folder("spool"),
        .slots = 2,
    };
    CHECK_INT(job_pool_open(&o, &p, &e), 0);
    return p;
}

static int calls(const char *pattern)
{
    struct buf text = {0};
    int n = 0;
    (void)file_load(in_folder("calls"), 1 << 20, &text, NULL);
    for (const char *at = buf_text(&text); (at = strstr(at, pattern)); at++)
        n++;
    buf_release(&text);
    return n;
}

static struct job_result result_of(struct job_pool *p, const char *script)
{
    struct job_result r = {0};
    struct error e = {0};
    CHECK_INT(job_start(p, &(struct job){.script = script}, &e), 0);
    CHECK_INT(job_wait(p, 30000, &r, &e), JOB_ENDED);
    return r;
}

/* Closes it; nothing of it is left. */
static void pool_end(struct job_pool *p)
{
    job_pool_close(p);
    CHECK(access(in_folder("spool"), F_OK) != 0);
    unit_remove(in_folder("spool"));
}

#define SILENT "echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1"
#define RUNS   "echo '7|0|RUNNING|0|n1|None|'"

TEST(jobs_end_with_what_they_mean_whoever_answers)
{
    const char *const answers[] = {RUNS, SILENT, "sleep 60", "echo what; exit 1"};
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        fakes(SBATCH_RUNS, answers[i]);
        struct job_pool *p = pool_new(0);
        struct job_result r = result_of(p, "echo $SLURMD_NODENAME; sleep 1.5; exit 5");
        CHECK_INT(r.status, 5);
        CHECK_INT(r.class, JOB_THROTTLED);
        CHECK(text_equal(r.tail, text_of("n1\n")));
        CHECK(r.ended - r.started > USEC_SECOND);
        CHECK_INT(result_of(p, "kill -9 $$").class, JOB_INTERNAL);
        CHECK_INT(calls("sbatch"), 1);
        pool_end(p);
    }
}

TEST(a_pool_needs_a_cluster_a_spool_and_no_streams)
{
    struct job_pool *p = NULL;
    struct error e = {0};
    struct job_pool_options o = {
        .engine = {.executor = JOB_SLURM}, .spool = in_folder("spool"), .slots = 1};
    fakes(SBATCH_RUNS, RUNS);
    fake("scontrol", "echo 'Slurmctld(primary) at h is DOWN'");
    CHECK_INT(job_pool_open(&o, &p, &e), ERR_BUSY);
    fakes(SBATCH_RUNS, RUNS);
    o.spool = NULL;
    CHECK_INT(job_pool_open(&o, &p, &e), ERR_USAGE);
    p = pool_new(0);
    CHECK_INT(job_start(p, &(struct job){.script = "true", .streams = (int[]){-1, 1}}, &e),
              ERR_USAGE);
    pool_end(p);
}

TEST(a_cluster_that_falls_silent_is_told_after_a_while)
{
    fakes(SILENT, SILENT);
    struct job_pool *p = pool_new(USEC_SECOND / 2);
    struct job_result r = result_of(p, "true");
    CHECK_INT(r.class, JOB_UNREACHABLE);
    CHECK(strstr(r.problem, "Unable to contact") != NULL);
    pool_end(p);
    fakes("echo 7", "sleep 60");
    p = pool_new(USEC_SECOND / 2);
    r = result_of(p, "true");
    CHECK_INT(r.class, JOB_UNREACHABLE);
    CHECK(strstr(r.problem, "squeue took too long") != NULL);
    pool_end(p);
}

TEST(what_sbatch_does_not_take_is_an_error)
{
    struct job_result r;
    struct error e = {0};
    fakes("echo 'sbatch: error: invalid partition specified: x' >&2; exit 1", "");
    struct job_pool *p = pool_new(0);
    CHECK_INT(job_start(p, &(struct job){.script = "true"}, &e), 0);
    CHECK_INT(job_wait(p, 30000, &r, &e), ERR_SYSTEM);
    CHECK(strstr(e.message, "invalid partition") != NULL);
    job_withdraw(p);
    CHECK_INT(job_wait(p, 0, &r, &e), JOB_ENDED);
    CHECK(r.stopped && r.started == 0);
    pool_end(p);
}

TEST(those_that_have_not_begun_are_stopped_at_once)
{
    struct job_result r;
    struct error e = {0};
    int tags[3];
    fakes("echo 7", "echo '7|0|PENDING|0||Resources|'");
    struct job_pool *p = pool_new(0);
    for (int i = 0; i < 3; i++)
        CHECK_INT(job_start(p, &(struct job){.script = "true", .tag = &tags[i]}, &e), 0);
    CHECK_INT(job_wait(p, 100, &r, &e), JOB_IDLE);
    job_stop(p, &tags[1]);
    CHECK_INT(job_wait(p, 100, &r, &e), JOB_ENDED);
    CHECK(r.tag == &tags[1] && r.stopped && r.started == 0);
    job_stop_all(p);
    CHECK_INT(job_wait(p, 0, &r, &e), JOB_ENDED);
    CHECK_INT(job_wait(p, 0, &r, &e), JOB_ENDED);
    CHECK_INT(job_running(p), 0);
    pool_end(p);
}

TEST(pilots_that_do_nothing_are_not_started_for_ever)
{
    fakes("echo sbatch >>calls; for a; do case $a in --output=*) echo 'exec: pipe: not found' "
          ">>${a#--output=};; esac; done; echo 7",
          "");
    struct job_pool *p = pool_new(0);
    struct job_result r = result_of(p, "true");
    CHECK_INT(r.class, JOB_INTERNAL);
    CHECK(strstr(r.problem, "without doing anything: exec: pipe: not found") != NULL);
    CHECK_INT(calls("sbatch"), 3);
    pool_end(p);
}

/* The stand-in publishes a result of the first attempt when that does not count any more. */
TEST(a_job_lost_twice_is_lost_and_late_results_do_not_count)
{
    fakes(SBATCH_VANISHES, "case \"$*\" in *-O*) echo 'unknown option' >&2; exit 1;; *--json*) "
                           "echo '{\"jobs\":[]}';; *) exit 9;; esac");
    struct job_pool *p = pool_new(0);
    struct job_result r = result_of(p, "true");
    CHECK_INT(r.class, JOB_INTERNAL);
    CHECK_INT(r.status, 137);
    CHECK_TEXT(r.problem, "lost with node n1, for the second time");
    CHECK_INT(calls("sbatch"), 2);
    pool_end(p);
}

TEST(a_pilot_that_is_held_is_released_once)
{
    struct job_result r;
    struct error e = {0};
    fakes("echo sbatch >>calls; echo 7", "echo '7|0|PENDING|0||JobHeldUser|'");
    struct job_pool *p = pool_new(0);
    CHECK_INT(job_start(p, &(struct job){.script = "true"}, &e), 0);
    CHECK_INT(job_wait(p, 2500, &r, &e), JOB_IDLE);
    CHECK_INT(calls("release 7_0"), 1);
    CHECK_INT(calls("scancel 7_0"), 1);
    job_stop_all(p);
    CHECK_INT(job_wait(p, 0, &r, &e), JOB_ENDED);
    pool_end(p);
}

TEST(a_pilot_that_is_started_anew_does_not_wait_for_minutes)
{
    struct job_result r;
    struct error e = {0};
    fakes("echo 7", "echo '7|0|PENDING|1||BeginTime|'; echo '7|1|PENDING|0||BeginTime|'");
    struct job_pool *p = pool_new(0);
    CHECK_INT(job_start(p, &(struct job){.script = "true"}, &e), 0);
    CHECK_INT(job_wait(p, 2500, &r, &e), JOB_IDLE);
    CHECK_INT(calls("update JobId=7_0 StartTime=now"), 1);
    CHECK_INT(calls("7_1"), 0);
    job_stop_all(p);
    CHECK_INT(job_wait(p, 0, &r, &e), JOB_ENDED);
    pool_end(p);
}

TEST(what_a_killed_process_left_is_ended_before_another_pool_begins)
{
    struct job_pool *p = NULL;
    struct error e = {0};
    char name[] = "ml-0123456789abcdef";
    fakes(SBATCH_RUNS, SILENT);
    (void)mkdir(in_folder("spool"), 0755);
    char *left = mem_format("%s/%s", in_folder("spool"), name);
    (void)mkdir(left, 0755);
    struct job_pool_options o = {.spool = in_folder("spool")}; /* on this machine, even */
    CHECK_INT(job_pool_open(&o, &p, &e), ERR_BUSY);
    CHECK(strstr(e.message, name) != NULL && access(left, F_OK) == 0);
    fakes(SBATCH_RUNS, "[ $(grep -c squeue calls) -ge 3 ] || echo 7_0; echo squeue >>calls");
    CHECK_INT(job_pool_open(&o, &p, &e), 0);
    CHECK(access(left, F_OK) != 0);
    CHECK(calls("-n ml-0123456789abcdef") >= 1);
    CHECK_INT(calls("squeue"), 4);
    job_pool_close(p);
    mem_free(left);
}
