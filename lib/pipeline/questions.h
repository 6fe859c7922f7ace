/*
 * questions: what steps wait for and somebody outside answers: an approval, the end of work that a
 * callback hands over, the approval of a version of a model. Questions and answers are events of
 * the ledger. A question is told by what it is about: a token, or GROUP/VERSION of a model.
 *
 * The first answer to a token is the one that counts; of a model's version it is the last.
 */
#ifndef PIPELINE_QUESTIONS_H
#define PIPELINE_QUESTIONS_H

#include "base/digest.h"
#include "ledger/ledger.h"

enum question_kind { QUESTION_APPROVAL, QUESTION_CALLBACK, QUESTION_MODEL };
const char *question_kind_name(enum question_kind kind); /* as approval */
enum verdict { VERDICT_NONE, VERDICT_YES, VERDICT_NO };
const char *verdict_name(enum question_kind kind, enum verdict v); /* as approved, failed */

struct answer {
    enum verdict verdict;
    const char *user, *host, *comment; /* comment: "" when there is none */
    usec time;
    const char *const *values; /* of a callback: NAME=VALUE, ends with NULL */
};

struct question {
    enum question_kind kind;
    const char *about;
    const char *step;       /* the last that asked; NULL: none did */
    const char *const *may; /* who may answer, ends with NULL; NULL: anybody */
    usec asked;
    bool handed; /* of a callback: its command ended well */
    bool used;   /* a record of a step says what was answered */
    struct answer answer;
};

/* All that a ledger has. */
struct questions {
    VEC(struct question *) list;
    struct map by_about;                           /* numbers in list */
    struct map by_fingerprint, by_run;             /* of the step's state; RUN NUL STEP */
    VEC(struct question *) of_fingerprint, of_run; /* by number in their maps: the last */
    struct arena arena;
};
/* Takes events that are questions or answers, in order; all others are no matter. */
void questions_note(struct questions *q, const struct ledger_event *event);
void questions_release(struct questions *q);
/* NULL when there is none. */
struct question *questions_about(const struct questions *q, struct text about);
const struct question *questions_of(const struct questions *q, const uint8_t *fingerprint);
const struct question *questions_of_run(const struct questions *q, const char *run,
                                        const char *step);
bool may_answer(const char *const *may, const char *user);
void may_put(struct buf *b, const char *const *may); /* "ann, bob or carl" */

enum { TOKEN_LENGTH = 10 };
void make_token(char out[static TOKEN_LENGTH + 1]); /* of [a-zA-Z0-9], not to be foreseen */

struct person {
    char user[128], host[256];
};
void person_self(struct person *p);

/* ---- answering ---- */

struct reply {
    enum verdict verdict;
    bool to_callback;          /* else to an approval or a model */
    const char *comment;       /* NULL: none */
    const char *const *values; /* NAME=VALUE */
    size_t value_count;
};
/* Adds the answer of who calls to the ledger: to what the step `what` asked in a run; run NULL: to
 * the question about `what`. home is the folder of the tool's state. ERR_NO: it has an answer, or
 * who calls may not answer, which is kept, too. ERR_USAGE: there is no such question, or the values
 * are wrong. */
int question_answer(const char *home, const char *what, const char *run, const struct reply *r,
                    struct error *e);
/* What is read and then written depends on one another: one process does it at a time. */
int answers_lock(const char *home, int *fd, struct error *e);

#endif
