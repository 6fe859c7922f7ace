/* Which version of the code a run had, as git knows it. */
#include "pipeline/event.h"
#include "pipeline/running.h"

#include <unistd.h>

enum { PATIENCE_MS = 10000, ANSWER_MAX = 256 << 20 };

/* Looked for here, that no program need be started where there is none. */
static bool is_gits(const char *folder)
{
    char *path = mem_format("%s/.git", folder), *up = mem_text(folder);
    bool is = access(path, F_OK) == 0;
    for (int i = 0; !is && i < 64; i++) {
        char *next = mem_format("%s/..", up);
        mem_free(up);
        mem_free(path);
        up = next;
        path = mem_format("%s/.git", up);
        is = access(path, F_OK) == 0;
    }
    mem_free(up);
    mem_free(path);
    return is;
}

/* What git says there; false when it cannot. */
static bool ask(const char *folder, char *const argv[], struct buf *out)
{
    int status = 1;
    out->len = 0;
    return process_run(&(struct process){.argv = argv,
                                         .directory = folder,
                                         .out = out,
                                         .limit = ANSWER_MAX,
                                         .timeout_ms = PATIENCE_MS},
                       &status, NULL) == 0 &&
           status == 0;
}

void code_put(struct buf *b, const char *folder)
{
    char *commit[] = {(char[]){"git"}, (char[]){"rev-parse"}, (char[]){"HEAD"}, NULL};
    char *changes[] = {(char[]){"git"},           (char[]){"diff"}, (char[]){"--binary"},
                       (char[]){"--no-ext-diff"}, (char[]){"HEAD"}, NULL};
    struct buf answer = {0};
    char digest[2 * SHA256_SIZE + 1];
    if (is_gits(folder) && ask(folder, commit, &answer) && answer.len > 1) {
        answer.len--;
        event_put(b, "commit", buf_text(&answer));
        if (ask(folder, changes, &answer) && answer.len) {
            sha256_hex((struct text){answer.at, answer.len}, digest);
            event_put(b, "changes", digest);
        }
    }
    buf_release(&answer);
}
