/* Where a project's state is. */
#include "sys/sys.h"

#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_folder(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

/* The nearest .ml at or above the working directory; NULL. */
static char *look_upwards(void)
{
    char *at = getcwd(NULL, 0), *found = NULL;
    while (at && !found) {
        char *slash = strrchr(at, '/');
        char *candidate = mem_format("%s/.ml", slash && slash[1] ? at : "");
        if (is_folder(candidate))
            found = candidate;
        else
            mem_free(candidate);
        if (!slash || !slash[1])
            break;
        slash[slash == at] = '\0';
    }
    free(at);
    return found;
}

static int make_folder(const char *path, struct error *e)
{
    if (mkdir(path, 0777) && errno != EEXIST)
        return error_errno(e, "%s: cannot be made", path);
    return 0;
}

int home_open(const char *given, const char *part, bool make, char **out, struct error *e)
{
    char *home = given ? mem_text(given) : look_upwards();
    if (!home)
        home = mem_text(".ml");
    int status = make ? make_folder(home, e) : 0;
    *out = mem_format("%s/%s", home, part);
    mem_free(home);
    if (status == 0 && make)
        status = make_folder(*out, e);
    if (status) {
        mem_free(*out);
        *out = NULL;
    }
    return status;
}

static int remove_one(const char *path, const struct stat *s, int kind, struct FTW *where)
{
    (void)s, (void)kind, (void)where;
    return remove(path);
}

int folder_remove(const char *path, struct error *e)
{
    if (access(path, F_OK) && errno == ENOENT)
        return 0;
    return nftw(path, remove_one, 32, FTW_DEPTH | FTW_PHYS)
               ? error_errno(e, "%s: cannot be removed", path)
               : 0;
}
