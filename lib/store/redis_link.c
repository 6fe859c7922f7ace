#include "store/redis_link.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PORT = 6379, PATIENCE_MS = 5000, FIRST_WAIT_MS = 20, ANSWER_MS = 10000 };
/* Commands that are sent at once; while their replies are read the server has as many again. */
enum { AT_ONCE = 500 };

/* How hiredis counts the values of an array. */
#if HIREDIS_MAJOR < 1
typedef int count;
#else
typedef size_t count;
#endif

struct redis_link {
    struct redis_library call;
    struct arena arena;
    const char *url; /* as it may be shown: without the password */
    const char *host, *path, *user, *password;
    int port;
    int64_t number; /* of the database */
    redisContext *context;
    redisReplyObjectFunctions makers;
    VEC(struct redis_value) reply; /* what is being read */
    struct arena texts;            /* of it */
};

/* ---- commands ---- */

/* mark, n, end of line. */
static void put_head(struct redis_batch *b, char mark, size_t n)
{
    char head[NUMBER_MAX + 3] = {mark};
    size_t len = 1 + number_print_int(head + 1, (int64_t)n);
    head[len++] = '\r';
    head[len++] = '\n';
    buf_add(&b->bytes, head, len);
}

void redis_begin(struct redis_batch *b, size_t words)
{
    vec_push(&b->first, b->bytes.len);
    put_head(b, '*', words);
}

void redis_parts(struct redis_batch *b, const struct text *parts, size_t n)
{
    size_t len = 0;
    for (size_t i = 0; i < n; i++)
        len += parts[i].len;
    put_head(b, '$', len);
    for (size_t i = 0; i < n; i++)
        if (parts[i].len)
            buf_add(&b->bytes, parts[i].at, parts[i].len);
    buf_add(&b->bytes, "\r\n", 2);
}

void redis_arg(struct redis_batch *b, struct text word)
{
    redis_parts(b, &word, 1);
}

void redis_word(struct redis_batch *b, const char *word)
{
    redis_arg(b, text_of(word));
}

void redis_number(struct redis_batch *b, int64_t word)
{
    char digits[NUMBER_MAX];
    redis_arg(b, (struct text){digits, number_print_int(digits, word)});
}

void redis_clear(struct redis_batch *b)
{
    b->bytes.len = b->first.len = 0;
}

void redis_release(struct redis_batch *b)
{
    buf_release(&b->bytes);
    vec_release(&b->first);
}

/* ---- replies ---- */

/* hiredis wants an object for each value, and none of them NULL; ours are in a row. */
static void *add_value(const redisReadTask *task, struct redis_value value)
{
    struct redis_link *l = task->privdata;
    vec_push(&l->reply, value);
    return l;
}

static void *make_text(const redisReadTask *task, char *at, size_t len)
{
    struct redis_link *l = task->privdata;
    struct text text = {arena_copy(&l->texts, at, len), len};
    return add_value(task, (struct redis_value){.type = task->type, .text = text});
}

static void *make_array(const redisReadTask *task, count values)
{
    return add_value(task, (struct redis_value){REDIS_REPLY_ARRAY, (int64_t)values, {NULL, 0}});
}

static void *make_integer(const redisReadTask *task, long long number)
{
    return add_value(task, (struct redis_value){REDIS_REPLY_INTEGER, number, {NULL, 0}});
}

static void *make_nil(const redisReadTask *task)
{
    return add_value(task, (struct redis_value){.type = REDIS_REPLY_NIL});
}

static void unmake(void *object)
{
    (void)object;
}

/* The reader of a connection makes our values. */
static void read_as_values(struct redis_link *l)
{
    l->makers = (redisReplyObjectFunctions){.createString = make_text,
                                            .createArray = make_array,
                                            .createInteger = make_integer,
                                            .createNil = make_nil,
                                            .freeObject = unmake};
    l->context->reader->fn = &l->makers;
    l->context->reader->privdata = l;
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

static bool starts_with(struct text t, const char *word)
{
    size_t n = strlen(word);
    return t.len >= n && memcmp(t.at, word, n) == 0;
}

/* What the server says no to: for a moment, or for good. */
static int refused(const struct redis_link *l, const struct redis_value *r, struct error *e)
{
    static const char *const passing[] = {"LOADING", "BUSY", "TRYAGAIN", "CLUSTERDOWN",
                                          "MASTERDOWN"};
    int code = starts_with(r->text, "WRONGTYPE") ? ERR_DATA : ERR_SYSTEM;
    for (size_t i = 0; i < COUNT_OF(passing); i++)
        if (starts_with(r->text, passing[i]))
            code = ERR_BUSY;
    return error_set(e, code, "%s: %.*s", l->url, (int)r->text.len, r->text.at);
}

bool redis_lacks_script(const struct redis_value *r)
{
    return r->type == REDIS_REPLY_ERROR && starts_with(r->text, "NOSCRIPT");
}

/* ERR_BUSY: what may be better in a moment, with another connection. Writing to a server that is
 * gone raises no signal, which would end filters. */
static int send_bytes(struct redis_link *l, const char *at, size_t n, struct error *e)
{
    while (n > 0) {
        ssize_t sent = send(l->context->fd, at, n, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return unreachable(l, strerror(errno), e);
        at += sent;
        n -= (size_t)sent;
    }
    return 0;
}

/* The next commands of the batch. */
static int send_some(struct redis_link *l, const struct redis_batch *b, size_t *sent,
                     struct error *e)
{
    size_t from = b->first.at[*sent], to = b->bytes.len;
    *sent += AT_ONCE;
    if (*sent < b->first.len)
        to = b->first.at[*sent];
    return send_bytes(l, b->bytes.at + from, to - from, e);
}

static int receive(struct redis_link *l, struct error *e)
{
    void *reply = NULL;
    l->reply.len = 0;
    arena_reset(&l->texts);
    return l->call.redisGetReply(l->context, &reply) == REDIS_OK
               ? 0
               : unreachable(l, l->context->errstr, e);
}

static int pass_on(struct redis_link *l, size_t i, redis_take *take, void *context, struct error *e)
{
    const struct redis_value *r = l->reply.at;
    return r->type == REDIS_REPLY_ERROR && !redis_lacks_script(r) ? refused(l, r, e)
                                                                  : take(context, i, r, e);
}

static int exchange(struct redis_link *l, const struct redis_batch *b, redis_take *take,
                    void *context, struct error *e)
{
    size_t n = b->first.len, sent = 0;
    int status = 0;
    for (size_t i = 0; i < n && status == 0; i++) {
        while (status == 0 && sent < n && sent <= i + AT_ONCE)
            status = send_some(l, b, &sent, e);
        if (status == 0)
            status = receive(l, e);
        if (status == 0)
            status = pass_on(l, i, take, context, e);
    }
    if (status)
        disconnect(l); /* with the replies that nobody reads */
    return status;
}

static int nothing(void *context, size_t i, const struct redis_value *r, struct error *e)
{
    (void)context, (void)i, (void)r, (void)e;
    return 0;
}

/* The first commands of a connection. */
static int greet(struct redis_link *l, struct error *e)
{
    struct redis_batch b = {0};
    if (l->password) {
        redis_begin(&b, l->user ? 3 : 2);
        redis_word(&b, "AUTH");
        if (l->user)
            redis_word(&b, l->user);
        redis_word(&b, l->password);
    }
    redis_begin(&b, 2);
    redis_word(&b, "SELECT");
    redis_number(&b, l->number);
    int status = exchange(l, &b, nothing, NULL, e);
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
    read_as_values(l);
    return greet(l, e);
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int run_once(struct redis_link *l, const struct redis_batch *b, redis_take *take,
                    void *context, struct error *e)
{
    int status = l->context ? 0 : connect_once(l, e);
    return status ? status : exchange(l, b, take, context, e);
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
    vec_release(&l->reply);
    arena_release(&l->texts);
    arena_release(&l->arena);
    mem_free(l);
}
