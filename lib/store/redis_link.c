#include "store/redis_link.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { PORT = 6379, PATIENCE_MS = 5000, FIRST_WAIT_MS = 20, ANSWER_MS = 10000 };

struct redis_link {
    struct redis_library call;
    struct arena arena;
    const char *url; /* as it may be shown: without the password */
    const char *host, *path, *user, *password;
    int port;
    int64_t number; /* of the database */
    redisContext *context;
};

/* ---- commands ---- */

void redis_begin(struct redis_batch *b)
{
    vec_push(&b->first, b->at.len);
}

void redis_arg(struct redis_batch *b, struct text t)
{
    vec_push(&b->at, (const char *)arena_copy(&b->arena, t.at, t.len));
    vec_push(&b->len, t.len);
}

void redis_word(struct redis_batch *b, const char *word)
{
    vec_push(&b->at, word);
    vec_push(&b->len, strlen(word));
}

void redis_number(struct redis_batch *b, int64_t n)
{
    char digits[NUMBER_MAX];
    redis_arg(b, (struct text){digits, number_print_int(digits, n)});
}

void redis_clear(struct redis_batch *b)
{
    b->at.len = b->len.len = b->first.len = 0;
    arena_reset(&b->arena);
}

void redis_release(struct redis_batch *b)
{
    vec_release(&b->at);
    vec_release(&b->len);
    vec_release(&b->first);
    arena_release(&b->arena);
}

/* ---- the address ---- */

static const char *part(struct redis_link *l, const char *from, const char *to)
{
    return arena_text(&l->arena, from, (size_t)(to - from));
}

static bool number_of(const char *digits, int64_t most, int64_t *n)
{
    double unused;
    return number_parse(digits, strlen(digits), n, &unused) == NUMBER_INT && *n >= 0 && *n <= most;
}

/* [[USER]:PASSWORD@], which is left out of what is shown; returns what follows. */
static const char *read_user(struct redis_link *l, const char *at)
{
    const char *end = strchr(at, '@'), *colon = strchr(at, ':');
    l->url = arena_format(&l->arena, "redis://%s", end ? end + 1 : at);
    if (!end)
        return at;
    if (!colon || colon > end)
        colon = end;
    l->user = colon > at ? part(l, at, colon) : NULL;
    l->password = colon < end ? part(l, colon + 1, end) : NULL;
    return end + 1;
}

/* HOST[:PORT][/NUMBER] */
static bool read_server(struct redis_link *l, const char *at)
{
    const char *slash = strchr(at, '/'), *end = slash ? slash : at + strlen(at);
    const char *colon = memchr(at, ':', (size_t)(end - at));
    int64_t port = PORT;
    l->host = part(l, at, colon ? colon : end);
    bool right = !colon || number_of(part(l, colon + 1, end), 65535, &port);
    l->port = (int)port;
    if (slash && slash[1])
        right = right && number_of(slash + 1, INT32_MAX, &l->number);
    return right && *l->host;
}

/* PATH[?db=NUMBER] */
static bool read_socket(struct redis_link *l, const char *at)
{
    const char *mark = strstr(at, "?db="), *end = mark ? mark : at + strlen(at);
    l->path = part(l, at, end);
    l->url = arena_format(&l->arena, "redis+unix://%s", at);
    return *l->path && (!mark || number_of(mark + 4, INT32_MAX, &l->number));
}

static bool read_url(struct redis_link *l, const char *url)
{
    static const char server[] = "redis://", unix_socket[] = "redis+unix://";
    if (strncmp(url, server, sizeof server - 1) == 0)
        return read_server(l, read_user(l, url + sizeof server - 1));
    return strncmp(url, unix_socket, sizeof unix_socket - 1) == 0 &&
           read_socket(l, url + sizeof unix_socket - 1);
}

/* ---- the connection ---- */

static void disconnect(struct redis_link *l)
{
    if (l->context)
        l->call.redisFree(l->context);
    l->context = NULL;
}

static int unreachable(const struct redis_link *l, const char *why, struct error *e)
{
    return error_set(e, ERR_BUSY, "%s: %s", l->url, why);
}

/* What the server says no to: for a moment, or for good. */
static int refused(const struct redis_link *l, const redisReply *r, struct error *e)
{
    static const char *const passing[] = {"LOADING", "BUSY", "TRYAGAIN", "CLUSTERDOWN",
                                          "MASTERDOWN"};
    int code = ERR_SYSTEM;
    for (size_t i = 0; i < COUNT_OF(passing); i++)
        if (strncmp(r->str, passing[i], strlen(passing[i])) == 0)
            code = ERR_BUSY;
    return error_set(e, code, "%s: %s", l->url, r->str);
}

bool redis_lacks_script(const redisReply *r)
{
    return r->type == REDIS_REPLY_ERROR && strncmp(r->str, "NOSCRIPT", 8) == 0;
}

/* ERR_BUSY: what may be better in a moment, with another connection. */
static int send_all(struct redis_link *l, const struct redis_batch *b, struct error *e)
{
    for (size_t i = 0; i < b->first.len; i++) {
        size_t from = b->first.at[i], to = i + 1 < b->first.len ? b->first.at[i + 1] : b->at.len;
        /* hiredis does not write to the arguments; its type does not say so. */
        const char **words = (const char **)b->at.at + from;
        if (l->call.redisAppendCommandArgv(l->context, (int)(to - from), words, b->len.at + from) !=
            REDIS_OK)
            return unreachable(l, l->context->errstr, e);
    }
    return 0;
}

static int receive_all(struct redis_link *l, size_t n, redis_take *take, void *context,
                       struct error *e)
{
    int status = 0;
    for (size_t i = 0; i < n && status == 0; i++) {
        void *reply = NULL;
        if (l->call.redisGetReply(l->context, &reply) != REDIS_OK)
            return unreachable(l, l->context->errstr, e);
        const redisReply *r = reply;
        status = r->type == REDIS_REPLY_ERROR && !redis_lacks_script(r) ? refused(l, r, e)
                                                                        : take(context, i, r, e);
        l->call.freeReplyObject(reply);
    }
    if (status)
        disconnect(l); /* with the replies that nobody reads */
    return status;
}

static int nothing(void *context, size_t i, const redisReply *r, struct error *e)
{
    (void)context, (void)i, (void)r, (void)e;
    return 0;
}

/* The first commands of a connection. */
static int greet(struct redis_link *l, struct error *e)
{
    struct redis_batch b = {0};
    if (l->password) {
        redis_begin(&b);
        redis_word(&b, "AUTH");
        if (l->user)
            redis_word(&b, l->user);
        redis_word(&b, l->password);
    }
    redis_begin(&b);
    redis_word(&b, "SELECT");
    redis_number(&b, l->number);
    int status = send_all(l, &b, e);
    if (status == 0)
        status = receive_all(l, b.first.len, nothing, NULL, e);
    redis_release(&b);
    return status;
}

static int connect_once(struct redis_link *l, struct error *e)
{
    const struct timeval soon = {2, 0}, answer = {ANSWER_MS / 1000, 0};
    l->context = l->path ? l->call.redisConnectUnixWithTimeout(l->path, soon)
                         : l->call.redisConnectWithTimeout(l->host, l->port, soon);
    if (!l->context || l->context->err) {
        int status = unreachable(l, l->context ? l->context->errstr : "no memory", e);
        disconnect(l);
        return status;
    }
    (void)l->call.redisSetTimeout(l->context, answer);
    int status = greet(l, e);
    if (status)
        disconnect(l);
    return status;
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Writing to a server that is gone raises SIGPIPE, which ends filters; here it is an error as
 * others. */
static void hold_sigpipe(sigset_t *before)
{
    sigset_t pipe_only;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_only, before);
}

static void release_sigpipe(const sigset_t *before)
{
    static const struct timespec at_once = {0, 0};
    sigset_t pipe_only;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    if (!sigismember(before, SIGPIPE))
        while (sigtimedwait(&pipe_only, NULL, &at_once) > 0)
            ;
    pthread_sigmask(SIG_SETMASK, before, NULL);
}

static int run_once(struct redis_link *l, const struct redis_batch *b, redis_take *take,
                    void *context, struct error *e)
{
    sigset_t before;
    hold_sigpipe(&before);
    int status = l->context ? 0 : connect_once(l, e);
    if (status == 0)
        status = send_all(l, b, e);
    if (status == 0)
        status = receive_all(l, b->first.len, take, context, e);
    if (status == ERR_BUSY)
        disconnect(l);
    release_sigpipe(&before);
    return status;
}

int redis_run(struct redis_link *l, const struct redis_batch *b, redis_take *take, void *context,
              struct error *e)
{
    struct error why = {0};
    int64_t until = now_ms() + PATIENCE_MS;
    int status = run_once(l, b, take, context, &why);
    for (int wait = FIRST_WAIT_MS; status == ERR_BUSY && now_ms() + wait < until; wait *= 2) {
        usleep((useconds_t)wait * 1000);
        status = run_once(l, b, take, context, &why);
    }
    if (status && e)
        *e = why;
    return status;
}

int redis_link_open(const char *url, struct redis_link **out, struct error *e)
{
    struct redis_link *l = mem_alloc(sizeof *l);
    struct redis_batch none = {0};
    int status = read_url(l, url) ? redis_library_load(&l->call, e)
                                  : error_set(e, ERR_USAGE,
                                              "expected redis://HOST[:PORT][/NUMBER] or "
                                              "redis+unix:///PATH[?db=NUMBER]");
    if (status == 0)
        status = redis_run(l, &none, nothing, NULL, e);
    if (status)
        redis_link_close(l);
    else
        *out = l;
    return status;
}

void redis_link_close(struct redis_link *l)
{
    if (!l)
        return;
    disconnect(l);
    arena_release(&l->arena);
    mem_free(l);
}
