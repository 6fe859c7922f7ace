/*
 * base: what every other module stands on. Memory, byte strings, hash map, errors, numbers and
 * text, time, hashing, random numbers, UTF-8, JSON text.
 *
 * Nothing here prints or exits, with one exception: when memory runs out, the handler set with
 * mem_on_failure is called and must not return (default: one line on stderr, _exit(4)). No function
 * that allocates therefore returns NULL.
 *
 * Threads: no mutable globals; a value may be used by one thread at a time.
 *
 * Words for ownership, used in every header: borrows (valid until ...), copies, takes (freed by the
 * callee, also on error), returns owned (free with S_free or S_release).
 */
#ifndef BASE_H
#define BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_read.h"
#include "base/number.h"
#include "base/plain.h"

#if defined(__GNUC__)
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define NEVER_NULL             __attribute__((returns_nonnull))
#endif

/* A negative status is minus the exit status of a command that ends because of it: 1 the answer
 * is no, 2 usage, 3 malformed data, 4 input/output or system, 5 try again later. */
enum {
    ERR_NO = -1,
    ERR_USAGE = -2,
    ERR_DATA = -3,
    ERR_SYSTEM = -4,
    ERR_BUSY = -5,
};

/* Filled by the function that fails. `file` is copied; line and column are 1-based, 0 = unknown. */
struct error {
    int code; /* 0 or ERR_... */
    char file[256];
    uint64_t line;
    uint64_t column; /* byte in the line, or field number for tables */
    char message[768];
};

/* Sets code and message (lower case, no full stop), keeps the place. Returns code.
 * `e` may be NULL. */
int error_set(struct error *e, int code, const char *format, ...) PRINTF_LIKE(3, 4);
/* The same with ": strerror(errno)" appended and code ERR_SYSTEM. */
int error_errno(struct error *e, const char *format, ...) PRINTF_LIKE(2, 3);
/* Sets the place; a NULL file keeps the one there was. Returns e->code (ERR_DATA without e). */
int error_at(struct error *e, const char *file, uint64_t line, uint64_t column);
/* "file:line:column: message" as far as known, into text (always terminated). */
void error_format(const struct error *e, char *text, size_t size);

/* User text for a message: 'text' in single quotes, control and invalid bytes as \xNN, cut with ...
 * after 60 bytes. Returns out. */
#define QUOTE_MAX 272
const char *quote(char out[static QUOTE_MAX], const char *text, size_t len);

/* On the heap. */
void *mem_alloc(size_t size);                          /* zeroed; size 0 gives a valid pointer */
void *mem_resize(void *old, size_t size);              /* new bytes undefined */
void *mem_array(void *old, size_t count, size_t size); /* count * size checked for overflow */
void *mem_copy(const void *from, size_t size);
char *mem_text(const char *text); /* strdup */
char *mem_text_n(const char *text, size_t len);
char *mem_format(const char *format, ...) PRINTF_LIKE(1, 2);
void mem_free(void *p);
/* From now on memory that is freed waits for the next to ask, up to 64 MiB a heap, rather than be
 * given back to the system and got again: what streams frees as much as it takes. At start. */
void mem_keep_freed(void);
void mem_on_failure(void (*handler)(size_t wanted)); /* set once, at start; NULL: the default */
_Noreturn void mem_fail(size_t wanted);              /* calls the handler */

/* Everything allocated from an arena dies together. Blocks are kept by arena_reset for the next
 * use. */
struct arena {
    struct arena_block *first, *current;
    size_t used; /* of the current block */
};
void *arena_alloc(struct arena *a, size_t size); /* 16-byte aligned, undefined content */
void *arena_zero(struct arena *a, size_t size);
void *arena_copy(struct arena *a, const void *from, size_t size);
char *arena_text(struct arena *a, const char *text, size_t len); /* copy with a final NUL */
char *arena_format(struct arena *a, const char *format, ...) PRINTF_LIKE(2, 3);
char *arena_vformat(struct arena *a, const char *format, va_list args) PRINTF_LIKE(2, 0);
size_t arena_held(const struct arena *a); /* bytes taken from the system */
void arena_reset(struct arena *a);        /* empty; keeps at most 1 MiB of blocks */
void arena_release(struct arena *a);
void arena_adopt(struct arena *a, struct arena *from); /* what is in `from`, which is empty then */

/* A growing array: struct { T *at; size_t len, cap; } v = {0}; vec_push(&v, x); vec_release(&v). */
#define VEC(T)                                                                                     \
    struct {                                                                                       \
        T *at;                                                                                     \
        size_t len, cap;                                                                           \
    }
void *vec_grow_(void *at, size_t *cap, size_t need, size_t item);
#define vec_reserve(v, n)                                                                          \
    ((v)->cap >= (n) ? (void)0                                                                     \
                     : (void)((v)->at = vec_grow_((v)->at, &(v)->cap, (n), sizeof(*(v)->at))))
#define vec_push(v, x) (vec_reserve((v), (v)->len + 1), (void)((v)->at[(v)->len++] = (x)))
#define vec_release(v) (mem_free((v)->at), (void)((v)->at = NULL, (v)->len = (v)->cap = 0))

struct text text_of(const char *s);             /* borrows a C string */
bool text_equal(struct text a, struct text b);  /* two missing texts are equal */
int text_compare(struct text a, struct text b); /* bytes as unsigned; missing first */

/* A growing byte string. at is NULL while empty; buf_text gives a NUL-terminated view. */
struct buf {
    char *at;
    size_t len, cap;
};
void buf_reserve(struct buf *b, size_t more); /* room for len + more bytes */
void buf_add(struct buf *b, const void *bytes, size_t n);
void buf_puts(struct buf *b, const char *s);
void buf_format(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);
void buf_vformat(struct buf *b, const char *format, va_list args) PRINTF_LIKE(2, 0);
void buf_put_word(struct buf *b, struct text word); /* of the shell, quoted where it must be */
const char *buf_text(struct buf *b);                /* borrows until the next change */
char *buf_take(struct buf *b);                      /* returns owned, NUL-terminated; b empty */
void buf_release(struct buf *b);
static inline void buf_putc(struct buf *b, char c)
{
    if (UNLIKELY(b->len == b->cap))
        buf_reserve(b, 1);
    b->at[b->len++] = c;
}

/* Maps byte strings to 0, 1, 2 ... in order of arrival. Keys are copied. Holds up to 2^32 - 2 keys.
 * A missing text is the same key as the empty one. */
struct map {
    struct map_slot *slots;
    size_t mask; /* slots - 1, 0 when empty */
    VEC(struct text) keys;
    VEC(uint64_t) hashes;
    struct arena arena;
};
#define MAP_NONE SIZE_MAX
size_t map_put(struct map *m, struct text key, bool *is_new); /* is_new may be NULL */
size_t map_get(const struct map *m, struct text key);         /* MAP_NONE when absent */
size_t map_held(const struct map *m);                         /* bytes of memory */
void map_clear(struct map *m);
void map_release(struct map *m);

/* A time zone: "UTC", "Z", "+02:00", or an IANA name read from the system's TZif files
 * (RFC 8536). */
struct zone;
int zone_open(const char *name, struct zone **out, struct error *e); /* returns owned */
void zone_free(struct zone *z);
int zone_offset(const struct zone *z, usec utc); /* seconds east of UTC at that instant */
/* A time in a gap moves forward, of two in an overlap it is the first. */
usec zone_to_utc(const struct zone *z, usec local);
const struct zone_table *zone_table(const struct zone *z); /* borrows from z */

bool time_pattern_valid(const char *pattern, struct error *e);
/* The same for the letters of time_print_pattern. */
bool time_pattern_printable(const char *pattern, struct error *e);
/* strftime-like with the letters above, and %G %V %u %w %U %q (quarter) %L (millis). Appends. t is
 * printed as at that offset (seconds east of UTC). */
void time_print_pattern(struct buf *out, usec t, int offset, const char *pattern);

/* number_parse_double for a cell behind whose first byte 17 bytes can be read, whatever n: twice as
 * fast. */
bool number_parse_padded(const char *p, size_t n, double *f);

/* Counter-based: the value depends on its arguments alone, so output does not depend on threads.
 * Streams: seed names the run, stream the user of the numbers, counter the draw (often a row). */
uint64_t random_bits(uint64_t seed, uint64_t stream, uint64_t counter);
double random_unit(uint64_t seed, uint64_t stream, uint64_t counter);   /* [0, 1), 53 bits */
double random_normal(uint64_t seed, uint64_t stream, uint64_t counter); /* mean 0, deviation 1 */
/* [0, n), with a bias below 2^-64. */
uint64_t random_below(uint64_t seed, uint64_t stream, uint64_t counter, uint64_t n);

/* "64M": a number of bytes with a power of 1024: K M G T P, or KiB and so on. */
bool size_parse(const char *p, size_t n, uint64_t *size);

bool json_valid(struct text t); /* one JSON value, as json_next reads it */
/* Appends s as a JSON string with quotes; bad UTF-8 becomes U+FFFD. */
void json_put_string(struct buf *b, const char *s, size_t n);
/* Appends a number; NaN and infinities become null. */
void json_put_double(struct buf *b, double f);

/* Appends raw with its escapes decoded to UTF-8; false, and nothing appended, on a lone surrogate
 * or a bad escape. */
bool json_unescape(struct buf *out, struct text raw);

#endif
