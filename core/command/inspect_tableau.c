#include "command/inspect_tableau.h"

#include <stdbool.h>

#include "plugin/tableau.h"
#include "plugin/tableau_order.h"

static const char *const rules[] = {"first", "largest", "hairer"};

static bool has_diagonal(const odeon_tableau *t)
{
    bool found = false;
    for (int32_t i = 0; i < t->stages; i++) {
        found = found || t->a[i * t->stages + i] != 0.0;
    }
    return found;
}

/* ---- as text ---- */

static void write_estimates(FILE *out, const odeon_tableau *t)
{
    if (t->embedded_order == 0) {
        (void)fprintf(out, "  embedded   none: fixed steps only\n");
        return;
    }
    (void)fprintf(out, "  embedded   order %d", (int)t->embedded_order);
    for (int32_t i = 0; i < t->n_more_estimates; i++) {
        (void)fprintf(out, ", %d", (int)t->more_orders[i]);
    }
    if (t->n_more_estimates > 0) {
        (void)fprintf(out, " by the rule %s", rules[t->estimate_rule]);
    }
    (void)fprintf(out, ": adaptive steps\n");
}

static void write_output(FILE *out, const odeon_tableau *t)
{
    if (t->interp_degree == 0) {
        return;
    }
    (void)fprintf(out, "  output     between steps, of order %d, by polynomials of degree %d",
                  (int)t->interp_order, (int)t->interp_degree);
    if (t->dense_stages > 0) {
        (void)fprintf(out, " and %d evaluations more", (int)t->dense_stages);
    }
    (void)fprintf(out, "\n");
}

/* An order that is claimed, and the one that there is. */
static void compare(FILE *out, const char *name, int32_t claimed, int32_t order, int32_t most)
{
    if (claimed > most) {
        (void)fprintf(out, "  warning    order %d of %s is proved up to order %d only\n",
                      (int)claimed, name, (int)most);
    } else if (order > claimed) {
        (void)fprintf(out, "  warning    %s claims order %d, but is of order %d%s\n", name,
                      (int)claimed, (int)order, order == most ? " at least" : "");
    }
}

static void write_comparison(FILE *out, const odeon_tableau *t, const tableau_orders *orders)
{
    compare(out, "b", t->order, orders->b, orders->most);
    if (t->embedded_order > 0) {
        compare(out, "b_hat", t->embedded_order, orders->embedded[0], orders->most);
    }
    for (int32_t i = 0; i < t->n_more_estimates; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "row %d of more_b_hat", (int)i);
        compare(out, name, t->more_orders[i], orders->embedded[1 + i], orders->most);
    }
    if (t->interp_degree > 0) {
        compare(out, "interp", t->interp_order, orders->interp, orders->most);
    }
}

odeon_status inspect_tableau_text(FILE *out, const odeon_tableau *t)
{
    tableau_orders orders;
    ODEON_TRY(tableau_orders_find(t, &orders));
    (void)fprintf(out, "  tier       tableau of %d stages, order %d%s\n", (int)t->stages,
                  (int)t->order,
                  t->a_im != NULL   ? ", a pair of an explicit and an implicit table"
                  : has_diagonal(t) ? ", implicit on the diagonal"
                                    : "");
    write_estimates(out, t);
    (void)fprintf(out, "  FSAL       %s\n", (t->flags & ODEON_TABLEAU_FSAL) != 0 ? "yes" : "no");
    write_output(out, t);
    write_comparison(out, t, &orders);
    if (tableau_beyond_host(t) != NULL) {
        (void)fprintf(out, "  warning    this host cannot yet carry out %s\n",
                      tableau_beyond_host(t));
    }
    return ODEON_OK;
}

/* ---- as JSON ---- */

static void add_list(text_buffer *out, const char *name, int32_t n, const int32_t *list)
{
    text_printf(out, ", \"%s\": [", name);
    for (int32_t i = 0; i < n; i++) {
        text_printf(out, "%s%d", i > 0 ? ", " : "", (int)list[i]);
    }
    text_add(out, "]");
}

/* What is proved, which may be more than is claimed; 0 for what is not there. */
static void add_proved(text_buffer *out, const odeon_tableau *t, const tableau_orders *orders)
{
    text_printf(out,
                ",\n  \"proved\": {\"at_most\": %d, \"order\": %d, \"embedded_order\": %d, "
                "\"interp_order\": %d",
                (int)orders->most, (int)orders->b, (int)orders->embedded[0], (int)orders->interp);
    add_list(out, "more_orders", t->n_more_estimates, orders->embedded + 1);
    text_add(out, "}");
}

odeon_status inspect_tableau_json(text_buffer *out, const odeon_tableau *t)
{
    tableau_orders orders;
    ODEON_TRY(tableau_orders_find(t, &orders));
    text_printf(out,
                ",\n  \"tier\": \"tableau\", \"stages\": %d, \"order\": %d, "
                "\"embedded_order\": %d, \"fsal\": %s, \"interp_degree\": %d, "
                "\"interp_order\": %d, \"dense_stages\": %d, \"implicit\": %s, \"pair\": %s",
                (int)t->stages, (int)t->order, (int)t->embedded_order,
                (t->flags & ODEON_TABLEAU_FSAL) != 0 ? "true" : "false", (int)t->interp_degree,
                (int)t->interp_order, (int)t->dense_stages, has_diagonal(t) ? "true" : "false",
                t->a_im != NULL ? "true" : "false");
    add_list(out, "more_orders", t->n_more_estimates, t->more_orders);
    text_printf(out, ", \"estimate_rule\": \"%s\"", rules[t->estimate_rule]);
    add_proved(out, t, &orders);
    text_add(out, ",\n  \"cannot_carry_out\": ");
    if (tableau_beyond_host(t) != NULL) {
        text_json_string(out, tableau_beyond_host(t));
    } else {
        text_add(out, "null");
    }
    return ODEON_OK;
}
