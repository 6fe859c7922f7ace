/* pipe validate, graph: the definition without running it. */
#include "pipe.h"

#include <stdio.h>

struct definition_options {
    struct option_list parameters;
    int to;
};

static const struct option validate_options[] = {
    OPTION_ROW_PARAMETERS(struct definition_options, parameters),
    OPTION_END,
};

static int load(const struct definition_options *o, const struct operands *operands,
                struct pipeline **p)
{
    struct error e = {0};
    int status =
        pipeline_load(definition_operand(operands), o->parameters.at, o->parameters.len, p, &e);
    return pipe_finish(status, &e);
}

static int run_validate(void *options, struct operands *operands)
{
    struct pipeline *p = NULL;
    int status = load(options, operands, &p);
    pipeline_free(p);
    return status;
}

const struct command command_validate = {
    .name = "validate",
    .summary = "check a definition; status 3 with the place when it is wrong",
    .operands = "[PIPELINE]",
    .options = validate_options,
    .options_size = sizeof(struct definition_options),
    .run = run_validate,
};

static const struct option graph_options[] = {
    OPTION_ROW_PARAMETERS(struct definition_options, parameters),
    {'t', "to", NULL, INTO_CHOICE(struct definition_options, to), .choices = "text|dot|mermaid|svg",
     .fallback = "text", .help = "what is written"},
    OPTION_END,
};

enum { TO_TEXT, TO_DOT, TO_MERMAID, TO_SVG };

static void put_quoted(const char *name)
{
    (void)putchar('"');
    for (; *name; name++) {
        if (*name == '"' || *name == '\\')
            (void)putchar('\\');
        (void)putchar(*name);
    }
    (void)putchar('"');
}

static void put_dot(const struct pipeline *p)
{
    (void)puts("digraph pipeline {\n    rankdir=LR;\n    node [shape=box];");
    for (size_t i = 0; i < p->step_count; i++) {
        (void)fputs("    ", stdout);
        put_quoted(p->steps[i].name);
        (void)puts(";");
        for (uint32_t k = 0; k < p->steps[i].wait_count; k++) {
            (void)fputs("    ", stdout);
            put_quoted(p->steps[p->steps[i].waits_for[k]].name);
            (void)fputs(" -> ", stdout);
            put_quoted(p->steps[i].name);
            (void)puts(";");
        }
    }
    (void)puts("}");
}

static void put_mermaid(const struct pipeline *p)
{
    (void)puts("graph LR");
    for (size_t i = 0; i < p->step_count; i++) {
        (void)printf("    s%zu[\"", i);
        for (const char *at = p->steps[i].name; *at; at++)
            (void)fputs(*at == '"' ? "#quot;" : (char[]){*at, 0}, stdout);
        (void)puts("\"]");
        for (uint32_t k = 0; k < p->steps[i].wait_count; k++)
            (void)printf("    s%u --> s%zu\n", (unsigned)p->steps[i].waits_for[k], i);
    }
}

static void put_text(const struct pipeline *p)
{
    for (size_t i = 0; i < p->step_count; i++) {
        const struct step *s = &p->steps[p->order[i]];
        (void)fputs(s->name, stdout);
        for (uint32_t k = 0; k < s->wait_count; k++)
            (void)printf("%s%s", k ? " " : " <- ", p->steps[s->waits_for[k]].name);
        (void)putchar('\n');
    }
}

static int run_graph(void *options, struct operands *operands)
{
    const struct definition_options *o = options;
    struct pipeline *p = NULL;
    int status = load(o, operands, &p);
    if (status)
        return status;
    if (o->to == TO_DOT)
        put_dot(p);
    else if (o->to == TO_MERMAID)
        put_mermaid(p);
    else if (o->to == TO_SVG)
        put_svg(p);
    else
        put_text(p);
    pipeline_free(p);
    return 0;
}

const struct command command_graph = {
    .name = "graph",
    .summary = "draw which step waits for which",
    .operands = "[PIPELINE]",
    .options = graph_options,
    .options_size = sizeof(struct definition_options),
    .run = run_graph,
};
