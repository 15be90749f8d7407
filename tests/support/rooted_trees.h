/* rooted_trees.h: the order conditions of Runge-Kutta methods, one a rooted tree.
 *
 * Weights b of a tableau give order p if sum_i b_i phi_i(tree) = 1 / density(tree) for every tree
 * of order up to p. phi_i of a single node is 1; of a tree, the product over the subtrees at its
 * root of sum_j a_ij phi_j(subtree).
 * Source: Hairer, Norsett, Wanner, Solving ODEs I, 2nd ed., II.2, theorem 2.13. */
#ifndef ODEON_TESTS_ROOTED_TREES_H
#define ODEON_TESTS_ROOTED_TREES_H
#include "odeon/tableau.h"

enum { TREES_MAX_ORDER = 9, TREES_MAX = 486, TREES_MAX_STAGES = 32 };

typedef struct rooted_tree {
    int32_t order, n_children, child[TREES_MAX_ORDER - 1]; /* indices of smaller trees */
    double density;
    double phi[TREES_MAX_STAGES];
    double magnitude[TREES_MAX_STAGES]; /* phi with every product taken absolute: bounds rounding */
} rooted_tree;

typedef struct rooted_trees {
    int32_t n;
    rooted_tree tree[TREES_MAX]; /* by order */
} rooted_trees;

/* All trees up to TREES_MAX_ORDER, with phi for the tableau's a. */
void rooted_trees_fill(const odeon_tableau *tableau, rooted_trees *out);

/* sum_i weight_i phi_i(tree) - target, as a multiple of the rounding that coefficients given in
 * double and these sums can cause. */
double rooted_tree_misfit(const rooted_tree *tree, int32_t stages, const double *weight,
                          double target);

#endif
