#include "data/fitted.h"

#include <string.h>

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
    const odeon_field_info *info = &fields->of[role];
    out->n = data_field_size(info);
    out->row = info->ndim > 0 ? info->dim[info->ndim - 1] : 1;
    out->mean = mem_zalloc((size_t)out->n, 2 * sizeof *out->mean);
    if (out->mean == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "data: no memory for the units of %lld numbers",
                         (long long)out->n);
    }
    out->deviation = out->mean + out->n;
    return ask(set, fields->index[role], out);
}

/* The set's fields, with what stands with c's weights; nothing is opened. */
static odeon_status make_restored(const config *c, data_fields *fields, instance **out)
{
    *out = NULL;
    ODEON_TRY(instance_create(c->dataset, "data", out));
    odeon_status status = data_fields_read(*out, fields);
    if (status == ODEON_OK) {
        status = fitted_restore(*out, c);
    }
    if (status != ODEON_OK) {
        instance_destroy(*out);
        *out = NULL;
    }
    return status;
}

odeon_status field_units_read(const config *c, int32_t role, field_units *out)
{
    instance *set;
    data_fields fields;
    *out = (field_units){.n = 0};
    if (c->dataset == NULL || c->weights == NULL) {
        return ODEON_OK;
    }
    ODEON_TRY(make_restored(c, &fields, &set));
    odeon_status status = field_units_of(set, &fields, role, out);
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

/* ---- classes ---- */

/* The texts end with the instance, so that they are copied, behind the array of their addresses. */
static odeon_status copy_names(const instance *set, int64_t n, const char **name, const char ***out)
{
    const odeon_dataset_ops *ops = ops_of(set);
    size_t bytes = (size_t)n * sizeof *name;
    for (int64_t i = 0; i < n; i++) {
        calling outer = calling_begin(set, "class_name");
        name[i] = ops->class_name(set->self, i);
        calling_leave(outer);
        if (name[i] == NULL) {
            return ODEON_OK;
        }
        bytes += strlen(name[i]) + 1;
    }
    const char **all = mem_alloc(bytes);
    if (all == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "data: no memory for the names of classes");
    }
    char *text = (char *)(all + n);
    for (int64_t i = 0; i < n; i++) {
        size_t length = strlen(name[i]) + 1;
        all[i] = memcpy(text, name[i], length);
        text += length;
    }
    *out = all;
    return ODEON_OK;
}

odeon_status class_names_of(const instance *set, int64_t n, const char ***out)
{
    *out = NULL;
    if (n < 1 || !ODEON_HAS(ops_of(set), odeon_dataset_ops, class_name)) {
        return ODEON_OK;
    }
    const char **name = mem_zalloc((size_t)n, sizeof *name);
    odeon_status status = name != NULL ? copy_names(set, n, name, out)
                                       : diag_fail(ODEON_ERR_NOMEM, "data: no memory for names");
    mem_free(name);
    return status;
}

odeon_status class_names_read(const config *c, const char ***out)
{
    instance *set;
    data_fields fields;
    *out = NULL;
    if (c->dataset == NULL || c->weights == NULL) {
        return ODEON_OK;
    }
    ODEON_TRY(make_restored(c, &fields, &set));
    odeon_status status = class_names_of(set, fields.of[ODEON_ROLE_LABEL].classes, out);
    instance_destroy(set);
    return status;
}
