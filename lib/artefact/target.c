#include "artefact/target.h"

#include <strings.h>
#include <unistd.h>

#define CROSS(triplet, debian)                                                                     \
    {                                                                                              \
        {triplet "-gcc", "gcc-" triplet},                                                          \
        {                                                                                          \
            "/usr/" triplet "/include/math.h", "libc6-dev-" debian "-cross"                        \
        }                                                                                          \
    }
#define QEMU_USER(machine, triplet)                                                                \
    {                                                                                              \
        "qemu-" machine, "-L", "/usr/" triplet                                                     \
    }
#define X86_64_TARGET                                                                              \
    .kind = TARGET_SHARED, .machine = "x86_64", .compiler = "x86_64-linux-gnu-gcc",                \
    .emulator = {"qemu-x86_64", "-cpu", "max", "-L", "/usr/x86_64-linux-gnu"},                     \
    .run = {{"qemu-x86_64", "qemu-user"}}, .build = CROSS("x86_64-linux-gnu", "amd64")
#define WASM_TARGET                                                                                \
    .kind = TARGET_WASM, .machine = "wasm32", .compiler = "clang", .emulator = {"node"},           \
    .build = {{"clang", "clang"},                                                                  \
              {"wasm-ld", "lld"},                                                                  \
              {"/usr/include/wasm32-wasi/math.h", "wasi-libc"}},                                   \
    .run = {{"node", "nodejs"}}

static const struct target targets[] = {
    {.name = "host",
     .summary = "this kind of machine; the fastest instructions are chosen when it runs",
     .kind = TARGET_SHARED,
     .dispatches = true,
     .prebuilt = true,
     .build = {{"cc", "gcc"}}},
    {.name = "native",
     .summary = "this very processor",
     .kind = TARGET_SHARED,
     .flags = {"-march=native"},
     .build = {{"cc", "gcc"}}},
    {.name = "x86-64",
     .summary = "64-bit PCs with nothing but SSE2",
     .flags = {"-march=x86-64"},
     X86_64_TARGET},
    {.name = "x86-64-v2",
     .summary = "64-bit PCs since 2009 (SSE4.2)",
     .flags = {"-march=x86-64-v2"},
     .level = 2,
     X86_64_TARGET},
    {.name = "x86-64-v3",
     .summary = "64-bit PCs since 2015 (AVX2)",
     .flags = {"-march=x86-64-v3"},
     .level = 3,
     X86_64_TARGET},
    {.name = "x86-64-v4",
     .summary = "64-bit servers with AVX-512",
     .flags = {"-march=x86-64-v4"},
     .level = 4,
     X86_64_TARGET},
    {.name = "aarch64",
     .summary = "64-bit Arm (NEON)",
     .kind = TARGET_SHARED,
     .machine = "aarch64",
     .compiler = "aarch64-linux-gnu-gcc",
     .build = CROSS("aarch64-linux-gnu", "arm64"),
     .emulator = QEMU_USER("aarch64", "aarch64-linux-gnu"),
     .run = {{"qemu-aarch64", "qemu-user"}}},
    {.name = "armhf",
     .summary = "32-bit Arm with NEON and hardware floating point",
     .kind = TARGET_SHARED,
     .machine = "armv7l",
     .compiler = "arm-linux-gnueabihf-gcc",
     .flags = {"-march=armv7-a", "-mfpu=neon"},
     .build = CROSS("arm-linux-gnueabihf", "armhf"),
     .emulator = QEMU_USER("arm", "arm-linux-gnueabihf"),
     .run = {{"qemu-arm", "qemu-user"}}},
    {.name = "riscv64",
     .summary = "64-bit RISC-V",
     .kind = TARGET_SHARED,
     .machine = "riscv64",
     .compiler = "riscv64-linux-gnu-gcc",
     .build = CROSS("riscv64-linux-gnu", "riscv64"),
     .emulator = QEMU_USER("riscv64", "riscv64-linux-gnu"),
     .run = {{"qemu-riscv64", "qemu-user"}}},
    {.name = "wasm32", .summary = "WebAssembly, as every browser has it", WASM_TARGET},
    {.name = "wasm32-simd",
     .summary = "WebAssembly with 128-bit vectors",
     .flags = {"-msimd128"},
     WASM_TARGET},
    {.name = "cortex-m4f",
     .summary = "microcontrollers: a static library, no operating system",
     .kind = TARGET_FIRMWARE,
     .machine = "cortex-m",
     .compiler = "arm-none-eabi-gcc",
     .flags = {"-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"},
     .build = {{"arm-none-eabi-gcc", "gcc-arm-none-eabi"},
               {"/usr/lib/arm-none-eabi/newlib/libm.a", "libnewlib-arm-none-eabi"}},
     .emulator = {"qemu-system-arm", "-M", "mps2-an386", "-display", "none", "-monitor", "none",
                  "-serial", "null"},
     .run = {{"qemu-system-arm", "qemu-system-arm"}}},
    {.name = "c",
     .summary = "portable C11 source, for any compiler that knows GNU attributes",
     .kind = TARGET_SOURCE,
     .dispatches = true,
     .run = {{"cc", "gcc"}}},
};

size_t target_count(void)
{
    return COUNT_OF(targets);
}

const struct target *target_at(size_t i)
{
    return &targets[i];
}

const char *target_name(const struct target *t)
{
    return t->name;
}

const char *target_summary(const struct target *t)
{
    return t->summary;
}

enum target_kind target_kind(const struct target *t)
{
    return t->kind;
}

/* ---- this machine ---- */

#if defined(__x86_64__)
#define THIS_MACHINE "x86_64"
#elif defined(__aarch64__)
#define THIS_MACHINE "aarch64"
#elif defined(__arm__)
#define THIS_MACHINE "armv7l"
#elif defined(__riscv) && __riscv_xlen == 64
#define THIS_MACHINE "riscv64"
#else
#define THIS_MACHINE "other"
#endif

bool target_is_of_this_machine(const struct target *t)
{
    return !t->machine || strcmp(t->machine, THIS_MACHINE) == 0;
}

static bool has_level(int level)
{
#if defined(__x86_64__)
    bool v2 = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
    bool v3 = v2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") &&
              __builtin_cpu_supports("fma");
    bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
              __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    return level < 2 || (level == 2 ? v2 : level == 3 ? v3 : v4);
#else
    return level == 0;
#endif
}

bool target_runs_natively(const struct target *t)
{
    return target_is_of_this_machine(t) && has_level(t->level);
}

const char *target_compiler(const struct target *t)
{
    return target_is_of_this_machine(t) ? "cc" : t->compiler;
}

const char *target_runs_on(const struct target *t)
{
    return target_runs_natively(t) ? "this processor" : t->emulator[0];
}

/* ---- what is missing ---- */

static bool in_path(const char *program)
{
    const char *path = getenv("PATH");
    for (const char *at = path ? path : "/usr/bin:/bin"; *at;) {
        size_t n = strcspn(at, ":");
        char *full = mem_format("%.*s/%s", (int)n, at, program);
        bool there = n > 0 && access(full, X_OK) == 0;
        mem_free(full);
        if (there)
            return true;
        at += n + (at[n] == ':');
    }
    return false;
}

static bool is_there(const char *what)
{
    return strchr(what, '/') ? access(what, R_OK) == 0 : in_path(what);
}

static void lack(struct buf *missing, const char *format, ...) PRINTF_LIKE(2, 3);
static void lack(struct buf *missing, const char *format, ...)
{
    va_list args;
    if (missing->len > 0)
        buf_puts(missing, ", ");
    va_start(args, format);
    buf_vformat(missing, format, args);
    va_end(args);
}

static bool all_there(const struct need *needs, struct buf *missing)
{
    bool all = true;
    for (size_t i = 0; i < TARGET_NEEDS && needs[i].what; i++)
        if (!is_there(needs[i].what)) {
            lack(missing, "%s (Debian package %s)", needs[i].what, needs[i].package);
            all = false;
        }
    return all;
}

static bool builds(const struct target *t, struct buf *missing)
{
    static const struct need ours[TARGET_NEEDS] = {{"cc", "gcc"}};
    bool ours_builds = target_is_of_this_machine(t) && t->kind == TARGET_SHARED;
    return all_there(ours_builds ? ours : t->build, missing);
}

/* For other machines the program that loads a library, or that firmware is linked into, is
 * compiled. */
static bool runs(const struct target *t, struct buf *missing)
{
    if (t->level == 4 && !has_level(4)) {
        lack(missing, "a processor with AVX-512 (no emulator has it)");
        return false;
    }
    if (t->kind == TARGET_SHARED && target_runs_natively(t))
        return true;
    bool compiled = t->kind == TARGET_SHARED || t->kind == TARGET_FIRMWARE;
    bool ready = !compiled || builds(t, missing);
    return all_there(t->run, missing) && ready;
}

bool target_ready(const struct target *t, enum target_use use, struct buf *missing)
{
    return use == TARGET_BUILD ? builds(t, missing) : runs(t, missing);
}

/* ---- names ---- */

#define ONLY_CPU " (CPU part only)"
#define NO_GPU   "compiles for the processor alone, not for graphics cards"
#define NO_CHIP  "needs its maker's own compiler for a chip that is not a general processor"
#define IS(name, target, remark)                                                                   \
    {                                                                                              \
        name, target, name " becomes " target remark                                               \
    }
#define REFUSED(name, why)                                                                         \
    {                                                                                              \
        name, NULL, name ": " why                                                                  \
    }

/* The cloud compiler's names. */
static const struct {
    const char *name, *target, *text;
} cloud[] = {
    IS("ml_c4", "x86-64-v3", ""),
    IS("ml_m4", "x86-64-v3", ""),
    IS("sbe_c", "x86-64-v3", ""),
    IS("ml_c5", "x86-64-v4", ""),
    IS("ml_m5", "x86-64-v4", ""),
    IS("deeplens", "x86-64-v2", ONLY_CPU),
    IS("rasp4b", "aarch64", ""),
    IS("rk3399", "aarch64", ONLY_CPU),
    IS("imx8qm", "aarch64", ONLY_CPU),
    IS("imx8mplus", "aarch64", ONLY_CPU),
    IS("aisage", "aarch64", ONLY_CPU),
    IS("jetson_nano", "aarch64", ONLY_CPU),
    IS("jetson_tx1", "aarch64", ONLY_CPU),
    IS("jetson_tx2", "aarch64", ONLY_CPU),
    IS("jetson_xavier", "aarch64", ONLY_CPU),
    IS("rasp3b", "armhf", ""),
    IS("rk3288", "armhf", ONLY_CPU),
    IS("sitara_am57x", "armhf", ONLY_CPU),
    REFUSED("x86_win64", "Windows is not built for: compile target c there"),
    REFUSED("x86_win32", "Windows is not built for: compile target c there"),
    REFUSED("ml_p2", NO_GPU),
    REFUSED("ml_p3", NO_GPU),
    REFUSED("ml_g4dn", NO_GPU),
    REFUSED("ml_inf1", NO_CHIP),
    REFUSED("ml_eia2", NO_CHIP),
    REFUSED("coreml", "makes files for Apple's framework: compile target c there"),
    REFUSED("qcs603", NO_CHIP),
    REFUSED("qcs605", NO_CHIP),
    REFUSED("amba_cv2", NO_CHIP),
    REFUSED("amba_cv22", NO_CHIP),
    REFUSED("amba_cv25", NO_CHIP),
    REFUSED("jacinto_tda4vm", NO_CHIP),
};

const char *target_known_name(size_t i)
{
    if (i < COUNT_OF(targets))
        return targets[i].name;
    i -= COUNT_OF(targets);
    return i < COUNT_OF(cloud) ? cloud[i].name : NULL;
}

/* _ and - are the same, and so are large and small letters. */
static bool same_name(const char *a, const char *b)
{
    for (; *a && *b; a++, b++) {
        char x = *a == '_' ? '-' : *a, y = *b == '_' ? '-' : *b;
        if (strncasecmp(&x, &y, 1) != 0)
            return false;
    }
    return *a == *b;
}

static const struct target *by_name(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(targets); i++)
        if (same_name(name, targets[i].name))
            return &targets[i];
    return NULL;
}

int target_find(const char *name, const struct target **out, const char **note, struct error *e)
{
    *note = NULL;
    *out = by_name(name);
    if (*out)
        return 0;
    for (size_t i = 0; i < COUNT_OF(cloud); i++) {
        if (!same_name(name, cloud[i].name))
            continue;
        if (!cloud[i].target)
            return error_set(e, ERR_NO, "target %s", cloud[i].text);
        *out = by_name(cloud[i].target);
        *note = cloud[i].text;
        return 0;
    }
    char text[QUOTE_MAX];
    return error_set(e, ERR_USAGE, "no target %s", quote(text, name, strlen(name)));
}

int target_of_platform(const char *os, const char *arch, const char *accelerator,
                       const struct target **out, const char **note, struct error *e)
{
    static const struct {
        const char *arch, *target, *note;
    } known[] = {
        {"X86_64", "x86-64", "the accelerator is not used: X86_64 becomes x86-64" ONLY_CPU},
        {"ARM64", "aarch64", "the accelerator is not used: ARM64 becomes aarch64" ONLY_CPU},
        {"ARM_EABIHF", "armhf", "the accelerator is not used: ARM_EABIHF becomes armhf" ONLY_CPU},
    };
    char text[QUOTE_MAX];
    *note = NULL;
    if (strcasecmp(os, "LINUX") != 0)
        return error_set(e, ERR_NO, "platform %s: only LINUX is built for; compile target c there",
                         quote(text, os, strlen(os)));
    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (strcasecmp(arch, known[i].arch) == 0) {
            *out = by_name(known[i].target);
            *note = accelerator && *accelerator ? known[i].note : NULL;
            return 0;
        }
    return error_set(e, ERR_NO, "platform LINUX on %s is not built for; compile target c there",
                     quote(text, arch, strlen(arch)));
}
