/* Runs a fuzz target over every file of the folders named as arguments, one TAP test a file: how
 * the corpora are replayed where there is no libFuzzer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Returns owned; NULL when the file cannot be read. The buffer is exactly as long as the file, so
 * that the address sanitizer sees the first byte too many. */
static uint8_t *load(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    long end = fseek(f, 0, SEEK_END) == 0 ? ftell(f) : -1;
    rewind(f);
    uint8_t *data = end < 0 ? NULL : malloc(end > 0 ? (size_t)end : 1);
    *size = data ? fread(data, 1, (size_t)end, f) : 0;
    (void)fclose(f);
    return data;
}

static int replay_folder(const char *folder, int count)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        char path[4096];
        size_t size;
        (void)snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
        uint8_t *data = entries[i]->d_name[0] == '.' ? NULL : load(path, &size);
        if (data) {
            (void)fflush(stdout);
            (void)LLVMFuzzerTestOneInput(data, size);
            printf("ok %d - %s\n", ++count, path);
        }
        free(data);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    return count;
}

int main(int argc, char **argv)
{
    int count = 0;
    for (int i = 1; i < argc; i++)
        count = replay_folder(argv[i], count);
    if (count == 0)
        printf("not ok %d - the corpus is empty\n", ++count);
    printf("1..%d\n", count);
    return 0;
}
