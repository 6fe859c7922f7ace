/* A job on its way. For the files of this module. */
#ifndef PROCESSING_PARTS_H
#define PROCESSING_PARTS_H

#include "processing/processing.h"

/* The first `header` bytes of a file, and bytes begin to end, which is at or behind that. */
struct item {
    const char *path; /* absolute */
    const char *as;   /* its name in the folder of the input */
    uint64_t size, header, begin, end;
    int64_t changed;  /* of the file, in nanoseconds */
    uint64_t records; /* when they are counted */
};

/* What one instance has of one input. */
struct share {
    struct item *items;
    size_t count;
};

struct processing {
    char *folder; /* absolute */
    struct processing_job job;
    size_t instances;
    struct share *shares; /* instance * input_count + input */
    uint64_t *first_row;  /* of each instance, in its first input; NULL: not counted */
    usec created;
    const char *script_digest; /* SHA-256 of the script when the job was made; NULL: just now */
    struct buf hosts, request; /* for the files of config_write */
    struct arena arena;
};

static inline const struct share *share_of(const struct processing *p, size_t instance,
                                           size_t input)
{
    return &p->shares[instance * p->job.input_count + input];
}

static inline bool item_is_whole(const struct item *i)
{
    return i->begin == i->header && i->end == i->size;
}

/* ---- the job's files ---- */

int request_write(const struct processing *p, struct error *e);
int request_read(struct processing *p, struct error *e);
/* Whether all that is to follow the last instance was done. */
bool is_over(const struct processing *p);
int set_over(const struct processing *p, struct error *e);
/* What records of such a file are: of CSV, of Parquet, or lines. */
struct shard_records records_by_name(const char *path);
typedef VEC(const char *) path_list;
/* The files of an input in p's arena: sorted, each once. *cut: how much of each is not in its name
 * in the input's folder. */
int shares_files(struct processing *p, const struct processing_input *in, path_list *out,
                 size_t *cut, struct error *e);
/* Finds the files and divides them. */
int shares_make(struct processing *p, unsigned threads, struct error *e);
/* Those of a job with the same inputs. */
void shares_copy(struct processing *p, const struct processing *from);
int shares_write(const struct processing *p, struct error *e);
int shares_read(struct processing *p, struct error *e);
/* ERR_DATA names the script, or the first file, that is not as it was. */
int shares_check(const struct processing *p, struct error *e);

/* Of an attempt that is the instance's last. *first false: another one was first. */
int result_publish(const struct processing *p, const struct processing_result *r, bool *first,
                   struct error *e);
/* What an earlier run left that is no good end, be it damaged. */
void result_forget(const struct processing *p, size_t instance);

/* ---- an attempt ---- */

struct feed;

/* One instance at work. */
struct attempt {
    const struct processing *p;
    size_t instance;
    unsigned number;
    char *folder;            /* work/K.A */
    bool is_plain, is_moved; /* it has no folder, only its output; which is at its place */
    int streams[2];
    char *log;
    VEC(struct feed *) feeds;
    VEC(char *) environment; /* owned, then NULL */
    size_t own;              /* of them: the rest is borrowed */
    struct sandbox *sandbox; /* NULL: none */
};
int attempt_open(const struct processing *p, size_t instance, unsigned number, struct attempt **out,
                 struct error *e);
void attempt_started(struct attempt *a); /* its streams are the command's alone */
/* After its end: nothing feeds it any more. ERR: it was not fed all that it has. */
int attempt_fed(struct attempt *a, struct error *e);
/* What it left in its message, at most a kilobyte, without newlines at the end. Returns owned, or
 * NULL. */
char *attempt_message(const struct attempt *a);
void attempt_close(struct attempt *a); /* what it made and was not moved goes; NULL is fine */
/* The files of a job that programs look for in /opt/ml/config. */
int config_prepare(struct processing *p, struct error *e); /* once, before */
int config_write(const struct processing *p, size_t instance, const char *folder, struct error *e);

/* ---- an instance ---- */

/* The command as it is found in PATH; [0] is owned. */
char **instance_command(const struct processing_job *j);
void instance_command_free(char **argv);
int instance_start(const struct processing *p, struct job_pool *pool, char **argv, size_t instance,
                   unsigned number, void *tag, struct attempt **out, struct error *e);
void instance_told(const struct job_result *from, size_t instance, unsigned number,
                   struct processing_result *out);
/* After a good end its result is there and its outputs are at their place, or told->status is no
 * longer 0. *message: owned, told->message may borrow from it. */
int instance_end(struct attempt *a, struct processing_result *told, char **message,
                 struct error *e);

/* Where programs written for the cloud look for their files. */
#define CLOUD_FOLDER "/opt/ml"
/* What of the attempt is to be seen there. Returns owned. */
struct sandbox *attempt_sandbox(const struct attempt *a);
void attempt_sandbox_free(struct sandbox *s);

/* ---- feeding ---- */

/* Writes the files of a share, one after the other with their header once, to a descriptor (taken)
 * or a FIFO (path), on a thread of its own; or what is in the file `from` (taken) in their place,
 * when it is not below 0. */
struct feed *feed_start(const struct share *s, const struct shard_records *records, int from,
                        int fd, const char *fifo);
/* Waits for it. ERR_SYSTEM: a file could not be read; that nobody read it is fine. */
int feed_end(struct feed *f, struct error *e); /* takes f */

/* ---- row groups ---- */

/* Those of the item as a file of their own. */
int item_write_groups(const struct item *item, int to, const char *to_name, struct error *e);
/* All of a share that has any item as one file, to be read: the only one when it is whole, else one
 * that is made at path and gone when it is closed. Returns the descriptor, or < 0. */
int share_open(const struct share *s, const char *path, struct error *e);
/* Whether what instances wrote is Parquet, by the output's name, else by the first that wrote
 * anything. */
bool parts_are_parquet(char *const *paths, size_t n, const char *output);
/* One file of all of them; of instances that wrote nothing there is nothing in it. */
int parts_join_groups(char *const *paths, size_t n, int to, const char *to_name, struct error *e);

/* ---- outputs ---- */

/* Returns owned the path for an instance. */
char *output_path(const struct processing *p, size_t instance, const char *pattern);
bool output_is_split(const char *path); /* it has something of the instance in it */
/* Its files are its own from now on. ERR_DATA: another instance made one of that name. */
int output_claim(const struct attempt *a, struct error *e);
/* What an attempt left goes to its place; nothing is there any more when that was done before. */
int output_move(const struct processing *p, size_t instance, unsigned attempt, struct error *e);
/* Strings the parts of standard output together. All instances are done. */
int output_join(const struct processing *p, struct error *e);

#endif
