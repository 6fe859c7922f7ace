/*
 * The end of runner.c for a Cortex-M: start-up code, and files by semihosting (Arm's "Semihosting
 * for AArch32 and AArch64"). newlib's own start-up code for semihosting locks up in QEMU.
 */
#define PASTE_(prefix, name) prefix##_##name
#define PASTE(prefix, name)  PASTE_(prefix, name)
#define MODEL(name)          PASTE(ML_PREFIX, name)

size_t MODEL(inputs)(void);
size_t MODEL(outputs)(void);
size_t MODEL(fields)(void);
size_t MODEL(margins_f64)(const double *x, size_t n, size_t ld, double *out);
size_t MODEL(predict_f64)(const double *x, size_t n, size_t ld, double *out);
size_t MODEL(predict_raw)(const char *const *fields, const size_t *lengths, size_t n, double *out);

enum {
    SYS_OPEN = 0x01,
    SYS_CLOSE = 0x02,
    SYS_WRITE = 0x05,
    SYS_READ = 0x06,
    SYS_FLEN = 0x0c,
    SYS_EXIT_EXTENDED = 0x20,
    OPEN_READ = 1, /* "rb" */
    OPEN_WRITE = 5,
    EXITED = 0x20026,
};

static int32_t call(uint32_t what, const void *arguments)
{
    register uint32_t r0 __asm__("r0") = what;
    register const void *r1 __asm__("r1") = arguments;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return (int32_t)r0;
}

/* Of firmware.ld. */
extern unsigned char heap_start[], heap_end[], bss_start[], bss_end[], stack_top[];

static void *take(size_t n)
{
    static unsigned char *next = heap_start;
    unsigned char *at = next;
    n = (n + 15) / 16 * 16;
    if (n > (size_t)(heap_end - next))
        return NULL;
    next += n;
    return at;
}

static int32_t open_file(const char *path, uint32_t mode)
{
    const uint32_t arguments[] = {(uint32_t)path, mode, (uint32_t)strlen(path)};
    return call(SYS_OPEN, arguments);
}

static void close_file(int32_t fd)
{
    const uint32_t arguments[] = {(uint32_t)fd};
    (void)call(SYS_CLOSE, arguments);
}

static int load(const char *path, struct bytes *out)
{
    int32_t fd = open_file(path, OPEN_READ);
    const uint32_t length[] = {(uint32_t)fd};
    int32_t size = fd >= 0 ? call(SYS_FLEN, length) : -1;
    out->at = size >= 0 ? take((size_t)size + 1) : NULL;
    if (!out->at)
        return -1;
    const uint32_t arguments[] = {(uint32_t)fd, (uint32_t)out->at, (uint32_t)size};
    out->n = (size_t)size;
    int32_t left = call(SYS_READ, arguments);
    close_file(fd);
    return left == 0 ? 0 : -1;
}

static int save(const char *path, const struct bytes *b)
{
    int32_t fd = open_file(path, OPEN_WRITE);
    const uint32_t arguments[] = {(uint32_t)fd, (uint32_t)b->at, (uint32_t)b->n};
    int32_t left = fd >= 0 ? call(SYS_WRITE, arguments) : -1;
    close_file(fd);
    return left == 0 ? 0 : -1;
}

static _Noreturn void finish(int status)
{
    const uint32_t arguments[] = {EXITED, (uint32_t)status};
    for (;;)
        (void)call(SYS_EXIT_EXTENDED, arguments);
}

/* Data lie where the loader put them. */
__attribute__((used)) static void reset(void)
{
    const struct model m = {MODEL(inputs),      MODEL(outputs),     MODEL(fields),
                            MODEL(margins_f64), MODEL(predict_f64), MODEL(predict_raw)};
    for (unsigned char *p = bss_start; p < bss_end; p++)
        *p = 0;
    finish(run_files(&m, "rows.bin", "results.bin"));
}

/* The floating-point unit is off at first, and a function that saves its registers must not be
 * entered before. */
__attribute__((naked, used)) static void start(void)
{
    __asm__ volatile("ldr r0, =0xe000ed88\n"
                     "ldr r1, [r0]\n"
                     "orr r1, r1, #(0xf << 20)\n"
                     "str r1, [r0]\n"
                     "dsb\n"
                     "isb\n"
                     "b reset\n");
}

__attribute__((used)) static void fault(void)
{
    finish(70);
}

__attribute__((section(".vectors"), used)) static const void *const vectors[] = {
    stack_top,           (const void *)start, (const void *)fault, (const void *)fault,
    (const void *)fault, (const void *)fault, (const void *)fault,
};
