#include "command/check_gradients.h"

#include <inttypes.h>

#include "base/diag.h"
#include "command/setup.h"
#include "command/table_options.h"
#include "command/variants.h"
#include "run/gradient_check.h"
#include "run/interrupt.h"

/* Few samples are enough for each tensor to matter, and differences take two passes each. Kinks of
 * a field, as ReLU's, leave errors where a step crosses one; anything wrong is far above this. */
enum { SAMPLES = 8, DIRECTIONS = 2 };
static const double tolerance = 1e-4;

static odeon_status print(const command_line *a, const gradient_check *x)
{
    table t = {0};
    if (table_form_of(a) == TABLE_TEXT) {
        (void)fprintf(a->out, "%" PRId64 " samples in float64, steps held, loss %.9g\n\n",
                      x->samples, x->loss);
    }
    gradient_check_table(x, &t);
    odeon_status status = table_print(&t, table_form_of(a), a->out);
    table_fini(&t);
    return status;
}

static odeon_status judge(const gradient_check *x)
{
    const gradient_check_row *worst = x->n > 0 ? &x->rows[0] : NULL;
    for (size_t i = 0; i < x->n; i++) {
        worst = worst->good || x->rows[i].error > worst->error ? &x->rows[i] : worst;
    }
    return x->wrong == 0
               ? ODEON_OK
               : diag_fail(ODEON_ERR_NUMERIC,
                           "gradients of %zu of %zu tensors differ from central differences by "
                           "more than %g: most that of %s, by %.2g; a method that solves the "
                           "adjoint equation differs by the tolerances (odeon help audit)",
                           x->wrong, x->n, tolerance, worst->path, worst->error);
}

static odeon_status check(const command_line *a, const setup *s)
{
    variants v;
    gradient_check x = {.n = 0};
    gradient_check_plan plan = {.batch = a->value[ARGUMENT_BATCH],
                                .samples = SAMPLES,
                                .directions = DIRECTIONS,
                                .tolerance = tolerance};
    odeon_status status = variants_open(a, s->registry, &v);
    if (status == ODEON_OK) {
        status = interrupt_catch();
    }
    if (status == ODEON_OK) {
        status = gradient_check_run(&v.base, &plan, &x);
    }
    if (status == ODEON_OK) {
        status = print(a, &x);
    }
    if (status == ODEON_OK) {
        status = judge(&x);
    }
    gradient_check_fini(&x);
    variants_close(&v);
    return status;
}

static odeon_status need_data(const setup *s)
{
    return s->config->dataset != NULL && s->config->n_losses > 0
               ? ODEON_OK
               : diag_fail(ODEON_ERR_CONFIG, "--gradients: the INI has no [data] or no [train]");
}

odeon_status check_gradients(const command_line *a)
{
    setup s;
    ODEON_TRY(table_options_check(a));
    odeon_status status = setup_open_unknown(a, &s);
    if (status == ODEON_OK) {
        status = need_data(&s);
    }
    if (status == ODEON_OK) {
        status = check(a, &s);
    }
    setup_close(&s);
    return status;
}
