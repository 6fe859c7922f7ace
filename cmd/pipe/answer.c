/* pipe approve, reject, callback: answers to steps that wait. */
#include "pipe.h"

/* ---- approvals ---- */

struct approve_options {
    const char *comment;
};

static const struct option approve_options[] = {
    {'m', "comment", "TEXT", INTO_TEXT(struct approve_options, comment),
     .help = "is kept with the answer"},
    OPTION_END,
};

static int answer_step(const struct approve_options *o, const struct operands *operands,
                       enum verdict verdict)
{
    struct error e = {0};
    char id[40];
    const struct reply reply = {.verdict = verdict, .comment = o->comment};
    char *home = pipe_home(false, &e);
    int status = home ? find_run(home, operands->at[0], id, &e) : ERR_SYSTEM;
    if (status == 0)
        status = question_answer(home, operands->at[1], id, &reply, &e);
    mem_free(home);
    return pipe_finish(status, &e);
}

static int run_approve(void *options, struct operands *operands)
{
    return answer_step(options, operands, VERDICT_YES);
}

static int run_reject(void *options, struct operands *operands)
{
    return answer_step(options, operands, VERDICT_NO);
}

const struct command command_approve = {
    .name = "approve",
    .summary = "approve what a step waits for, so that the next run goes on",
    .operands = "RUN STEP",
    .options = approve_options,
    .options_size = sizeof(struct approve_options),
    .run = run_approve,
    .more = "RUN is an id or its beginning, or last. Who approves is the user by whom the command "
            "is run. The first answer is the one that counts. The exit status is 1 when there is "
            "one, or when the user is none of those who may answer, which is kept in the ledger.",
};

const struct command command_reject = {
    .name = "reject",
    .summary = "reject what a step waits for: the step fails in the next run",
    .operands = "RUN STEP",
    .options = approve_options,
    .options_size = sizeof(struct approve_options),
    .run = run_reject,
    .more = "As approve. A run that found the answer fails by it; the one after that asks again.",
};

/* ---- callbacks ---- */

static int answer_token(const struct operands *operands, const struct reply *reply)
{
    struct error e = {0};
    char *home = pipe_home(false, &e);
    int status = home ? question_answer(home, operands->at[1], NULL, reply, &e) : ERR_SYSTEM;
    mem_free(home);
    return pipe_finish(status, &e);
}

static int run_callback(void *options, struct operands *operands)
{
    const char *const *words = (const char *const *)operands->at + 2;
    size_t count = operands->len - 2;
    char quoted[QUOTE_MAX];
    (void)options;
    if (strcmp(operands->at[0], "success") == 0)
        return answer_token(operands, &(struct reply){.verdict = VERDICT_YES,
                                                      .to_callback = true,
                                                      .values = words,
                                                      .value_count = count});
    if (strcmp(operands->at[0], "failure") != 0)
        return cli_usage("%s is none of success, failure",
                         quote(quoted, operands->at[0], strlen(operands->at[0])));
    if (count > 1)
        return cli_usage("a reason is one word: quote it");
    return answer_token(operands, &(struct reply){.verdict = VERDICT_NO,
                                                  .to_callback = true,
                                                  .comment = count ? words[0] : NULL});
}

const struct command command_callback = {
    .name = "callback",
    .summary = "tell of the end of work that a step handed over",
    .operands = "success|failure TOKEN [WORD...]",
    .run = run_callback,
    .more = "With success the words are values, NAME=VALUE, at most 50: variables for the steps "
            "that wait for this one. With failure there may be one, the reason. The first answer "
            "to a token is the one that counts; the exit status of a second one is 1.",
};
