/* What the commands of wrangle share. */
#ifndef WRANGLE_H
#define WRANGLE_H

#include "session/session.h"

/* The recipe of the program in the file, or else in the first operand, which is taken away. */
int parse_program(struct session *s, const char *file, struct operands *operands,
                  struct recipe **out, struct error *e);
int save_recipe(struct recipe *r, const char *path, struct error *e);

extern const struct command command_run, command_default, command_fit, command_apply, command_merge,
    command_list, command_help, command_explain, command_convert, command_sniff, command_describe,
    command_head, command_view;

#endif
