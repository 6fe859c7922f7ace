/* Commands that need no shell: its start is most of what a small one costs. */
#include "sys/sys.h"

/* What a shell does itself, under whatever name /bin/sh is, or reads as more than a name. */
static const char *const own[] = {
    ".",         ":",        "alias",   "bg",       "bind",    "break",    "builtin", "caller",
    "case",      "cd",       "chdir",   "command",  "compgen", "complete", "compopt", "continue",
    "coproc",    "declare",  "dirs",    "disown",   "do",      "done",     "echo",    "elif",
    "else",      "enable",   "esac",    "eval",     "exec",    "exit",     "export",  "fc",
    "fg",        "fi",       "for",     "function", "getopts", "hash",     "help",    "history",
    "if",        "in",       "jobs",    "kill",     "let",     "local",    "login",   "logout",
    "mapfile",   "newgrp",   "popd",    "print",    "printf",  "pushd",    "pwd",     "read",
    "readarray", "readonly", "return",  "select",   "set",     "shift",    "shopt",   "source",
    "suspend",   "test",     "then",    "time",     "times",   "trap",     "type",    "typeset",
    "ulimit",    "umask",    "unalias", "unset",    "until",   "wait",     "whence",  "while",
};

static bool is_own(const char *word)
{
    for (size_t i = 0; i < COUNT_OF(own); i++)
        if (strcmp(word, own[i]) == 0)
            return true;
    return false;
}

/* The words of text, cut off there; 0: there is something in it that a shell would not leave as it
 * is. A last end of line is none. */
static size_t cut(char *text, char **words)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-./+,:@%=";
    size_t n = 0;
    for (size_t end = strlen(text); end && text[end - 1] == '\n'; end--)
        text[end - 1] = 0;
    for (char *at = text; *at; n++) {
        at += strspn(at, " \t");
        if (!*at)
            break;
        words[n] = at;
        at += strspn(at, plain);
        if (*at && *at != ' ' && *at != '\t')
            return 0;
        if (*at)
            *at++ = 0;
    }
    words[n] = NULL;
    return n && !strpbrk(words[0], "=%") && !is_own(words[0]) ? n : 0;
}

char **shell_words(const char *command)
{
    size_t n = strlen(command), most = n / 2 + 2; /* words, and NULL */
    char **words = mem_alloc(most * sizeof *words + n + 1);
    char *text = (char *)(words + most);
    memcpy(text, command, n + 1);
    if (cut(text, words))
        return words;
    mem_free(words);
    return NULL;
}
