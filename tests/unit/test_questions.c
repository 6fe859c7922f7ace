#include "pipeline/questions.h"
#include "unit.h"

TEST(tokens_have_ten_letters_and_digits_all_as_often)
{
    enum { MANY = 6200 };
    unsigned seen[256] = {0};
    struct map all = {0};
    char token[TOKEN_LENGTH + 1];
    for (int i = 0; i < MANY; i++) {
        bool is_new;
        make_token(token);
        CHECK_INT(strlen(token), 10);
        map_put(&all, text_of(token), &is_new);
        CHECK(is_new);
        for (const char *at = token; *at; at++)
            seen[(unsigned char)*at]++;
    }
    for (int c = 0; c < 256; c++) {
        bool may = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        CHECK(may ? seen[c] > 800 && seen[c] < 1200 : seen[c] == 0); /* 1000, 6 deviations */
    }
    map_release(&all);
}

static void note(struct questions *q, const char *line)
{
    questions_note(q, &(struct ledger_event){.time = 5, .line = text_of(line)});
}

static const struct question *about(const struct questions *q, const char *what)
{
    return questions_about(q, text_of(what));
}

TEST(of_a_token_the_first_answer_counts_of_a_model_the_last)
{
    struct questions q = {.list = {0}};
    note(&q, "{\"event\":\"question\",\"about\":\"abc\",\"kind\":\"approval\",\"step\":\"s\","
             "\"run\":\"r\",\"may\":[\"ann\",\"bob\"]}");
    for (int i = 0; i < 2; i++) {
        const char *subject = i ? "m/1" : "abc";
        char line[200];
        (void)snprintf(line, sizeof line,
                       "{\"event\":\"answer\",\"about\":\"%s\",\"answer\":\"refused\"}", subject);
        note(&q, line);
        CHECK_INT(about(&q, subject)->answer.verdict, VERDICT_NONE);
        (void)snprintf(line, sizeof line,
                       "{\"event\":\"answer\",\"about\":\"%s\",\"answer\":\"approved\"}", subject);
        note(&q, line);
        CHECK_INT(about(&q, subject)->answer.verdict, VERDICT_YES);
        (void)snprintf(line, sizeof line,
                       "{\"event\":\"answer\",\"about\":\"%s\",\"answer\":\"rejected\"}", subject);
        note(&q, line);
        CHECK_INT(about(&q, subject)->answer.verdict, i ? VERDICT_NO : VERDICT_YES);
    }
    CHECK(questions_of_run(&q, "r", "s") == about(&q, "abc"));
    CHECK(questions_of_run(&q, "rs", "") == NULL);
    CHECK(may_answer(about(&q, "abc")->may, "bob"));
    CHECK(!may_answer(about(&q, "abc")->may, "bo"));
    CHECK(may_answer(NULL, "carl"));
    questions_release(&q);
}

TEST(events_that_are_damaged_are_passed_over)
{
    static const char *const lines[] = {
        "{\"event\":\"question\"}",
        "{\"event\":\"question\",\"about\":3,\"kind\":\"approval\"}",
        "{\"event\":\"question\",\"about\":\"x\"",
        "{\"event\":\"answer\",\"about\":\"y\",\"answer\":null}",
        "{\"event\":\"answer\",\"about\":\"z\",\"answer\":\"approved\",\"values\":[1],\"user\":1}",
        "{\"event\":\"step\",\"about\":\"none\",\"state\":\"Pending\"}",
        "{\"event\":\"question\",\"about\":\"w\",\"kind\":\"dance\",\"may\":{\"a\":1}}",
    };
    struct questions q = {.list = {0}};
    for (size_t i = 0; i < COUNT_OF(lines); i++)
        note(&q, lines[i]);
    CHECK(about(&q, "x") == NULL && about(&q, "y") == NULL && about(&q, "none") == NULL);
    CHECK_TEXT(about(&q, "z")->answer.user, "");
    CHECK(about(&q, "w")->may == NULL);
    questions_release(&q);
}
