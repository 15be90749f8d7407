/* tableau_trees.h: rooted trees and their weights on the stages of a tableau.
 *
 * A method has order p if for each rooted tree of up to p nodes a condition holds, sum_i b_i phi_i
 * = 1 / density (tableau_order.h). phi_i of a single node is 1; of a tree, the product over the
 * trees that grow at its root of sum_j a_ij phi_j. The density of a tree is its number of nodes
 * times the densities of the trees at its root. Of an IMEX pair nodes have two colours, one for
 * each part of the field: a tree that grows at a root counts by a where its own root is of the
 * first part, by a_im where it is of the second. Source: Hairer, Norsett, Wanner, Solving ODEs I,
 * 2nd ed., II.2, theorem 2.13, and II.15. */
#ifndef ODEON_CORE_PLUGIN_TABLEAU_TREES_H
#define ODEON_CORE_PLUGIN_TABLEAU_TREES_H
#include "odeon/tableau.h"

enum {
    TREES_MAX_NODES = 10, /* 1,205 trees: odeon/tableau.h promises that much */
    TREES_MAX_NODES_OF_PAIR = 6,
    TREES_MAX_STAGES = ODEON_TABLEAU_MAX_STAGES,
    TREES_TEXT_BYTES = 4 * TREES_MAX_NODES /* "[" "]" "," a node, and a NUL */
};

typedef struct rooted_tree {
    int32_t nodes, n_children;
    /* The trees at its root by their indices, which are smaller, and the colours of their roots. */
    int32_t child[TREES_MAX_NODES - 1], colour[TREES_MAX_NODES - 1];
    double density;
    double phi[TREES_MAX_STAGES];
    double magnitude[TREES_MAX_STAGES]; /* phi of the absolute values: bounds its rounding */
} rooted_tree;

/* The dense stages follow the others, so that one table holds all. */
typedef struct tableau_trees {
    int32_t stages;  /* dense stages among them */
    int32_t colours; /* 2: of an IMEX pair */
    int32_t nodes;   /* of the largest trees */
    int32_t n;
    double a[2][TREES_MAX_STAGES][TREES_MAX_STAGES];
    rooted_tree tree[]; /* by number of nodes */
} tableau_trees;

/* The highest order for which there are trees: 6 of a pair, else 10. */
int32_t tableau_trees_most(const odeon_tableau *tableau);

/* All trees of up to `nodes` nodes (1 to tableau_trees_most), weighed; freed with mem_free. NULL
 * without memory. */
tableau_trees *tableau_trees_grow(const odeon_tableau *tableau, int32_t nodes);

/* A tree whose root is of that colour as text: "." is a node, [u,v] one on which u and v grow; ":"
 * and {u,v} are those of the second colour. out has TREES_TEXT_BYTES. */
void tableau_trees_text(const tableau_trees *trees, int32_t tree, int32_t colour, char *out);

#endif
