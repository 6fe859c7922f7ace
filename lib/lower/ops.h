/* What a program under construction is made of. For the files of this module. */
#ifndef LOWER_OPS_H
#define LOWER_OPS_H

#include "lower/lower.h"

struct lower_range {
    size_t first, count;
    bool texts; /* its items are numbers of texts, or -1 */
};

struct lower_slice { /* of a list: numbers of texts, registers, pairs of integers */
    size_t first, count;
};

struct lower_zone {
    int first_offset;
    bool periodic;
    uint32_t changes; /* a range */
};

struct lower_field {
    uint32_t reg, name, type; /* texts */
};

struct lower_ops {
    VEC(struct ml_op) op;
    VEC(uint8_t) class;     /* by register */
    VEC(uint64_t) constant; /* bits of doubles and integers, each once, as in `single` */
    VEC(uint64_t) word;     /* of ranges */
    VEC(struct lower_range) range;
    VEC(struct lower_slice) list, map;
    VEC(uint32_t) item; /* of lists and maps */
    VEC(struct lower_zone) zone;
    VEC(struct lower_field) field;
    struct map texts, single; /* single: constants by their bits */
    struct map ranges;        /* by what they hold, and a byte before it for texts */
};

#endif
