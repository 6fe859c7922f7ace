#include "cli/internal.h"

#include <ctype.h>

static void json_member(struct buf *out, const char *name, const char *text)
{
    if (!text)
        return;
    buf_format(out, ",\"%s\":", name);
    json_put_string(out, text, strlen(text));
}

static const char *kind_name(enum option_kind kind)
{
    static const char *const names[] = {
        [OPTION_FLAG] = "flag", [OPTION_TEXT] = "text",         [OPTION_INT] = "int",
        [OPTION_SIZE] = "size", [OPTION_DOUBLE] = "double",     [OPTION_CHOICE] = "choice",
        [OPTION_LIST] = "list", [OPTION_DURATION] = "duration",
    };
    return names[kind];
}

static void json_choices(struct buf *out, const char *choices)
{
    const char *separator = ",\"choices\":[";
    struct text word;
    if (!choices)
        return;
    while ((word = choice_next(&choices)).at) {
        buf_puts(out, separator);
        json_put_string(out, word.at, word.len);
        separator = ",";
    }
    buf_putc(out, ']');
}

static void json_options(struct buf *out, const char *name, const struct option *row)
{
    buf_format(out, ",\"%s\":[", name);
    for (const char *separator = "{"; row && row->name; row++, separator = ",{") {
        char letter[2] = {row->letter, '\0'};
        buf_format(out, "%s\"kind\":\"%s\"", separator, kind_name(row->kind));
        json_member(out, "name", row->name);
        json_member(out, "letter", row->letter ? letter : NULL);
        json_member(out, "metavar", row->metavar);
        json_member(out, "default", row->fallback);
        json_member(out, "range", row->range);
        json_choices(out, row->choices);
        json_member(out, "help", row->help);
        json_member(out, "more", row->more);
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
}

static void json_command(struct buf *out, const struct command *command)
{
    buf_puts(out, "{\"summary\":");
    json_put_string(out, command->summary, strlen(command->summary));
    json_member(out, "name", command->name);
    json_member(out, "aliases", command->aliases);
    json_member(out, "operands", command->operands);
    json_member(out, "more", command->more);
    json_options(out, "options", command->options);
    buf_putc(out, '}');
}

static void describe_json(struct buf *out, const struct tool *tool)
{
    buf_puts(out, "{\"tool\":");
    json_put_string(out, tool->name, strlen(tool->name));
    json_member(out, "version", MLUTILS_VERSION);
    json_member(out, "summary", tool->summary);
    json_member(out, "description", tool->description);
    if (tool->otherwise) {
        buf_puts(out, ",\"default\":");
        json_command(out, tool->otherwise);
    }
    buf_puts(out, ",\"commands\":[");
    const char *separator = "";
    for (const struct command *const *c = tool->commands; c && *c; c++, separator = ",") {
        buf_puts(out, separator);
        json_command(out, *c);
    }
    buf_putc(out, ']');
    json_options(out, "common", common_options);
    buf_puts(out, "}\n");
}

enum { SOURCE_WIDTH = 78 };

static bool ends_sentence(const char *word, size_t len)
{
    return len > 1 && strchr(".?!", word[len - 1]) && word[len - 2] != '.';
}

/* A word of running text: what roff would take for a command or an escape is made harmless. */
static void mdoc_word(struct buf *out, const char *word, size_t len, bool line_start)
{
    if (line_start && strchr(".'", word[0]))
        buf_puts(out, "\\&");
    for (size_t i = 0; i < len; i++) {
        if (word[i] == '\\')
            buf_puts(out, "\\e");
        else if (word[i] == '-' && (i == 0 || word[i - 1] == '-'))
            buf_puts(out, "\\-");
        else
            buf_putc(out, word[i]);
    }
}

/* Running text: every sentence on a new line, as mdoc wants it; an empty line is a paragraph. */
static void mdoc_text(struct buf *out, const char *text)
{
    size_t column = 0;
    bool fresh = true; /* at the start of a line */
    for (size_t len; *text; text += len) {
        size_t space = strspn(text, " \n");
        bool paragraph = memmem(text, space, "\n\n", 2) != NULL;
        text += space;
        len = strcspn(text, " \n");
        if (len == 0)
            break;
        if (!fresh && (paragraph || column + 1 + len > SOURCE_WIDTH)) {
            buf_puts(out, paragraph ? "\n.Pp\n" : "\n");
            fresh = true;
        } else if (paragraph && column) {
            buf_puts(out, ".Pp\n");
        }
        if (!fresh)
            buf_putc(out, ' ');
        column = fresh ? len : column + 1 + len;
        mdoc_word(out, text, len, fresh);
        fresh = ends_sentence(text, len);
        if (fresh)
            buf_putc(out, '\n');
    }
    if (!fresh)
        buf_putc(out, '\n');
}

/* "threads to use" becomes the sentence "Threads to use." */
static void mdoc_sentence(struct buf *out, const char *text)
{
    char *sentence = mem_format("%s.", text);
    sentence[0] = (char)toupper((unsigned char)sentence[0]);
    mdoc_text(out, sentence);
    mem_free(sentence);
}

static void mdoc_choices(struct buf *out, const char *choices)
{
    struct text word = choice_next(&choices), next;
    buf_puts(out, "One of\n");
    for (; word.at; word = next) {
        next = choice_next(&choices);
        if (!next.at)
            buf_puts(out, "or\n");
        buf_format(out, ".Cm %.*s%s\n", (int)word.len, word.at,
                   !next.at  ? " ."
                   : choices ? " ,"
                             : "");
    }
}

static void mdoc_option(struct buf *out, const struct option *row)
{
    buf_puts(out, ".It ");
    if (row->letter)
        buf_format(out, "Fl %c , ", row->letter);
    buf_format(out, "Fl -%s", row->name);
    if (option_value_name(row))
        buf_format(out, " Ns = Ns Ar %s", row->metavar ? row->metavar : "WORD");
    buf_putc(out, '\n');
    mdoc_sentence(out, row->help);
    if (row->more)
        mdoc_text(out, row->more);
    if (row->choices)
        mdoc_choices(out, row->choices);
    if (row->range)
        buf_format(out, "Range:\n.Ql %s .\n", row->range);
    if (row->fallback)
        buf_format(out, "Default:\n.Ql %s .\n", row->fallback);
    if (row->kind == OPTION_LIST)
        buf_puts(out, "May be given more than once.\n");
}

static void mdoc_options(struct buf *out, const struct option *rows)
{
    if (!rows || !rows->name)
        return;
    buf_puts(out, ".Bl -tag -width Ds\n");
    for (; rows->name; rows++)
        mdoc_option(out, rows);
    buf_puts(out, ".El\n");
}

static bool has_row(const struct option *rows, const struct option *wanted)
{
    for (; rows && rows->name; rows++) {
        if (strcmp(rows->name, wanted->name) == 0 && strcmp(rows->help, wanted->help) == 0)
            return true;
    }
    return false;
}

/* A command's own options in full; those it has in common with the default command by
 * their names. */
static void mdoc_command_options(struct buf *out, const struct option *rows,
                                 const struct option *explained)
{
    struct buf own = {0}, shared = {0};
    for (; rows && rows->name; rows++) {
        if (has_row(explained, rows))
            buf_format(&shared, "%s.Fl -%s", shared.len ? " ,\n" : "", rows->name);
        else
            mdoc_option(&own, rows);
    }
    if (own.len)
        buf_format(out, ".Bl -tag -width Ds\n%s.El\n", buf_text(&own));
    if (shared.len)
        buf_format(out, "%sTakes these options of the section OPTIONS:\n%s .\n",
                   own.len ? ".Pp\n" : "", buf_text(&shared));
    buf_release(&own);
    buf_release(&shared);
}

/* "PROGRAM [FILE...]" */
static void mdoc_operands(struct buf *out, const char *operands)
{
    for (operands += strspn(operands, " "); *operands; operands += strspn(operands, " ")) {
        size_t len = strcspn(operands, " ");
        bool optional = *operands == '[';
        size_t name = strcspn(operands + optional, ".] ");
        buf_format(out, "%s %.*s%s\n", optional ? ".Op Ar" : ".Ar", (int)name, operands + optional,
                   memmem(operands, len, "...", 3) ? " ..." : "");
        operands += len;
    }
}

static void mdoc_command(struct buf *out, const struct command *command,
                         const struct option *explained)
{
    buf_format(out, ".It Xo\n.Cm %s\n.Op Ar option ...\n", command->name);
    mdoc_operands(out, command->operands ? command->operands : "");
    buf_puts(out, ".Xc\n");
    mdoc_sentence(out, command->summary);
    if (command->more)
        mdoc_text(out, command->more);
    mdoc_command_options(out, command->options, explained);
}

static void describe_mdoc(struct buf *out, const struct tool *tool)
{
    const struct option *explained = tool->otherwise ? tool->otherwise->options : NULL;
    if (tool->commands && *tool->commands) {
        buf_puts(out, ".Sh COMMANDS\n.Bl -tag -width Ds\n");
        for (const struct command *const *c = tool->commands; *c; c++) {
            if ((*c)->name)
                mdoc_command(out, *c, explained);
        }
        buf_puts(out, ".El\n");
    }
    buf_puts(out, ".Sh OPTIONS\n");
    if (explained) {
        mdoc_options(out, explained);
        buf_puts(out, "Every command also has these:\n");
    }
    mdoc_options(out, common_options);
}

void describe(struct buf *out, const struct tool *tool, enum describe_format format)
{
    static void (*const writers[])(struct buf *, const struct tool *) = {
        [DESCRIBE_JSON] = describe_json, [DESCRIBE_MDOC] = describe_mdoc,
        [DESCRIBE_BASH] = describe_bash, [DESCRIBE_ZSH] = describe_zsh,
        [DESCRIBE_FISH] = describe_fish,
    };
    writers[format](out, tool);
}
