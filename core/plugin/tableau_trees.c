#include "plugin/tableau_trees.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

/* Trees of up to 0, 1, 2, ... nodes, without and with two colours of all nodes but the root.
 * Source: OEIS A000081 and A000151, summed. */
static const int32_t tree_counts[2][TREES_MAX_NODES + 1] = {
    {0, 1, 2, 4, 8, 17, 37, 85, 200, 486, 1205}, {0, 1, 3, 10, 36, 143, 601}};

int32_t tableau_trees_most(const odeon_tableau *t)
{
    return t->a_im != NULL ? TREES_MAX_NODES_OF_PAIR : TREES_MAX_NODES;
}

/* ---- the table ---- */

static void fill_table(tableau_trees *f, const odeon_tableau *t, int32_t colour, const double *a)
{
    for (int32_t i = 0; i < f->stages; i++) {
        double *row = f->a[colour][i];
        if (i < t->stages) {
            memcpy(row, a + i * t->stages, (size_t)t->stages * sizeof *row);
        } else {
            memcpy(row, t->dense_a + (i - t->stages) * f->stages, (size_t)f->stages * sizeof *row);
        }
    }
}

/* ---- trees ---- */

static void weigh(const tableau_trees *f, rooted_tree *x)
{
    for (int32_t i = 0; i < f->stages; i++) {
        x->phi[i] = x->magnitude[i] = 1.0;
        for (int32_t k = 0; k < x->n_children; k++) {
            const rooted_tree *child = &f->tree[x->child[k]];
            const double *row = f->a[x->colour[k]][i];
            double sum = 0.0, magnitude = 0.0;
            for (int32_t j = 0; j <= i; j++) {
                sum += row[j] * child->phi[j];
                magnitude += fabs(row[j]) * child->magnitude[j];
            }
            x->phi[i] *= sum;
            x->magnitude[i] *= magnitude;
        }
    }
}

/* Adds every tree that partial becomes by further trees at its root, of `remaining` nodes together.
 * Trees are taken in the order of the list, each in all colours, and never one before `from`: so
 * each set of children comes once. */
static void extend(tableau_trees *f, const rooted_tree *partial, int32_t remaining, int32_t from)
{
    if (remaining == 0) {
        f->tree[f->n] = *partial;
        weigh(f, &f->tree[f->n++]);
        return;
    }
    for (int32_t i = from; i < f->n * f->colours; i++) {
        const rooted_tree *child = &f->tree[i / f->colours];
        if (child->nodes > remaining) {
            return;
        }
        rooted_tree larger = *partial;
        larger.child[larger.n_children] = i / f->colours;
        larger.colour[larger.n_children++] = i % f->colours;
        larger.density *= child->density;
        extend(f, &larger, remaining - child->nodes, i);
    }
}

tableau_trees *tableau_trees_grow(const odeon_tableau *t, int32_t nodes)
{
    int32_t colours = t->a_im != NULL ? 2 : 1;
    size_t n = (size_t)tree_counts[colours - 1][nodes];
    tableau_trees *f = mem_zalloc(1, sizeof *f + n * sizeof(rooted_tree));
    if (f == NULL) {
        return NULL;
    }
    f->stages = t->stages + t->dense_stages;
    f->colours = colours;
    f->nodes = nodes;
    fill_table(f, t, 0, t->a);
    if (colours == 2) {
        fill_table(f, t, 1, t->a_im);
    }
    for (int32_t order = 1; order <= nodes; order++) {
        extend(f, &(rooted_tree){.nodes = order, .density = order}, order - 1, 0);
    }
    return f;
}

/* ---- as text ---- */

/* Writes at out and returns the end. Larger trees stand first, as they are usually written. */
static char *write_tree(const tableau_trees *f, int32_t tree, int32_t colour, char *out)
{
    const rooted_tree *x = &f->tree[tree];
    if (x->n_children == 0) {
        *out++ = ".:"[colour];
        return out;
    }
    for (int32_t k = x->n_children; k-- > 0;) {
        *out++ = k == x->n_children - 1 ? "[{"[colour] : ',';
        out = write_tree(f, x->child[k], x->colour[k], out);
    }
    *out++ = "]}"[colour];
    return out;
}

void tableau_trees_text(const tableau_trees *f, int32_t tree, int32_t colour, char *out)
{
    *write_tree(f, tree, colour, out) = '\0';
}
