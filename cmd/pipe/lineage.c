/* pipe lineage, audit: where files come from, and whether the ledger is as it was written. */
#include "pipe.h"

#include "ledger/ledger.h"
#include "pipeline/lineage.h"

#include <stdio.h>

/* ---- lineage ---- */

struct lineage_options {
    bool forth, openlineage;
};

static const struct option lineage_options[] = {
    {0, "forth", NULL, INTO_FLAG(struct lineage_options, forth),
     .help = "the steps that used the file, and what became of that"},
    {0, "openlineage", NULL, INTO_FLAG(struct lineage_options, openlineage),
     .help = "the operand is a run: its events as OpenLineage has them"},
    OPTION_END,
};

static int print_step(void *context, struct text line, unsigned depth, struct error *e)
{
    (void)context, (void)e;
    (void)printf("{\"depth\":%u,%.*s\n", depth, (int)line.len - 1, line.at + 1);
    return 0;
}

static int print_text(void *context, struct text line, unsigned depth, struct error *e)
{
    (void)context, (void)depth, (void)e;
    (void)printf("%.*s\n", (int)line.len, line.at);
    return 0;
}

/* What pipe-sh noted has the name of its make, which is no run of ours. */
static int print_openlineage(const char *home, const char *run, struct error *e)
{
    char id[40];
    bool of_make = strncmp(run, "make-", 5) == 0;
    int status = of_make ? 0 : find_run(home, run, id, e);
    return status ? status : openlineage_of_run(home, of_make ? run : id, print_text, NULL, e);
}

static int run_lineage(void *options, struct operands *operands)
{
    const struct lineage_options *o = options;
    struct error e = {0};
    char *home = pipe_home(false, &e);
    int status = !home            ? ERR_SYSTEM
                 : o->openlineage ? print_openlineage(home, operands->at[0], &e)
                                  : lineage_of_file(home, operands->at[0],
                                                    o->forth ? LINEAGE_FORTH : LINEAGE_BACK,
                                                    print_step, NULL, &e);
    mem_free(home);
    return pipe_finish(status, &e);
}

const struct command command_lineage = {
    .name = "lineage",
    .summary = "print the steps that made a file, and those that made what they read",
    .operands = "FILE|RUN",
    .options = lineage_options,
    .options_size = sizeof(struct lineage_options),
    .run = run_lineage,
    .more =
        "A JSON line for each step, nearest first, with its command, parameters and the digests "
        "of what it read and made. Files are told by their content: a copy has the lineage of "
        "what it is a copy of. The exit status is 1 when no step made the file.",
};

/* ---- audit ---- */

struct audit_options {
    const char *head;
};

static const struct option audit_options[] = {
    {0, "head", "DIGEST", INTO_TEXT(struct audit_options, head),
     .help = "the digest that was printed before: the ledger must still have it"},
    OPTION_END,
};

struct looking {
    const char *head;
    bool found;
};

static bool has_prev(struct text line, const char *head)
{
    static const char name[] = "\"prev\":\"";
    const char *at = memmem(line.at, line.len, name, sizeof name - 1);
    size_t left = at ? (size_t)(line.at + line.len - at) - (sizeof name - 1) : 0;
    return left >= LEDGER_HEX && memcmp(at + sizeof name - 1, head, LEDGER_HEX) == 0;
}

static bool is_digest(const char *text)
{
    return strlen(text) == LEDGER_HEX && strspn(text, "0123456789abcdef") == LEDGER_HEX;
}

/* The digest of a line is the next one's prev, or the head. */
static int look_for_head(void *context, const struct ledger_event *event, struct error *e)
{
    struct looking *l = context;
    (void)e;
    l->found = l->found || has_prev(event->line, l->head);
    return 0;
}

static int audit(const char *path, const struct audit_options *o, struct error *e)
{
    struct ledger_proof proof;
    struct looking l = {.head = o->head};
    if (o->head && !is_digest(o->head))
        return error_set(e, ERR_USAGE, "--head: a digest has 64 hexadecimal digits");
    int status = ledger_verify(path, &proof, e);
    if (status == 0 && o->head) {
        l.found = strcmp(proof.head, o->head) == 0;
        if (!l.found)
            status = ledger_each(path, NULL, look_for_head, &l, e);
        if (status == 0 && !l.found)
            status = error_set(e, ERR_NO, "%s has no event with the digest %s", path, o->head);
    }
    if (status == 0)
        (void)printf("{\"events\":%llu,\"head\":\"%s\"}\n", (unsigned long long)proof.events,
                     proof.head);
    return status;
}

static int run_audit(void *options, struct operands *operands)
{
    struct error e = {0};
    if (operands->len && strcmp(operands->at[0], "verify") != 0)
        return cli_usage("unexpected operand '%s'", operands->at[0]);
    char *home = pipe_home(false, &e);
    char *path = home ? mem_format("%s/ledger.jsonl", home) : NULL;
    int status = home ? audit(path, options, &e) : ERR_SYSTEM;
    mem_free(path);
    mem_free(home);
    return pipe_finish(status, &e);
}

const struct command command_audit = {
    .name = "audit",
    .summary = "prove that the ledger is as it was written; status 1 when it is not",
    .operands = "[verify]",
    .options = audit_options,
    .options_size = sizeof(struct audit_options),
    .run = run_audit,
    .more = "Each event has the digest of the one before it. The digest of the last one, the head, "
            "is printed: kept elsewhere and given by --head, it proves that nothing up to it was "
            "changed or cut off since.",
};
