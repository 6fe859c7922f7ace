#include "sys/sys.h"

#include <pthread.h>
#include <stdatomic.h>

struct member {
    pthread_t thread;
    bool started;
    void (*work)(void *context, unsigned number);
    void *context;
    unsigned number;
};

static void *member_main(void *argument)
{
    struct member *m = argument;
    m->work(m->context, m->number);
    return NULL;
}

void team_run(unsigned n, void (*work)(void *context, unsigned number), void *context)
{
    if (n == 0)
        return;
    struct member *members = mem_array(NULL, n, sizeof *members);
    for (unsigned i = 1; i < n; i++) {
        members[i] = (struct member){.work = work, .context = context, .number = i};
        members[i].started =
            pthread_create(&members[i].thread, NULL, member_main, &members[i]) == 0;
    }
    work(context, 0);
    for (unsigned i = 1; i < n; i++) {
        if (members[i].started)
            pthread_join(members[i].thread, NULL);
        else /* the system refused a thread: slower, but not wrong */
            work(context, i);
    }
    mem_free(members);
}

/* One waiting thread, on its own stack and linked while it sleeps, so that turn_next wakes only the
 * one whose turn it is. */
struct waiter {
    uint64_t k;
    pthread_cond_t woken;
    struct waiter *next;
};

struct turn {
    atomic_uint_fast64_t next; /* written under the lock, read without it by the spin */
    atomic_bool stopped;
    pthread_mutex_t lock;
    struct waiter *waiters;
};

struct turn *turn_new(void)
{
    struct turn *t = mem_alloc(sizeof *t);
    atomic_init(&t->next, 0);
    atomic_init(&t->stopped, false);
    pthread_mutex_init(&t->lock, NULL);
    return t;
}

void turn_free(struct turn *t)
{
    if (!t)
        return;
    pthread_mutex_destroy(&t->lock);
    mem_free(t);
}

static inline void pause_briefly(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static bool turn_is_open(struct turn *t, uint64_t k)
{
    return atomic_load(&t->stopped) || atomic_load(&t->next) >= k;
}

static void turn_sleep(struct turn *t, uint64_t k)
{
    struct waiter self = {.k = k};
    pthread_cond_init(&self.woken, NULL);
    pthread_mutex_lock(&t->lock);
    self.next = t->waiters;
    t->waiters = &self;
    while (!turn_is_open(t, k))
        pthread_cond_wait(&self.woken, &t->lock);
    struct waiter **link = &t->waiters;
    while (*link != &self)
        link = &(*link)->next;
    *link = self.next;
    pthread_mutex_unlock(&t->lock);
    pthread_cond_destroy(&self.woken);
}

bool turn_wait(struct turn *t, uint64_t k)
{
    /* About a microsecond: longer would take the processor from the thread we wait for. */
    for (int spin = 0; spin < 50 && !turn_is_open(t, k); spin++)
        pause_briefly();
    if (!turn_is_open(t, k))
        turn_sleep(t, k);
    return !atomic_load(&t->stopped);
}

/* The signals are sent under the lock: the waiter lives on a stack that unwinds once it has it. */
void turn_next(struct turn *t)
{
    pthread_mutex_lock(&t->lock);
    uint64_t now = atomic_fetch_add(&t->next, 1) + 1;
    for (struct waiter *w = t->waiters; w; w = w->next) {
        if (w->k <= now)
            pthread_cond_signal(&w->woken);
    }
    pthread_mutex_unlock(&t->lock);
}

void turn_stop(struct turn *t)
{
    pthread_mutex_lock(&t->lock);
    atomic_store(&t->stopped, true);
    for (struct waiter *w = t->waiters; w; w = w->next)
        pthread_cond_signal(&w->woken);
    pthread_mutex_unlock(&t->lock);
}
