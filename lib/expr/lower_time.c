/* Lowering of time functions. */
#include "expr/lower_node.h"

#include "expr/eval.h"

const struct call_lowering lower_time_calls[] = {
    {0},
};
