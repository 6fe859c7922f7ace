/* tool: compilers and other programs run in a directory, and its files. For the files of this
 * module. */
#ifndef ARTEFACT_TOOL_H
#define ARTEFACT_TOOL_H

#include "artefact/target.h"

enum { TOOL_WORDS = 40, TOOL_TIMEOUT_MS = 120000 };

/* A command line under construction; words are borrowed. */
struct command_line {
    const char *word[TOOL_WORDS];
    size_t len;
};
void command_add(struct command_line *c, const char *word);
void command_add_all(struct command_line *c, const char *const *words); /* up to NULL */

/* Runs it in the directory. ERR_SYSTEM when it cannot be started, ends with another status than 0
 * (the message has what it complained of), or takes longer than timeout_ms (0: two minutes).
 * *status may be NULL; then it is what the program ended with, and no error. */
int program_run(const struct command_line *c, const char *directory, int timeout_ms, int *status,
                struct error *e);
/* The first line of what a program says of itself; returns owned, NULL when it says nothing. */
char *tool_version(const char *program);

int directory_put(const char *directory, const char *name, struct text bytes, struct error *e);
int directory_put_program(const char *directory, const char *name, struct text bytes,
                          struct error *e);
int directory_get(const char *directory, const char *name, size_t limit, struct buf *out,
                  struct error *e);

#endif
