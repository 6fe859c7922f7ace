#include "cli/internal.h"

enum { PAGE_WIDTH = 79, LABEL_WIDTH = 24 };

static void indent_by(struct buf *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_putc(out, ' ');
}

void wrap(struct buf *out, const char *text, size_t column, size_t indent, size_t width)
{
    size_t at = column;
    bool first = true; /* word of its line */
    for (text += strspn(text, " \n"); *text; text += strspn(text, " \n")) {
        size_t len = strcspn(text, " \n"), columns = utf8_length(text, len);
        if (!first && at + 1 + columns > width) {
            buf_putc(out, '\n');
            indent_by(out, indent);
            at = indent;
        } else if (!first) {
            buf_putc(out, ' ');
            at++;
        }
        buf_add(out, text, len);
        at += columns;
        first = false;
        text += len;
    }
    buf_putc(out, '\n');
}

/* Paragraphs are separated by empty lines. */
static void put_paragraphs(struct buf *out, const char *text)
{
    while (text && *text) {
        const char *end = strstr(text, "\n\n");
        size_t len = end ? (size_t)(end - text) : strlen(text);
        char *paragraph = mem_text_n(text, len);
        buf_putc(out, '\n');
        wrap(out, paragraph, 0, 0, PAGE_WIDTH);
        mem_free(paragraph);
        text += len + strspn(text + len, "\n");
    }
}

/* Two columns: a label, and what it means. */
static void put_entry(struct buf *out, const char *label, const char *meaning)
{
    size_t column = 2 + utf8_length(label, strlen(label));
    buf_format(out, "  %s", label);
    if (column + 1 > LABEL_WIDTH) {
        buf_putc(out, '\n');
        column = 0;
    }
    indent_by(out, LABEL_WIDTH - column);
    wrap(out, meaning, LABEL_WIDTH, LABEL_WIDTH, PAGE_WIDTH);
}

const char *option_value_name(const struct option *row)
{
    return row->metavar ? row->metavar : row->choices;
}

static void put_option(struct buf *out, const struct option *row)
{
    struct buf label = {0}, meaning = {0};
    const char *value = option_value_name(row);
    if (row->letter)
        buf_format(&label, "-%c, ", row->letter);
    else
        buf_puts(&label, "    ");
    buf_format(&label, "--%s%s%s", row->name, value ? "=" : "", value ? value : "");
    buf_puts(&meaning, row->help);
    if (row->fallback)
        buf_format(&meaning, " (default: %s)", row->fallback);
    put_entry(out, buf_text(&label), buf_text(&meaning));
    buf_release(&label);
    buf_release(&meaning);
}

static void put_options(struct buf *out, const char *title, const struct option *rows)
{
    if (!rows || !rows->name)
        return;
    buf_format(out, "\n%s:\n", title);
    for (; rows->name; rows++)
        put_option(out, rows);
}

static void put_usage(struct buf *out, const char *lead, const struct tool *tool,
                      const struct command *command)
{
    struct buf text = {0};
    buf_puts(&text, tool->name);
    if (command->name)
        buf_format(&text, " %s", command->name);
    buf_puts(&text, " [OPTION...]");
    if (command->operands && *command->operands)
        buf_format(&text, " %s", command->operands);
    buf_puts(out, lead);
    wrap(out, buf_text(&text), strlen(lead), strlen(lead) + 4, PAGE_WIDTH);
    buf_release(&text);
}

static void put_commands(struct buf *out, const struct command *const *commands)
{
    if (!commands || !*commands)
        return;
    buf_puts(out, "\ncommands:\n");
    for (; *commands; commands++) {
        if ((*commands)->name)
            put_entry(out, (*commands)->name, (*commands)->summary);
    }
}

static void put_examples(struct buf *out, const struct tool_example *example)
{
    if (!example || !example->command)
        return;
    buf_puts(out, "\nexamples:\n");
    for (; example->command; example++)
        buf_format(out, "  # %s\n  %s\n", example->what, example->command);
}

static void put_sections(struct buf *out, const struct tool_section *section)
{
    for (; section && section->title; section++)
        buf_format(out, "\n%s:\n%s%s", section->title, section->text,
                   section->text[strlen(section->text) - 1] == '\n' ? "" : "\n");
}

void help_tool(struct buf *out, const struct tool *tool)
{
    const char *lead = "usage: ";
    if (tool->otherwise) {
        put_usage(out, lead, tool, tool->otherwise);
        lead = "       ";
    }
    bool has_commands = tool->commands && *tool->commands;
    if (has_commands)
        buf_format(out, "%s%s COMMAND [OPTION...] [OPERAND...]\n", lead, tool->name);
    buf_putc(out, '\n');
    wrap(out, tool->summary, 0, 0, PAGE_WIDTH);
    put_paragraphs(out, tool->description);
    put_commands(out, tool->commands);
    put_options(out, "options", tool->otherwise ? tool->otherwise->options : NULL);
    put_options(out, "common options", common_options);
    put_examples(out, tool->examples);
    put_sections(out, tool->sections);
    if (has_commands)
        buf_format(out, "\n'%s COMMAND --help' tells more about a command.\n", tool->name);
}

void help_command(struct buf *out, const struct tool *tool, const struct command *command)
{
    put_usage(out, "usage: ", tool, command);
    buf_putc(out, '\n');
    wrap(out, command->summary, 0, 0, PAGE_WIDTH);
    put_paragraphs(out, command->more);
    put_options(out, "options", command->options);
    put_options(out, "common options", common_options);
}
