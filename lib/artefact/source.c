#include "artefact/source.h"

#include "artefact/embedded.h"
#include "runtime/predict.h"
#include "runtime/program.h"

#include <inttypes.h>

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool source_prefix_valid(const char *prefix)
{
    size_t n = strlen(prefix);
    if (n > 64 || !is_letter(*prefix))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!is_letter(prefix[i]) && !is_digit(prefix[i]))
            return false;
    return true;
}

/* Returns owned. */
static char *in_capitals(const char *prefix)
{
    char *out = mem_text(prefix);
    for (char *p = out; *p; p++)
        *p = *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;
    return out;
}

/* Appends an identifier of mlmodel.h: ml_... and ML... are ours. ML_ABI_VERSION is every model's.
 */
static void put_name(struct text name, const char *prefix, const char *capitals, struct buf *out)
{
    if (name.len > 3 && memcmp(name.at, "ml_", 3) == 0) {
        buf_format(out, "%s_", prefix);
        name = (struct text){name.at + 3, name.len - 3};
    } else if (text_equal(name, TEXT_LITERAL("MLMODEL_H"))) {
        buf_format(out, "%s_MODEL_H", capitals);
        return;
    }
    buf_add(out, name.at, name.len);
}

void source_header(const char *prefix, struct buf *out)
{
    struct text from = embedded("mlmodel.h");
    char *capitals = in_capitals(prefix);
    for (size_t i = 0; i < from.len;) {
        size_t n = 1;
        while (is_letter(from.at[i]) && i + n < from.len &&
               (is_letter(from.at[i + n]) || is_digit(from.at[i + n])))
            n++;
        put_name((struct text){from.at + i, n}, prefix, capitals, out);
        i += n;
    }
    mem_free(capitals);
}

static void put_embedded(const char *name, struct buf *out)
{
    struct text file = embedded(name);
    buf_add(out, file.at, file.len);
}

static void put_settings(const struct ml_image *m, const char *prefix, struct buf *out)
{
    buf_format(out,
               "\n#define ML_PREFIX %s\n#define ML_INPUTS %" PRIu32 "\n#define ML_FIELDS %" PRIu32
               "\n#define ML_OUTPUTS %" PRIu32 "\n#define ML_WORK %zu\n#define ML_ROW_WORK %zu\n",
               prefix, m->features, m->fields ? m->fields : m->features, m->outputs,
               ml_image_work(m), ml_image_row_work(m));
}

/* The image as numbers of 64 bits: of all literals a compiler reads these the fastest. */
static void put_words(const struct ml_image *m, const char *prefix, struct buf *out)
{
    static const char digits[] = "0123456789abcdef";
    const char *bytes = (const char *)m;
    size_t words = ((size_t)m->bytes + 7) / 8;
    buf_puts(out, "#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__\n"
                  "#error \"the model is for little-endian processors\"\n#endif\n");
    buf_format(out, "static const _Alignas(64) uint64_t %s_image_words[%zu] = {\n", prefix, words);
    buf_reserve(out, words * 20);
    for (size_t i = 0; i < words; i++) {
        uint64_t word = 0;
        char text[20] = "0x0000000000000000,";
        memcpy(&word, bytes + i * 8, m->bytes - i * 8 < 8 ? m->bytes - i * 8 : 8);
        for (size_t digit = 17; word; digit--, word >>= 4)
            text[digit] = digits[word & 15];
        text[19] = i % 4 == 3 ? '\n' : ' ';
        buf_add(out, text, sizeof text);
    }
    buf_format(out,
               "};\n#define ML_MODEL ((const struct ml_image *)(const void *)%s_image_words)\n",
               prefix);
}

static void put_include(const char *prefix, struct buf *out)
{
    buf_format(out,
               "__asm__(\".pushsection .rodata.ml_model,\\\"a\\\"\\n.balign 64\\n"
               "%s_image_bytes:\\n.incbin \\\"model.bin\\\"\\n.popsection\\n\");\n"
               "extern const struct ml_image %s_image_bytes "
               "__attribute__((visibility(\"hidden\")));\n#define ML_MODEL (&%s_image_bytes)\n",
               prefix, prefix, prefix);
}

/* The operations that the image's program is made of, for ML_RUN of lib/runtime/program.c: the
 * compiler, and what it makes, do without the others. */
static void put_operations(const struct ml_image *m, struct buf *out)
{
    static const char *const names[] = {
#define OP_NAME(name, signature) #name,
        ML_OPS(OP_NAME)
#undef OP_NAME
    };
    bool used[ML_OP_COUNT] = {false};
    if (m->fields) {
        const struct ml_program *p = (const void *)((const char *)m + m->program_at);
        const struct ml_op *op = (const void *)((const char *)p + p->op.at);
        for (uint64_t i = 0; i < p->op.count; i++)
            used[op[i].code] = true;
    }
    buf_puts(out, "#define ML_RUN(name) ML_RUN_##name\n");
    for (size_t i = 0; i < ML_OP_COUNT; i++)
        buf_format(out, "#define ML_RUN_%s %s%s\n", names[i], used[i] ? "ml_op_" : "NULL",
                   used[i] ? names[i] : "");
}

static bool any_tree(const struct ml_plan *p, enum ml_tree_kind kind)
{
    const struct ml_tree *t = (const void *)((const char *)p + p->at[ML_AT_TREE]);
    for (uint32_t i = 0; i < p->trees; i++)
        if (t[i].kind == kind)
            return true;
    return false;
}

static bool any_other_column(const struct ml_plan *p)
{
    const struct ml_column *c = (const void *)((const char *)p + p->at[ML_AT_COLUMN]);
    for (uint32_t i = 0; i < p->columns; i++)
        if (c[i].byte == ML_NO_BYTE)
            return true;
    return false;
}

/* ML_OF and ML_HAS of lib/runtime/runtime.h. */
static void put_facts(const struct ml_image *m, struct buf *out)
{
    static const struct ml_plan no_trees;
    bool trees = m->kind == ML_TREES;
    const struct ml_plan *p = trees ? (const void *)((const char *)m + m->plan_at) : &no_trees;
    const struct {
        const char *name;
        unsigned value;
    } facts[] = {{"OF_kind", m->kind},
                 {"OF_stages", m->stages},
                 {"OF_single_input", p->single_input},
                 {"OF_single_sum", p->single_sum},
                 {"OF_has_deep", p->has_deep},
                 {"OF_wide_numbers", p->wide_numbers},
                 {"OF_how", p->how},
                 {"HAS_trees", trees},
                 {"HAS_leaves", false}, /* model.c does not ask for them */
                 {"HAS_sets", p->planes > p->number_planes},
                 {"HAS_deep_trees", trees && any_tree(p, ML_DEEP)},
                 {"HAS_sparse_trees", trees && any_tree(p, ML_SPARSE)},
                 {"HAS_other_columns", trees && any_other_column(p)}};
    buf_puts(out, "#define ML_ONE_IMAGE\n");
    for (size_t i = 0; i < COUNT_OF(facts); i++)
        buf_format(out, "#define ML_%s %u\n", facts[i].name, facts[i].value);
}

void source_model(const struct ml_image *m, const char *prefix, enum source_image how,
                  struct buf *out)
{
    put_facts(m, out);
    put_operations(m, out);
    put_embedded("ml_runtime.c", out);
    put_settings(m, prefix, out);
    if (how == IMAGE_AS_WORDS)
        put_words(m, prefix, out);
    else
        put_include(prefix, out);
    buf_puts(out, "\n#pragma GCC visibility push(default)\n");
    source_header(prefix, out);
    buf_puts(out, "#pragma GCC visibility pop\n");
    put_embedded("model.c", out);
}

char *source_switch(const char *prefix)
{
    char *capitals = in_capitals(prefix);
    char *name = mem_format("%s_MODEL_IMPLEMENTATION", capitals);
    mem_free(capitals);
    return name;
}

void source_single(const struct ml_image *m, const char *prefix, struct buf *out)
{
    char *name = source_switch(prefix);
    buf_format(out,
               "/* Everything is in this file: one C file says\n"
               " *     #define %s\n * before it includes it, the others include it alone. */\n",
               name);
    source_header(prefix, out);
    buf_format(out,
               "\n#ifdef %s\n#undef %s\n#ifndef ML_RUNTIME_IS_HERE\n"
               "#define ML_RUNTIME_IS_HERE\n",
               name, name);
    put_embedded("ml_runtime.c", out);
    buf_puts(out, "#endif\n");
    put_settings(m, prefix, out);
    put_words(m, prefix, out);
    put_embedded("model.c", out);
    buf_puts(out, "#undef ML_PREFIX\n#undef ML_INPUTS\n#undef ML_FIELDS\n#undef ML_OUTPUTS\n"
                  "#undef ML_WORK\n#undef ML_ROW_WORK\n#undef ML_MODEL\n#endif\n");
    mem_free(name);
}
