/* Rules of make and of ninja: files, and steps without files, in lists. For the files of this
 * module. */
#ifndef EXCHANGE_RULES_H
#define EXCHANGE_RULES_H

#include "exchange/export.h"

struct rules {
    struct exporting *x;
    char **phony; /* by step: its target when it has no outputs */
    int (*put_path)(struct exporting *x, const struct step *s, struct text path);
};

/* Blanks stand between names, and `before` in front when there is one. */
int rules_put_targets(const struct rules *r, uint32_t step, const char *before);
/* Files that the step reads and that are no folders that steps fill. */
int rules_put_inputs(const struct rules *r, const struct step *s);
/* Steps that it waits for in that way. */
int rules_put_waits(const struct rules *r, const struct step *s, enum export_wait way,
                    const char *before);
/* Text with each dollar twice, and what the function puts for parameters. */
void rules_put_text(struct exporting *x, struct text text,
                    void (*put_parameter)(struct exporting *x, uint32_t parameter));

#endif
