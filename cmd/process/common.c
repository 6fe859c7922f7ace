#include "process.h"

#include "sys/sys.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

char *jobs_home(bool make, struct error *e)
{
    char *home = NULL;
    return home_open(cli_home(), "process", make, &home, e) == 0 ? home : NULL;
}

int process_finish(int status, const struct error *e)
{
    return status < 0 && e->message[0] ? cli_report(e) : status < 0 ? -status : status;
}

/* The job whose folder is newest. Returns owned, or NULL. */
static char *newest(const char *home)
{
    DIR *d = opendir(home);
    char *found = NULL;
    struct timespec best = {0};
    for (const struct dirent *entry; d && (entry = readdir(d)) != NULL;) {
        char *path = mem_format("%s/%s/job.json", home, entry->d_name);
        struct stat s;
        if (entry->d_name[0] != '.' && stat(path, &s) == 0 &&
            (!found || s.st_mtim.tv_sec > best.tv_sec ||
             (s.st_mtim.tv_sec == best.tv_sec && s.st_mtim.tv_nsec > best.tv_nsec))) {
            mem_free(found);
            found = mem_text(entry->d_name);
            best = s.st_mtim;
        }
        mem_free(path);
    }
    if (d)
        closedir(d);
    return found;
}

int open_job(const char *name, struct processing **out, struct error *e)
{
    char *home = jobs_home(false, e);
    if (!home)
        return e->code;
    char *last = strcmp(name, "last") == 0 ? newest(home) : NULL;
    int status = strchr(name, '/') ? error_set(e, ERR_USAGE, "there is no job %s", name)
                                   : processing_open(home, last ? last : name, out, e);
    mem_free(last);
    mem_free(home);
    return status;
}

int exit_status_of(const struct processing_summary *s)
{
    switch (s->state) {
    case PROCESSING_IN_PROGRESS:
        return -ERR_BUSY;
    case PROCESSING_COMPLETED:
        return 0;
    default:
        return s->signal ? 128 + s->signal : s->status ? s->status : 1;
    }
}

void put_summary(const struct processing *p, const struct processing_summary *s)
{
    char started[TIME_MAX];
    started[time_print(started, s->created)] = 0;
    printf("{\"job\":\"%s\",\"status\":\"%s\",\"created\":\"%s\",\"instances\":%zu,\"done\":%zu,"
           "\"failed\":%zu",
           processing_job_of(p)->name, processing_state_name(s->state), started, s->instances,
           s->done, s->failed);
    if (s->ended)
        printf(",\"seconds\":%.3f", (double)(s->ended - s->created) / USEC_SECOND);
    puts("}");
}
