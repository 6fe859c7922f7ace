#include "base/base.h"

#include <malloc.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    ARENA_ALIGN = 16,
    ARENA_FIRST_BLOCK = 512,      /* small: there are maps by the hundred thousand */
    ARENA_LARGEST_STEP = 1 << 20, /* blocks double up to this; larger ones hold one allocation */
    ARENA_KEEP = 1 << 20,
    VEC_FIRST = 8,
};

struct arena_block {
    struct arena_block *next;
    size_t size; /* of data */
    alignas(ARENA_ALIGN) char data[];
};

static void report_failure(size_t wanted)
{
    char line[64];
    int len = snprintf(line, sizeof(line), "out of memory: %zu bytes\n", wanted);
    ssize_t written = write(STDERR_FILENO, line, (size_t)len);
    (void)written;
    _exit(-ERR_SYSTEM);
}

static void (*failure_handler)(size_t wanted) = report_failure;

void mem_on_failure(void (*handler)(size_t wanted))
{
    failure_handler = handler ? handler : report_failure;
}

_Noreturn void mem_fail(size_t wanted)
{
    failure_handler(wanted);
    abort();
}

void *mem_alloc(size_t size)
{
    void *p = calloc(1, size ? size : 1);
    if (UNLIKELY(!p))
        mem_fail(size);
    return p;
}

void *mem_resize(void *old, size_t size)
{
    void *p = realloc(old, size ? size : 1);
    if (UNLIKELY(!p))
        mem_fail(size);
    return p;
}

void *mem_array(void *old, size_t count, size_t size)
{
    size_t bytes;
    if (UNLIKELY(__builtin_mul_overflow(count, size, &bytes)))
        mem_fail(SIZE_MAX);
    return mem_resize(old, bytes);
}

void *mem_copy(const void *from, size_t size)
{
    void *p = mem_resize(NULL, size);
    if (size)
        memcpy(p, from, size);
    return p;
}

char *mem_text(const char *text)
{
    return mem_copy(text, strlen(text) + 1);
}

char *mem_text_n(const char *text, size_t len)
{
    if (UNLIKELY(len == SIZE_MAX))
        mem_fail(len);
    char *copy = mem_resize(NULL, len + 1);
    if (len)
        memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

char *mem_format(const char *format, ...)
{
    struct buf b = {0};
    va_list args;
    va_start(args, format);
    buf_vformat(&b, format, args);
    va_end(args);
    return buf_take(&b);
}

void mem_free(void *p)
{
    free(p);
}

void *vec_grow_(void *at, size_t *cap, size_t need, size_t item)
{
    size_t grown = *cap > SIZE_MAX / 2 ? SIZE_MAX : *cap * 2;
    if (grown < need)
        grown = need;
    if (grown < VEC_FIRST)
        grown = VEC_FIRST;
    *cap = grown;
    return mem_array(at, grown, item);
}

static struct arena_block *block_new(size_t size)
{
    if (UNLIKELY(size > SIZE_MAX - sizeof(struct arena_block)))
        mem_fail(size);
    struct arena_block *block = mem_resize(NULL, sizeof(*block) + size);
    block->size = size;
    return block;
}

/* Makes a block with room for size bytes the current one: the next if it was kept by arena_reset
 * and is large enough, else a new one in front of it. */
static void arena_grow(struct arena *a, size_t size)
{
    struct arena_block *next = a->current ? a->current->next : a->first;
    if (!next || next->size < size) {
        size_t step = a->current ? a->current->size * 2 : ARENA_FIRST_BLOCK;
        if (step > ARENA_LARGEST_STEP)
            step = ARENA_LARGEST_STEP;
        struct arena_block *block = block_new(size > step ? size : step);
        block->next = next;
        *(a->current ? &a->current->next : &a->first) = block;
        next = block;
    }
    a->current = next;
    a->used = 0;
}

static void *arena_take(struct arena *a, size_t size, size_t align)
{
    size_t start = (a->used + align - 1) & ~(align - 1);
    if (UNLIKELY(!a->current || start > a->current->size || size > a->current->size - start)) {
        arena_grow(a, size);
        start = 0;
    }
    a->used = start + size;
    return a->current->data + start;
}

void *arena_alloc(struct arena *a, size_t size)
{
    return arena_take(a, size, ARENA_ALIGN);
}

void *arena_zero(struct arena *a, size_t size)
{
    return memset(arena_alloc(a, size), 0, size);
}

void *arena_copy(struct arena *a, const void *from, size_t size)
{
    void *p = arena_alloc(a, size);
    if (size)
        memcpy(p, from, size);
    return p;
}

/* Text needs no alignment: short ones lie side by side. */
char *arena_text(struct arena *a, const char *text, size_t len)
{
    if (UNLIKELY(len == SIZE_MAX))
        mem_fail(len);
    char *copy = arena_take(a, len + 1, 1);
    if (len)
        memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

char *arena_vformat(struct arena *a, const char *format, va_list args)
{
    struct buf b = {0};
    buf_vformat(&b, format, args);
    char *text = arena_text(a, b.at, b.len);
    buf_release(&b);
    return text;
}

char *arena_format(struct arena *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = arena_vformat(a, format, args);
    va_end(args);
    return text;
}

size_t arena_held(const struct arena *a)
{
    size_t total = 0;
    for (const struct arena_block *block = a->first; block; block = block->next)
        total += sizeof(*block) + block->size;
    return total;
}

void arena_adopt(struct arena *a, struct arena *from)
{
    struct arena_block *last = from->first;
    while (last && last->next)
        last = last->next;
    if (!last)
        return;
    /* Blocks before the current one are left alone. */
    last->next = a->first;
    a->first = from->first;
    if (!a->current) {
        a->current = last;
        a->used = last->size;
    }
    *from = (struct arena){0};
}

void arena_reset(struct arena *a)
{
    size_t kept = 0;
    struct arena_block **link = &a->first;
    while (*link) {
        struct arena_block *block = *link;
        if (block->size <= ARENA_KEEP - kept) {
            kept += block->size;
            link = &block->next;
        } else {
            *link = block->next;
            mem_free(block);
        }
    }
    a->current = NULL;
    a->used = 0;
}

void arena_release(struct arena *a)
{
    for (struct arena_block *block = a->first, *next; block; block = next) {
        next = block->next;
        mem_free(block);
    }
    *a = (struct arena){0};
}

/* Either setting stops malloc from finding its own. */
void mem_keep_freed(void)
{
#ifdef __GLIBC__
    enum { KEPT = 64 << 20, PAGES_OF_THEIR_OWN = 1 << 20 };
    mallopt(M_TRIM_THRESHOLD, KEPT);
    mallopt(M_MMAP_THRESHOLD, PAGES_OF_THEIR_OWN);
#endif
}
