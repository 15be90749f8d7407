#include "rooted_trees.h"

#include <float.h>
#include <math.h>

/* Adds every tree that can be made of partial and further subtrees of order together remaining,
 * taken in the order of the list so that each multiset comes once. */
static void extend(rooted_trees *out, const rooted_tree *partial, int32_t remaining, int32_t from)
{
    if (remaining == 0) {
        out->tree[out->n++] = *partial;
        return;
    }
    for (int32_t i = from; i < out->n && out->tree[i].order <= remaining; i++) {
        rooted_tree larger = *partial;
        larger.child[larger.n_children++] = i;
        larger.density *= out->tree[i].density;
        extend(out, &larger, remaining - out->tree[i].order, i);
    }
}

static void weigh(const odeon_tableau *tableau, const rooted_trees *trees, rooted_tree *tree)
{
    int32_t s = tableau->stages;
    for (int32_t i = 0; i < s; i++) {
        tree->phi[i] = tree->magnitude[i] = 1.0;
        for (int32_t k = 0; k < tree->n_children; k++) {
            const rooted_tree *child = &trees->tree[tree->child[k]];
            double sum = 0.0, magnitude = 0.0;
            for (int32_t j = 0; j < i; j++) {
                sum += tableau->a[i * s + j] * child->phi[j];
                magnitude += fabs(tableau->a[i * s + j]) * child->magnitude[j];
            }
            tree->phi[i] *= sum;
            tree->magnitude[i] *= magnitude;
        }
    }
}

void rooted_trees_fill(const odeon_tableau *tableau, rooted_trees *out)
{
    *out = (rooted_trees){.n = 0};
    for (int32_t order = 1; order <= TREES_MAX_ORDER; order++) {
        rooted_tree root = {.order = order, .density = order};
        extend(out, &root, order - 1, 0);
    }
    for (int32_t i = 0; i < out->n; i++) {
        weigh(tableau, out, &out->tree[i]);
    }
}

double rooted_tree_misfit(const rooted_tree *tree, int32_t stages, const double *weight,
                          double target)
{
    /* Every term is a product of at most order rounded coefficients in sums of at most stages
     * terms, nested at most order deep. */
    double unit = (double)tree->order * (stages + 2) * DBL_EPSILON;
    double sum = -target, magnitude = fabs(target);
    for (int32_t i = 0; i < stages; i++) {
        sum += weight[i] * tree->phi[i];
        magnitude += fabs(weight[i]) * tree->magnitude[i];
    }
    return magnitude > 0.0 ? fabs(sum) / (unit * magnitude) : 0.0; /* 0 = 0 fits */
}
