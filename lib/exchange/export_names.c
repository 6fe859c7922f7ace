/* Names of steps that every format takes. */
#include "exchange/export.h"

#include <stdio.h>

enum { NAME_MAX_LENGTH = 64 };

static bool stands_in_names(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

/* Other characters become one hyphen, none at the end. */
static size_t plain_name(char out[static NAME_MAX_LENGTH], const char *name)
{
    size_t n = 0;
    for (; *name && n < NAME_MAX_LENGTH; name++)
        if (stands_in_names(*name))
            out[n++] = *name;
        else if (n > 0 && out[n - 1] != '-')
            out[n++] = '-';
    while (n > 1 && out[n - 1] == '-')
        n--;
    return n;
}

static bool is_path(struct exporting *x, struct text name)
{
    for (size_t i = x->paths.keys.len; i < x->p->path_count; i++)
        map_put(&x->paths, x->p->paths[i], NULL);
    return map_get(&x->paths, name) != MAP_NONE;
}

/* Appends "-2"; what is before it is cut so that the name is not too long. */
static size_t add_number(char name[static NAME_MAX_LENGTH + 1], size_t n, unsigned number)
{
    char ending[16];
    size_t length = (size_t)snprintf(ending, sizeof ending, "-%u", number);
    n = n + length > NAME_MAX_LENGTH ? NAME_MAX_LENGTH - length : n;
    memcpy(name + n, ending, length);
    return n + length;
}

static char *new_name(struct exporting *x, const char *wanted, bool beside_paths)
{
    char name[NAME_MAX_LENGTH + 1];
    size_t n = plain_name(name, wanted), length = n;
    bool is_new = false;
    size_t number = map_put(&x->wanted, (struct text){name, n}, &is_new);
    if (is_new)
        vec_push(&x->next, 1);
    for (is_new = false; !is_new;) {
        unsigned next = x->next.at[number]++;
        length = next == 1 ? n : add_number(name, n, next);
        if (!(beside_paths && is_path(x, (struct text){name, length})))
            map_put(&x->taken, (struct text){name, length}, &is_new);
    }
    return arena_text(&x->arena, name, length);
}

const char *export_new_name(struct exporting *x, const char *wanted)
{
    return new_name(x, wanted, true);
}

static char *beside_paths_name(struct exporting *x, char *name)
{
    return is_path(x, text_of(name)) ? new_name(x, name, true) : name;
}

char **export_phony_names(struct exporting *x)
{
    char **names = arena_zero(&x->arena, (x->p->step_count + 1) * sizeof *names);
    for (size_t i = 0; i < x->p->step_count; i++)
        if (x->p->steps[i].out_count == 0)
            names[i] = beside_paths_name(x, x->names[i]);
    return names;
}

void export_name_steps(struct exporting *x)
{
    for (size_t i = 0; i < x->p->step_count; i++)
        x->names[i] = new_name(x, x->p->steps[i].name, false);
}
