#include "data/fitted.h"

#include "base/diag.h"
#include "base/mem.h"
#include "format/checkpoint.h"
#include "format/run_folder.h"
#include "format/safetensors.h"
#include "plugin/calling.h"

/* The registry has checked the kind, so the table is that of a data set. */
static const odeon_dataset_ops *ops_of(const instance *set)
{
    return set->component->ops;
}

const char *fitted_text(const instance *set)
{
    const odeon_dataset_ops *ops = ops_of(set);
    if (!ODEON_HAS(ops, odeon_dataset_ops, fitted)) {
        return NULL;
    }
    calling outer = calling_begin(set, "fitted");
    const char *text = ops->fitted(set->self);
    calling_leave(outer);
    return text;
}

/* The text is the data set's, so what is wrong with it is said with the file that has it. */
static odeon_status restore_from(const instance *set, const char *path, const safetensors *file)
{
    const char *text = safetensors_metadata(file, FITTED_KEY);
    if (text == NULL) {
        return ODEON_OK;
    }
    calling outer = calling_begin(set, "restore");
    odeon_status status = calling_end(outer, ops_of(set)->restore(set->self, text));
    if (status != ODEON_ERR_DATA) {
        return status;
    }
    diag_reason reason = diag_take();
    return diag_fail(status, "%s: %s", path, reason.text);
}

odeon_status fitted_restore(const instance *set, const config *c)
{
    char *path;
    safetensors *file = NULL;
    if (c->weights == NULL || !ODEON_HAS(ops_of(set), odeon_dataset_ops, restore)) {
        return ODEON_OK;
    }
    ODEON_TRY(run_folder_find_weights(c->weights, &path));
    odeon_status status = safetensors_open(path, &file);
    if (status == ODEON_OK) {
        status = restore_from(set, path, file);
    }
    safetensors_destroy(file);
    mem_free(path);
    return status;
}

/* ---- units ---- */

static odeon_status ask(const instance *set, int32_t field, field_units *out)
{
    int32_t is_standard = 0;
    calling outer = calling_begin(set, "standard");
    ODEON_TRY(calling_end(
        outer, ops_of(set)->standard(set->self, field, out->mean, out->deviation, &is_standard)));
    out->n = is_standard != 0 ? out->n : 0;
    return ODEON_OK;
}

odeon_status field_units_of(const instance *set, const data_fields *fields, int32_t role,
                            field_units *out)
{
    *out = (field_units){.n = 0};
    if (!data_has(fields, role) || !ODEON_HAS(ops_of(set), odeon_dataset_ops, standard)) {
        return ODEON_OK;
    }
    out->n = data_field_size(&fields->of[role]);
    out->mean = mem_zalloc((size_t)out->n, 2 * sizeof *out->mean);
    if (out->mean == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "data: no memory for the units of %lld numbers",
                         (long long)out->n);
    }
    out->deviation = out->mean + out->n;
    return ask(set, fields->index[role], out);
}

odeon_status field_units_read(const config *c, int32_t role, field_units *out)
{
    instance *set;
    data_fields fields;
    *out = (field_units){.n = 0};
    if (c->dataset == NULL || c->weights == NULL) {
        return ODEON_OK;
    }
    ODEON_TRY(instance_create(c->dataset, "data", &set));
    odeon_status status = data_fields_read(set, &fields);
    if (status == ODEON_OK) {
        status = fitted_restore(set, c);
    }
    if (status == ODEON_OK) {
        status = field_units_of(set, &fields, role, out);
    }
    instance_destroy(set);
    return status;
}

void field_units_fini(field_units *u)
{
    mem_free(u->mean);
    *u = (field_units){.n = 0};
}

void field_units_apply(const field_units *u, int64_t samples, double *x)
{
    for (int64_t i = 0; i < samples * u->n; i++) {
        x[i] = (x[i] - u->mean[i % u->n]) / u->deviation[i % u->n];
    }
}

void field_units_undo(const field_units *u, int64_t samples, double *x)
{
    for (int64_t i = 0; i < samples * u->n; i++) {
        x[i] = x[i] * u->deviation[i % u->n] + u->mean[i % u->n];
    }
}
