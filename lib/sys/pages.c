/* Memory in pages of its own. */
#include "sys/sys.h"

#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20 };

/* A huge page more than is wanted, so that whole ones lie in it. */
static size_t rounded(size_t n)
{
    if (n > SIZE_MAX - 2 * HUGE_PAGE)
        mem_fail(n);
    return (n + 2 * HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
}

void *pages_alloc(size_t n)
{
    if (n < HUGE_PAGE)
        return mem_alloc(n);
    void *p = mmap(NULL, rounded(n), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        mem_fail(n);
    madvise(p, rounded(n), MADV_HUGEPAGE); /* else it is only slower */
    return p;
}

void pages_free(void *p, size_t n)
{
    if (n < HUGE_PAGE)
        mem_free(p);
    else if (p)
        munmap(p, rounded(n));
}
