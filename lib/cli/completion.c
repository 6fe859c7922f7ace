/* Completion files for three shells. The tables are the same; each shell has its own notation. */
#include "cli/internal.h"

static const struct option *own_options(const struct command *command)
{
    static const struct option none = OPTION_END;
    return command && command->options ? command->options : &none;
}

/* Names of the commands with something before each but the first: "fit|apply". */
static void put_names(struct buf *out, const struct tool *tool, const char *separator)
{
    const char *before = "";
    for (const struct command *const *c = tool->commands; c && *c; c++) {
        if (!(*c)->name)
            continue;
        buf_format(out, "%s%s", before, (*c)->name);
        before = separator;
    }
}

static bool has_names(const struct tool *tool)
{
    return tool->commands && *tool->commands;
}

static void put_choices(struct buf *out, const char *choices)
{
    for (; *choices; choices++)
        buf_putc(out, *choices == '|' ? ' ' : *choices);
}

static void bash_words(struct buf *out, const struct option *row)
{
    for (; row->name; row++) {
        if (row->letter)
            buf_format(out, " -%c", row->letter);
        buf_format(out, " --%s", row->name);
    }
}

/* What may follow an option: "fit:--on-error) words='stop skip' ;;". */
static void bash_values(struct buf *out, const char *command, const struct option *row)
{
    for (; row->name; row++) {
        if (!row->choices)
            continue;
        buf_format(out, "        %s:--%s", command, row->name);
        if (row->letter)
            buf_format(out, "|%s:-%c", command, row->letter);
        buf_puts(out, ") words='");
        put_choices(out, row->choices);
        buf_puts(out, "' ;;\n");
    }
}

static void bash_case(struct buf *out, const char *pattern, const struct command *command)
{
    buf_format(out, "            %s) words='", pattern);
    bash_words(out, own_options(command));
    bash_words(out, common_options);
    buf_puts(out, "' ;;\n");
}

static void bash_find_command(struct buf *out, const struct tool *tool)
{
    if (!has_names(tool))
        return;
    buf_puts(out, "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
                  "        case $word in\n            ");
    put_names(out, tool, "|");
    buf_puts(out, ") command=$word; break ;;\n        esac\n    done\n");
}

static void bash_choose_words(struct buf *out, const struct tool *tool)
{
    buf_puts(out, "    case $command:$previous in\n");
    for (const struct command *const *c = tool->commands; c && *c; c++) {
        if ((*c)->name)
            bash_values(out, (*c)->name, own_options(*c));
    }
    bash_values(out, "", own_options(tool->otherwise));
    bash_values(out, "*", common_options);
    buf_puts(out, "    esac\n"
                  "    if [[ -z $words && $current == -* ]]; then\n"
                  "        case $command in\n");
    for (const struct command *const *c = tool->commands; c && *c; c++) {
        if ((*c)->name)
            bash_case(out, (*c)->name, *c);
    }
    bash_case(out, "*", tool->otherwise);
    buf_puts(out, "        esac\n");
    if (has_names(tool)) {
        buf_puts(out, "    elif [[ -z $words && -z $command && $previous != -* ]]; then\n"
                      "        words='");
        put_names(out, tool, " ");
        buf_puts(out, "'\n");
    }
    buf_puts(out, "    fi\n");
}

/* bash splits --name=value at the equals sign. Without words it falls back to names of files. */
void describe_bash(struct buf *out, const struct tool *tool)
{
    buf_format(out, "# bash completion, written by '%s --describe=bash'\n_%s()\n{\n", tool->name,
               tool->name);
    buf_puts(out,
             "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
             "    local command='' words='' word\n"
             "    if [[ $current == = ]]; then\n"
             "        current=''\n"
             "    elif [[ $previous == = ]]; then\n"
             "        previous=${COMP_WORDS[COMP_CWORD-2]}\n"
             "    fi\n");
    bash_find_command(out, tool);
    bash_choose_words(out, tool);
    buf_puts(out, "    COMPREPLY=()\n"
                  "    while IFS= read -r word; do\n"
                  "        COMPREPLY+=(\"$word\")\n"
                  "    done < <(compgen -W \"$words\" -- \"$current\")\n}\n");
    buf_format(out, "complete -o default -F _%s %s\n", tool->name, tool->name);
}

/* Inside '...' and inside [...] of a specification. */
static void zsh_quote(struct buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            buf_puts(out, "'\\''");
        else if (strchr("[]:\\", *text))
            buf_format(out, "\\%c", *text);
        else
            buf_putc(out, *text);
    }
}

static void zsh_value(struct buf *out, const struct option *row)
{
    if (row->kind == OPTION_FLAG)
        return;
    buf_format(out, ":%s:", row->metavar ? row->metavar : "word");
    if (row->choices) {
        buf_putc(out, '(');
        put_choices(out, row->choices);
        buf_putc(out, ')');
    } else if (row->kind == OPTION_TEXT || row->kind == OPTION_LIST) {
        buf_puts(out, "_files");
    }
}

/* One form of an option; giving it excludes both forms, unless it may be repeated. */
static void zsh_form(struct buf *out, const struct option *row, bool is_letter)
{
    bool valued = row->kind != OPTION_FLAG;
    buf_puts(out, "        '");
    if (row->kind == OPTION_LIST)
        buf_putc(out, '*');
    else if (row->letter)
        buf_format(out, "(-%c --%s)", row->letter, row->name);
    if (is_letter)
        buf_format(out, "-%c%s", row->letter, valued ? "+" : "");
    else
        buf_format(out, "--%s%s", row->name, valued ? "=" : "");
    buf_putc(out, '[');
    zsh_quote(out, row->help);
    buf_putc(out, ']');
    zsh_value(out, row);
    buf_puts(out, "'\n");
}

static void zsh_options(struct buf *out, const char *array, const struct option *row)
{
    buf_format(out, "    %s=(\n", array);
    for (; row->name; row++) {
        if (row->letter)
            zsh_form(out, row, true);
        zsh_form(out, row, false);
    }
    buf_puts(out, "    )\n");
}

static void zsh_commands(struct buf *out, const struct tool *tool)
{
    buf_puts(out, "commands=(\n");
    for (const struct command *const *c = tool->commands; c && *c; c++) {
        if (!(*c)->name)
            continue;
        buf_format(out, "    '%s:", (*c)->name);
        zsh_quote(out, (*c)->summary);
        buf_puts(out, "'\n");
    }
    buf_puts(out, ")\n");
}

void describe_zsh(struct buf *out, const struct tool *tool)
{
    buf_format(out, "#compdef %s\n# zsh completion, written by '%s --describe=zsh'\n", tool->name,
               tool->name);
    buf_puts(out, "local -a commands common own\nlocal command word\n");
    zsh_commands(out, tool);
    zsh_options(out, "common", common_options);
    buf_puts(out, "for word in ${words[2,CURRENT-1]}; do\n"
                  "    if (( ${commands[(I)$word:*]} )); then\n"
                  "        command=$word\n"
                  "        break\n"
                  "    fi\n"
                  "done\n"
                  "case $command in\n");
    for (const struct command *const *c = tool->commands; c && *c; c++) {
        if (!(*c)->name)
            continue;
        buf_format(out, "%s)\n", (*c)->name);
        zsh_options(out, "own", own_options(*c));
        buf_puts(out, "    ;;\n");
    }
    buf_puts(out, "*)\n");
    zsh_options(out, "own", own_options(tool->otherwise));
    buf_puts(out, "    ;;\nesac\n"
                  "if [[ -z $command && $words[CURRENT] != -* ]]; then\n"
                  "    _describe command commands\n"
                  "fi\n"
                  "_arguments -s -S : $common $own '*:file:_files'\n");
}

static void fish_quote(struct buf *out, const char *text)
{
    buf_putc(out, '\'');
    for (; *text; text++) {
        if (strchr("'\\", *text))
            buf_putc(out, '\\');
        buf_putc(out, *text);
    }
    buf_putc(out, '\'');
}

/* `condition` says when the options are offered: "-n '...'" or "". */
static void fish_options(struct buf *out, const char *tool, const char *condition,
                         const struct option *row)
{
    for (; row->name; row++) {
        buf_format(out, "complete -c %s%s", tool, condition);
        if (row->letter)
            buf_format(out, " -s %c", row->letter);
        buf_format(out, " -l %s", row->name);
        if (row->choices) {
            buf_puts(out, " -x -a '");
            put_choices(out, row->choices);
            buf_putc(out, '\'');
        } else if (row->kind != OPTION_FLAG) {
            buf_puts(out, " -r");
        }
        buf_puts(out, " -d ");
        fish_quote(out, row->help);
        buf_putc(out, '\n');
    }
}

void describe_fish(struct buf *out, const struct tool *tool)
{
    struct buf condition = {0};
    buf_format(out, "# fish completion, written by '%s --describe=fish'\n", tool->name);
    if (has_names(tool)) {
        buf_puts(&condition, " -n 'not __fish_seen_subcommand_from ");
        put_names(&condition, tool, " ");
        buf_putc(&condition, '\'');
    }
    for (const struct command *const *c = tool->commands; c && *c; c++) {
        if (!(*c)->name)
            continue;
        buf_format(out, "complete -c %s%s -a %s -d ", tool->name, buf_text(&condition), (*c)->name);
        fish_quote(out, (*c)->summary);
        buf_putc(out, '\n');
    }
    fish_options(out, tool->name, buf_text(&condition), own_options(tool->otherwise));
    for (const struct command *const *c = tool->commands; c && *c; c++) {
        char *seen = mem_format(" -n '__fish_seen_subcommand_from %s'", (*c)->name);
        if ((*c)->name)
            fish_options(out, tool->name, seen, own_options(*c));
        mem_free(seen);
    }
    fish_options(out, tool->name, "", common_options);
    buf_release(&condition);
}
