/*
 * A unit test program: TEST(name) { CHECK(...); } blocks register themselves; main runs them all
 * and prints TAP (https://testanything.org). Exit status 1 when one failed.
 */
#ifndef UNIT_H
#define UNIT_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct unit_test {
    const char *name;
    void (*run)(void);
    void (*run_with)(const void *argument); /* instead of run */
    const void *argument;
    struct unit_test *next;
};
extern struct unit_test *unit_first, **unit_last;
extern bool unit_failed;
extern const char *unit_skipped; /* why the test at hand, or a part of it, is not run; NULL */

/* Where vfork is fork nobody learns why a program cannot be run. */
#ifdef __SANITIZE_THREAD__
#define VFORK_IS_FORK "ThreadSanitizer makes a fork of vfork"
#else
#define VFORK_IS_FORK NULL
#endif

/* A folder of this program's own in /tmp, made at the first call; the last test removes it. */
const char *unit_folder(void);
/* The path of a name in it, valid for three more calls. */
const char *in_folder(const char *name);
void unit_remove(
    const char *path); /* a folder with all that is in it; no matter if there is none */

#define TEST(id)                                                                                   \
    static void test_##id(void);                                                                   \
    __attribute__((constructor)) static void register_##id(void)                                   \
    {                                                                                              \
        static struct unit_test t = {.name = #id, .run = test_##id};                               \
        *unit_last = &t;                                                                           \
        unit_last = &t.next;                                                                       \
    }                                                                                              \
    static void test_##id(void)

#define UNIT_FAIL(...)                                                                             \
    (unit_failed = true, (void)printf("# %s:%d: ", __FILE__, __LINE__), (void)printf(__VA_ARGS__), \
     (void)printf("\n"))

#define CHECK(condition) ((condition) ? (void)0 : (void)UNIT_FAIL("%s", #condition))
#define CHECK_INT(got, want)                                                                       \
    do {                                                                                           \
        int64_t got_ = (int64_t)(got), want_ = (int64_t)(want);                                    \
        if (got_ != want_)                                                                         \
            UNIT_FAIL("%s is %" PRId64 ", not %" PRId64, #got, got_, want_);                       \
    } while (0)
#define CHECK_TEXT(got, want)                                                                      \
    do {                                                                                           \
        const char *got_ = (got), *want_ = (want);                                                 \
        if (!got_ || strcmp(got_, want_) != 0)                                                     \
            UNIT_FAIL("%s is \"%s\", not \"%s\"", #got, got_ ? got_ : "(null)", want_);            \
    } while (0)
#define CHECK_DOUBLE(got, want)                                                                    \
    do {                                                                                           \
        double got_ = (got), want_ = (want);                                                       \
        if (memcmp(&got_, &want_, sizeof got_) != 0)                                               \
            UNIT_FAIL("%s is %.17g, not %.17g", #got, got_, want_);                                \
    } while (0)

#endif
