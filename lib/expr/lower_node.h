/* Inside of expr: lowering of nodes, for the files that lower the families of functions. */
#ifndef EXPR_LOWER_NODE_H
#define EXPR_LOWER_NODE_H

#include "expr/lower.h"
#include "expr/node.h"

struct lower_expr {
    const struct expr *x;
    struct lowering *l;
    struct error *e;
    /* Inside an argument that is evaluated for some rows alone: cells are then read one by one, not
     * by the table. */
    unsigned masked;
};

/* As eval, eval_as, eval_double, eval_int and eval_letter do for a row; the results are registers
 * of a class of that kind, of ML_FLOAT, of ML_INT. */
int lower_node(struct lower_expr *k, const struct node *n, uint32_t *reg);
int lower_as(struct lower_expr *k, const struct node *n, enum kind want, uint32_t *reg);
int lower_double(struct lower_expr *k, const struct node *n, uint32_t *reg);
int lower_integer(struct lower_expr *k, const struct node *n, uint32_t *reg);
int lower_letter(struct lower_expr *k, const struct node *n, char letter, uint32_t *reg);
/* A register of any kind as one of class ML_NUMBER or ML_FLOAT, which it must be a number for. */
uint32_t lower_mixed(struct lowering *l, uint32_t reg);
uint32_t lower_real(struct lowering *l, uint32_t reg);
/* The class that the results of a node of that kind have. */
enum ml_class lower_class_of(const struct node *n);
/* Writes a register of n's kind into `to`, which is of class lower_class_of(n). */
void lower_store(struct lowering *l, const struct node *n, uint32_t to, uint32_t from);
int lower_refused(struct lower_expr *k, const struct node *n);

/* How both sides of a comparison are compared: registers of one class. */
int lower_pair(struct lower_expr *k, const struct node *a, const struct node *b, uint32_t *x,
               uint32_t *y);
/* orders: bit 0 less, 1 equal, 2 greater. */
uint32_t lower_compare(struct lowering *l, uint32_t x, uint32_t y, unsigned orders);

struct call_lowering {
    const char *name;
    int (*lower)(struct lower_expr *k, const struct node *n, uint32_t *reg);
};
extern const struct call_lowering lower_logic_calls[], lower_number_calls[], lower_text_calls[],
    lower_time_calls[];

#endif
