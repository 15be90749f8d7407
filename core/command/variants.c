#include "command/variants.h"

#include <math.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/number.h"
#include "format/run_folder.h"

static odeon_status no_memory(void)
{
    return diag_fail(ODEON_ERR_NOMEM, "command line: no memory");
}

/* text is the override from now on; NULL for want of memory. */
static void add(variants *v, char **keep, char *text, bool *failed)
{
    *keep = text;
    if (text != NULL) {
        v->overrides[v->base.n++] = text;
    } else {
        *failed = true;
    }
}

/* In the order of setup.c: the weights of a run's folder, the operands, the options. */
odeon_status variants_open(const command_line *a, registry *r, variants *out)
{
    const char *operand = a->operands[0];
    bool failed = false;
    *out = (variants){.base = {.registry = r}};
    ODEON_TRY(run_folder_find_ini(operand, &out->ini));
    out->overrides = mem_zalloc(a->n_operands + 3, sizeof *out->overrides);
    if (out->overrides == NULL) {
        return no_memory();
    }
    if (run_folder_is_run(operand)) {
        add(out, &out->own, mem_printf("train.weights=%s", operand), &failed);
    }
    for (size_t i = 1; i < a->n_operands; i++) {
        out->overrides[out->base.n++] = a->operands[i];
    }
    if (a->value[ARGUMENT_WEIGHTS] != NULL) {
        add(out, &out->weights, mem_printf("train.weights=%s", a->value[ARGUMENT_WEIGHTS]),
            &failed);
    }
    if (a->value[ARGUMENT_DTYPE] != NULL) {
        add(out, &out->dtype, mem_printf("run.dtype=%s", a->value[ARGUMENT_DTYPE]), &failed);
    }
    out->base.ini = out->ini;
    out->base.overrides = out->overrides;
    return failed ? no_memory() : ODEON_OK;
}

void variants_close(variants *v)
{
    mem_free(v->overrides);
    mem_free(v->ini);
    mem_free(v->own);
    mem_free(v->weights);
    mem_free(v->dtype);
    *v = (variants){.ini = NULL};
}

/* ---- options ---- */

odeon_status variants_list(const command_line *a, int option, const char *name, axis *out)
{
    *out = (axis){.n = 0};
    return a->value[option] != NULL ? axis_add(out, name, a->value[option]) : ODEON_OK;
}

static odeon_status parse(const char *name, const axis *list, double *out)
{
    for (size_t i = 0; i < list->n; i++) {
        if (number_parse_f64(list->values[i], &out[i]) != NUMBER_OK || !(out[i] > 0.0) ||
            !isfinite(out[i])) {
            return diag_fail(ODEON_ERR_CONFIG, "%s %s: must be a number above 0", name,
                             list->values[i]);
        }
    }
    return ODEON_OK;
}

odeon_status variants_numbers(const command_line *a, int option, const char *name, size_t *n,
                              double **out)
{
    axis list;
    *n = 0;
    *out = NULL;
    odeon_status status = variants_list(a, option, name, &list);
    if (status == ODEON_OK && list.n > 0) {
        *n = list.n;
        *out = mem_zalloc(list.n, sizeof **out);
        status = *out != NULL ? parse(name, &list, *out) : no_memory();
    }
    axis_fini(&list);
    return status;
}

odeon_status variants_count(const command_line *a, int option, const char *name, int64_t preset,
                            int64_t least, int64_t most, int64_t *out)
{
    const char *text = a->value[option];
    *out = preset;
    if (text != NULL && (number_parse_i64(text, out) != NUMBER_OK || *out < least || *out > most)) {
        return diag_fail(ODEON_ERR_CONFIG, "%s %s: must be a whole number from %lld to %lld", name,
                         text, (long long)least, (long long)most);
    }
    return ODEON_OK;
}
