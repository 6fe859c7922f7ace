/* Lowering of text functions. */
#include "expr/lower_node.h"

#include "expr/eval.h"

const struct call_lowering lower_text_calls[] = {
    {0},
};
