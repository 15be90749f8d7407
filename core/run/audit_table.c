/* The answer of an audit as tables: what each combination costs and how wrong it is, then where. */
#include "run/audit_table.h"

#include <math.h>
#include <stdio.h>

static void add_names(table *t)
{
    table_column_add(t, "gradient", false);
    table_column_add(t, "integrator", false);
    table_column_add(t, "tolerance", false);
}

static void add_case(const audit_row *r, table *t)
{
    table_add_word(t, r->gradient);
    table_add_word(t, r->integrator);
    table_add_word(t, r->tolerance);
}

static void add_group(const audit_group *g, table *t)
{
    table_add_number(t, g != NULL ? g->error : (double)NAN, "%.2e");
    table_add_number(t, g != NULL ? g->cosine : (double)NAN, "%.9f");
}

static const char *const costs[] = {
    "derivative", "said",  "gap", "evals_forward", "evals_backward", "accepted",
    "rejected",   "bytes", "ms",  "reason"};
enum { N_COSTS = sizeof costs / sizeof *costs };

static void add_cost_names(table *t)
{
    for (size_t i = 0; i < N_COSTS; i++) {
        table_column_add(t, costs[i], false);
    }
}

static void add_costs(const audit_row *r, table *t)
{
    table_add_number(t, r->derivative, "%.6e");
    table_add_number(t, r->said, "%.6e");
    table_add_number(t, r->gap, "%.1e");
    if (r->groups == NULL) {
        for (int i = 0; i < 6; i++) {
            table_add_nothing(t);
        }
    } else {
        table_add_number(t, (double)r->evals_forward, "%.0f");
        table_add_number(t, (double)r->evals_backward, "%.0f");
        table_add_number(t, (double)r->accepted, "%.0f");
        table_add_number(t, (double)r->rejected, "%.0f");
        table_add_number(t, (double)r->bytes, "%.0f");
        table_add_number(t, r->milliseconds, "%.2f");
    }
    table_add_word(t, r->reason != NULL ? r->reason : "");
}

void audit_table(const audit *x, table *out)
{
    add_names(out);
    table_column_add(out, "error", false);
    table_column_add(out, "cos", false);
    add_cost_names(out);
    for (size_t i = 0; i < x->n; i++) {
        add_case(&x->rows[i], out);
        add_group(x->rows[i].groups, out);
        add_costs(&x->rows[i], out);
    }
}

void audit_group_table(const audit *x, table *out)
{
    add_names(out);
    table_column_add(out, "group", false);
    table_column_add(out, "error", false);
    table_column_add(out, "cos", false);
    for (size_t i = 0; i < x->n; i++) {
        const audit_row *r = &x->rows[i];
        for (size_t k = 1; k < r->n_groups; k++) {
            add_case(r, out);
            table_add_word(out, r->groups[k].name);
            add_group(&r->groups[k], out);
        }
    }
}

void audit_whole_table(const audit *x, table *out)
{
    add_names(out);
    table_column_add(out, "group", false);
    table_column_add(out, "error", false);
    table_column_add(out, "cos", false);
    add_cost_names(out);
    for (size_t i = 0; i < x->n; i++) {
        const audit_row *r = &x->rows[i];
        for (size_t k = 0; k < r->n_groups || k == 0; k++) {
            add_case(r, out);
            table_add_word(out, r->groups != NULL ? r->groups[k].name : "all");
            add_group(r->groups != NULL ? &r->groups[k] : NULL, out);
            add_costs(r, out);
        }
    }
}
