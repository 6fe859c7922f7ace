/* Programs from the command line or from files. */
#include "wrangle.h"

/* The file that holds the program: the option's, or an operand that ends in .wr. */
static int load_program(const char *file, struct operands *operands, struct buf *program,
                        struct error *e)
{
    if (!file && operands->len > 0) {
        const char *first = operands->at[0];
        size_t n = strlen(first);
        if (n > 3 && strcmp(first + n - 3, ".wr") == 0 && !strpbrk(first, " |"))
            file = first;
        else
            buf_puts(program, first);
        operands->at++;
        operands->len--;
    }
    if (!file && program->len == 0)
        return error_set(e, ERR_USAGE, "no program: name its steps, or a file with --program");
    return file ? file_load(file, (size_t)16 << 20, program, e) : 0;
}

int parse_program(struct session *s, const char *file, struct operands *operands,
                  struct recipe **out, struct error *e)
{
    struct buf program = {0};
    int status = load_program(file, operands, &program, e);
    if (status == 0)
        status = recipe_parse(buf_text(&program), program.len, &s->context, out, e);
    buf_release(&program);
    return status;
}
