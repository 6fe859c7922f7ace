/*
 * sys: the seam to the operating system. Files that appear whole or not at all, scratch files,
 * locks, child processes, threads, processor features. The only module that may use Linux-only
 * calls.
 */
#ifndef SYS_H
#define SYS_H

#include "base/base.h"

#include <sys/types.h>
#include <sys/uio.h>

/* Reads and writes all n bytes, again after EINTR and short counts. file_read returns the bytes
 * read (less than n only at the end of the file), or ERR_SYSTEM. `name` is for the message. */
ssize_t file_read(int fd, void *into, size_t n, const char *name, struct error *e);
ssize_t file_read_at(int fd, void *into, size_t n, uint64_t offset, const char *name,
                     struct error *e);
int file_write(int fd, const void *from, size_t n, const char *name, struct error *e);
/* One read: at least a byte, unless the file ends; for streams that must flow. */
ssize_t file_read_some(int fd, void *into, size_t n, const char *name, struct error *e);
int file_writev(int fd, const struct iovec *parts, size_t count, const char *name, struct error *e);
/* Bytes begin to end of one file, appended to another. */
int file_pass(int from, const char *name, uint64_t begin, uint64_t end, int to, const char *to_name,
              struct error *e);
/* A copy with the mode of the original, which appears whole or not at all. It shares the blocks of
 * the original where the file system can. durable: it is on the disk when this returns, else when
 * the system writes it. */
int file_copy(const char *from, const char *to, bool durable, struct error *e);
/* Renames, or copies and removes where the two are on different file systems. */
int file_move(const char *from, const char *to, struct error *e);
/* A new file, which appears whole. *first false: there is one already, and it stays. It is on the
 * disk when the system writes it. */
int file_publish(const char *path, struct text bytes, bool *first, struct error *e);
/* Makes the empty file `to` share the blocks of `from`; false where the file system cannot. */
bool file_clone(int to, int from);
/* The whole of a file (or of standard input for "-") into out; ERR_DATA when longer than limit. */
int file_load(const char *path, size_t limit, struct buf *out, struct error *e);

/* A regular file as memory, to be read once and by nobody who cannot bear that it is cut short
 * meanwhile (SIGBUS). */
int file_map(const char *path, struct text *out, struct error *e);
void file_unmap(struct text map);

/* A file under construction: written beside its final name, renamed over it by replace_commit after
 * fsync, removed by replace_abort, by a fatal signal, and (where O_TMPFILE works) by any death.
 * Mode and owner of a file it replaces are kept. A path that is not a regular file (/dev/full,
 * a FIFO) is opened and written directly. */
struct replace;
int replace_open(const char *path, struct replace **out, struct error *e);
int replace_fd(const struct replace *r);
int replace_commit(struct replace *r, struct error *e); /* takes r, also on error */
/* The same without fsync: it is on the disk when the system writes it. */
int replace_commit_later(struct replace *r, struct error *e);
void replace_abort(struct replace *r); /* takes r; NULL is fine */
/* Removes every file under construction and every scratch directory, ends the programs that
 * process_run waits for; async-signal-safe, for signal handlers and exits. */
void replace_abort_all(void);

/* A folder, unless it is there already; its name is on the disk when it was made. */
int folder_make(const char *folder, struct error *e);
/* What was made, renamed and removed in it is on the disk. */
int folder_sync(const char *folder, struct error *e);
/* The same of the folder that path is in. */
int folder_sync_parent(const char *path, struct error *e);
/* All that was written to the file system it is on is on the disk: for many files at once. */
int filesystem_sync(const char *folder, struct error *e);

/* An unnamed file for spilling, in $TMPDIR or /tmp (else /var/tmp): gone when closed. Returns the
 * descriptor or ERR_SYSTEM. */
int scratch_open(struct error *e);
/* A directory of its own there, for files only. Returns owned its path, or NULL. It goes, with the
 * files in it, by scratch_remove or replace_abort_all. */
char *scratch_directory(struct error *e);
void scratch_remove(char *directory); /* takes directory; NULL is fine */

/* The folder of one tool in the project's state. given (--home, $ML_HOME) is the state; NULL: the
 * nearest folder .ml from the working directory upwards, else ./.ml. With make it is there when
 * this returns. Returns owned the path. */
int home_open(const char *given, const char *part, bool make, char **out, struct error *e);
/* The folders that the file at path is to be in, as far as they are not there. */
int folder_make_parents(const char *path, struct error *e);
/* With all that is in it; one that is not there is fine. */
int folder_remove(const char *path, struct error *e);

/* Tells when something in folders changes. */
struct watcher;
struct watcher *watcher_new(struct error *e); /* returns owned; NULL: e says why */
/* One that is not there is not watched. */
int watcher_add(struct watcher *w, const char *folder, struct error *e);
/* Returns when something has changed since the last call, or since it was added, and then nothing
 * for quiet_ms; or after a signal. */
int watcher_wait(struct watcher *w, int quiet_ms, struct error *e);
void watcher_free(struct watcher *w); /* NULL is fine */

/* An advisory lock on a file (created when absent), held until lock_release or death.
 * ERR_BUSY when it is not free within timeout_ms (negative: wait for ever). */
int lock_acquire(const char *path, bool exclusive, int timeout_ms, int *fd, struct error *e);
void lock_release(int fd);
/* Writes this process's number into an exclusive lock that it holds. */
int lock_sign(int fd, struct error *e);
/* Who holds a lock that was signed; 0: nobody. */
int lock_holder(const char *path, pid_t *out, struct error *e);
/* The same lock, exclusive, on a file that is open; waits for ever. Those who share the open file
 * (a forked process) share the lock. */
int file_lock(int fd, const char *name, struct error *e);
void file_unlock(int fd);

/* The file that PATH names; one with a slash as it is. Returns owned; NULL: there is none. */
char *program_path(const char *name);

/* What /bin/sh would run for a command that is nothing but a program and its plain words: these,
 * in one piece of memory, owned. NULL: only the shell knows. */
char **shell_words(const char *command);

/* Forks: > 0 to the caller; 0 to a process that goes on in a session of its own, without
 * standard streams, when the caller has gone. ERR_SYSTEM: it could not. */
pid_t process_detach(struct error *e);

/* A child with pipes; argv[0] is looked up in PATH. Pass NULL for ends that are inherited.
 * The descriptors returned are close-on-exec. */
int process_spawn(char *const argv[], int *to_stdin, int *from_stdout, pid_t *pid, struct error *e);
/* Waits; *status as a shell gives it: exit status, or 128 + signal. */
int process_wait(pid_t pid, int *status, struct error *e);
/* Runs a child with `input` as its standard input and appends what it writes to out; waits. A child
 * that reads no further is no error. */
int process_filter(char *const argv[], struct text input, struct buf *out, int *status,
                   struct error *e);

/* A program run to its end, without standard input, in a process group of its own. */
struct process {
    char *const *argv;     /* [0] is looked up in PATH */
    const char *directory; /* where it works and has its temporary files; NULL: as the caller */
    struct buf *out, *err; /* its standard output and error, appended; NULL: thrown away */
    size_t limit;          /* bytes kept of each; 0: all */
    int timeout_ms;        /* then it is killed, with its children; 0: never */
};
/* *status as process_wait gives it. ERR_SYSTEM when it cannot be started or took too long. */
int process_run(const struct process *p, int *status, struct error *e);

/* Files that a command and all it started opened, by their absolute paths, as far as the system
 * let it be watched. */
struct seen_way {
    bool read_first; /* before anything of it was written */
    bool written;
};
struct seen_files {
    struct map paths;
    VEC(struct seen_way) ways; /* of each */
    bool traced;               /* false: nothing was seen */
};
/* Runs argv to its end, with our standard streams. *status as process_wait gives it. The caller has
 * no other children. */
int process_watch(char *const argv[], struct seen_files *out, int *status, struct error *e);
void seen_files_release(struct seen_files *s);

/* What a child sees of this machine: all of it, read-only, as the same user, in namespaces of its
 * own. Its own are /tmp and /dev/shm (empty, in memory), /proc (its processes alone), a /dev of
 * harmless devices and GPUs, a session, and a pid 1 that reaps and passes signals on. It gets no
 * new privileges, no descriptor but its three, and is gone with all that it started when it ends,
 * when it is killed, and when the thread that started it ends. It is no wall against reading what
 * its user may read, nor against the host's sockets in folders. */
struct sandbox_mount {
    const char *outside; /* a file or folder; links are followed */
    const char *inside; /* absolute, without "..". Made where the host has no such place, but not in
                         * another mount, in /dev or in /proc */
    bool writable;
};
struct sandbox {
    const struct sandbox_mount *mounts; /* [mount_count], those that hold others first */
    size_t mount_count;
    const char *hostname; /* NULL: as outside */
    bool network;         /* else there is only a loopback of its own */
};
/* 0, or ERR_SYSTEM: e says what refuses it. Tried by doing at the first call, then remembered. */
int sandbox_possible(struct error *e);

/* What a child, with all that it starts, may use at most; 0: as much as it wants. Memory, processes
 * and cpus are kept by a control group, which needs a place to make one in; with one the child's
 * end is also the end of all that it started. */
struct limits {
    uint64_t memory;     /* bytes, without swap; beyond it the kernel kills */
    uint32_t processes;  /* and threads */
    double cpus;         /* processors' worth of time, as 1.5; at least 0.01 */
    uint64_t open_files; /* of one process */
    uint64_t file_size;  /* bytes; beyond it SIGXFSZ */
};
/* 0, or ERR_SYSTEM: e says which limit cannot be kept here. NULL is fine. */
int limits_possible(const struct limits *l, struct error *e);

/* Programs that run side by side, each in a process group of its own. Their output and ends come as
 * events, one at a time. */
struct children;
struct child {
    char *const *argv;        /* [0] is looked up in PATH */
    const char *directory;    /* NULL: the caller's */
    char *const *environment; /* NULL: the caller's */
    int in;                   /* its standard input; -1: it reads the end of a file at once */
    int out;                  /* its standard output; -1: with its standard error, as events */
    void *tag;
    const struct sandbox *sandbox; /* NULL: none. Its directory is one inside; the caller's, where
                                    * there is no such folder inside, becomes / */
    const struct limits *limits;   /* NULL: none */
};
struct child_event {
    enum { CHILD_WROTE, CHILD_ENDED, CHILDREN_SIGNALLED, CHILDREN_IDLE } kind;
    void *tag; /* of which child */
    struct text
        output; /* CHILD_WROTE: to its standard output or error; borrows until the next call */
    int status; /* CHILD_ENDED: as process_wait gives it */
    int signal; /* which ended it, or came for us; 0: none */
    double user_s, system_s;
    uint64_t max_rss, read_bytes, written_bytes; /* bytes; of files, as far as the disk saw them */
    uint64_t peak_memory; /* bytes, of all its processes together; 0: no control group counted */
    bool out_of_memory;   /* its memory limit killed it or one that it started */
};
/* With catch_signals HUP, INT and TERM are events from now on, until children_free. The calling
 * thread has a short slice of time from now on (sched_setattr(2)), its children do not. Returns
 * owned; NULL: e says why. */
struct children *children_new(bool catch_signals, struct error *e);
/* Kills what still runs, with all in its group. NULL is fine. */
void children_free(struct children *c);
/* *number is the system's number of it (in a sandbox: of its pid 1). On failure errno says why:
 * ENOENT when there is no such program. */
int children_start(struct children *c, const struct child *child, pid_t *number, struct error *e);
size_t children_running(const struct children *c);
/* The next event within timeout_ms (negative: wait for ever); CHILDREN_IDLE when none came. What a
 * child wrote comes before its end; of what processes it left behind write later, nothing does. */
int children_wait(struct children *c, int timeout_ms, struct child_event *out, struct error *e);
/* To all in the group of a child; SIGKILL to all that its sandbox or its limits hold. */
void children_signal(struct children *c, const void *tag, int number);

/* When a process was started, to about a second; 0: there is none with this number. */
usec process_started(pid_t number);

/* n bytes, zeroed, for tables that are looked into at random: in huge pages where the system has
 * them. Never fails, as mem_alloc. */
void *pages_alloc(size_t n) NEVER_NULL;
void pages_free(void *p, size_t n); /* with the n of pages_alloc; NULL is fine */

usec clock_now(void); /* of the wall clock, which may step */

void entropy(void *into, size_t n); /* bytes that nobody can foresee */

unsigned gpu_count(void); /* of NVIDIA's, by their files in /dev */
unsigned cpu_count(void); /* processors this process may run on, at least 1 */

/* Runs work(context, 0) ... work(context, n - 1), each on its own thread (number 0 on the
 * caller's), and returns when all have returned. n = 1 starts no thread. */
void team_run(unsigned n, void (*work)(void *context, unsigned number), void *context);

/* An order for pieces that are worked on side by side and must pass a point in sequence:
 * turn_wait(t, k) returns when k is next, turn_next lets k + 1 pass. turn_stop releases everybody:
 * from then on turn_wait returns false at once. */
struct turn;
struct turn *turn_new(void); /* returns owned; 0 is next */
bool turn_wait(struct turn *t, uint64_t k);
void turn_next(struct turn *t);
void turn_stop(struct turn *t);
void turn_free(struct turn *t);

enum simd { SIMD_SCALAR, SIMD_SSE2, SIMD_AVX2, SIMD_AVX512, SIMD_NEON };
/* The best level this processor and system support; $ML_SIMD (scalar, sse2, avx2, avx512, neon)
 * lowers it. AVX512 means F, BW, VL, VBMI2 and PCLMUL; AVX2 means AVX2, BMI1, BMI2 and PCLMUL. */
enum simd simd_level(void);
const char *simd_name(enum simd level);

#endif
