#include "artefact/embedded.h"

#ifndef ML_GEN
#define ML_GEN "build/release/gen" /* where the build puts what it generates */
#endif

/* The assembler puts the file in as it is. */
#define EMBED(symbol, path)                                                                        \
    extern const char embedded_##symbol[], embedded_##symbol##_end[];                              \
    __asm__(".pushsection .rodata\n"                                                               \
            ".global embedded_" #symbol ", embedded_" #symbol "_end\n"                             \
            ".balign 16\n"                                                                         \
            "embedded_" #symbol ": .incbin \"" path "\"\n"                                         \
            "embedded_" #symbol "_end: .byte 0\n"                                                  \
            ".popsection\n");

EMBED(runtime_source, ML_GEN "/ml_runtime.c")
EMBED(runtime_object, ML_GEN "/ml_runtime.o")
EMBED(header, "lib/runtime/mlmodel.h")
EMBED(model, "lib/artefact/embed/model.c")
EMBED(runner, ML_GEN "/ml_runner")
EMBED(runner_source, "lib/artefact/embed/runner.c")
EMBED(runner_node, "lib/artefact/embed/runner.mjs")
EMBED(wasm, "lib/artefact/embed/wasm.c")
EMBED(firmware, "lib/artefact/embed/firmware.c")
EMBED(firmware_layout, "lib/artefact/embed/firmware.ld")

#define FILE_ROW(name, symbol)                                                                     \
    {                                                                                              \
        name, embedded_##symbol, embedded_##symbol##_end                                           \
    }
static const struct {
    const char *name, *at, *end;
} files[] = {
    FILE_ROW("ml_runtime.c", runtime_source),
    FILE_ROW("ml_runtime.o", runtime_object),
    FILE_ROW("mlmodel.h", header),
    FILE_ROW("model.c", model),
    FILE_ROW("runner", runner),
    FILE_ROW("runner.c", runner_source),
    FILE_ROW("runner.mjs", runner_node),
    FILE_ROW("wasm.c", wasm),
    FILE_ROW("firmware.c", firmware),
    FILE_ROW("firmware.ld", firmware_layout),
};

struct text embedded(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(files); i++)
        if (strcmp(name, files[i].name) == 0)
            return (struct text){files[i].at, (size_t)(files[i].end - files[i].at)};
    return (struct text){0};
}
