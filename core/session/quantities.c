/* A block keeps its integrals and their cotangents itself, made.c those of layers outside of
 * blocks; here is which loss reads which. Cotangents of several losses add up, each of which writes
 * its own into one scratch. */
#include "session/quantities.h"

#include "base/diag.h"
#include "base/text.h"
#include "ode/integrals.h"
#include "plugin/calling.h"
#include "session/made.h"
#include "solver/workspace.h"

/* ---- by name ---- */

/* "ode.kinetic, deep.ode.kinetic": for a message. */
static void list_names(const worker *w, text_buffer *text)
{
    for (size_t b = 0; b < w->site.n_odes; b++) {
        const odeon_ode *ode = w->site.odes[b];
        for (int32_t i = 0; i < ode->integrals.n; i++) {
            text_printf(text, "%s%s.%s", text->length > 0 ? ", " : "", ode->path,
                        ode->integrals.names[i]);
        }
    }
    for (int32_t i = 0; i < w->made.n; i++) {
        text_printf(text, "%s%s.%s", text->length > 0 ? ", " : "", w->made.of[i]->path,
                    w->made.names[i]);
    }
}

static odeon_status refuse(const worker *w, size_t i, const char *name)
{
    text_buffer text = {0};
    list_names(w, &text);
    odeon_status status =
        text.length == 0
            ? diag_fail(ODEON_ERR_CONFIG,
                        "train.loss: %s wants %s, but no layer of the model integrates along the "
                        "path of an ODE block",
                        w->losses[i]->component->id, name)
            : diag_fail(ODEON_ERR_CONFIG, "train.loss: %s wants %s, but the model has %s",
                        w->losses[i]->component->id, name,
                        text.data != NULL ? text.data : "others");
    text_fini(&text);
    return status;
}

static odeon_status find(worker *w, size_t i, const char *name)
{
    loss_quantities *list = &w->quantities[i];
    if (list->n == ODEON_MAX_QUANTITIES) {
        return diag_fail(ODEON_ERR_CONFIG, "train.loss: %s wants more than %d quantities",
                         w->losses[i]->component->id, ODEON_MAX_QUANTITIES);
    }
    for (size_t b = 0; b < w->site.n_odes; b++) {
        int32_t index = ode_find_integral(w->site.odes[b], name);
        if (index >= 0) {
            list->of[list->n++] =
                (quantity_use){.name = name, .ode = w->site.odes[b], .index = index};
            return ODEON_OK;
        }
    }
    int32_t made = made_find(w, name);
    if (made < 0) {
        return refuse(w, i, name);
    }
    list->of[list->n++] = (quantity_use){.name = name, .index = made};
    return ODEON_OK;
}

odeon_status quantities_find(worker *w, size_t i)
{
    const instance *loss = w->losses[i];
    const odeon_loss_ops *ops = loss->component->ops;
    bool has_any = ODEON_HAS(ops, odeon_loss_ops, quantity);
    for (int32_t k = 0; has_any; k++) {
        calling outer = calling_begin(loss, "quantity");
        const char *name = ops->quantity(loss->self, k);
        calling_leave(outer);
        has_any = name != NULL;
        ODEON_TRY(has_any ? find(w, i, name) : ODEON_OK);
    }
    return ODEON_OK;
}

/* ---- a batch ---- */

odeon_status quantities_begin(worker *w, bool backward)
{
    for (size_t b = 0; backward && b < w->site.n_odes; b++) {
        ODEON_TRY(ode_clear_integral_cotangents(w->site.odes[b]));
    }
    return made_finish_forward(w, backward);
}

/* The cotangents of a loss, which all have one number a sample of the slice, in the scratch. */
static odeon_status place_cotangents(worker *w, loss_quantities *list)
{
    const odeon_shape *shape = &list->of[0].value.shape;
    int64_t bytes = workspace_aligned(odeon_bytes(shape));
    ODEON_TRY(buffer_fit(w->model->device, &w->d_quantity, list->n * bytes + 64));
    for (int32_t k = 0; k < list->n; k++) {
        list->of[k].d_value = odeon_tensor_at(w->d_quantity.data + k * bytes, *shape);
    }
    return ODEON_OK;
}

odeon_status quantities_bind(worker *w, size_t i, bool backward,
                             const odeon_quantity *const **quantity)
{
    loss_quantities *list = &w->quantities[i];
    *quantity = list->n > 0 ? list->given : NULL;
    for (int32_t k = 0; k < list->n; k++) {
        quantity_use *use = &list->of[k];
        use->value =
            use->ode != NULL ? ode_integral(use->ode, use->index) : made_value(w, use->index);
        use->quantity = (odeon_quantity){.struct_size = sizeof use->quantity,
                                         .name = use->name,
                                         .value = &use->value,
                                         .d_value = backward ? &use->d_value : NULL};
        list->given[k] = &use->quantity;
    }
    return list->n > 0 && backward ? place_cotangents(w, list) : ODEON_OK;
}

odeon_status quantities_accumulate(worker *w, size_t i)
{
    const loss_quantities *list = &w->quantities[i];
    for (int32_t k = 0; k < list->n; k++) {
        const quantity_use *use = &list->of[k];
        odeon_tensor sum = use->ode != NULL ? ode_integral_cotangent(use->ode, use->index)
                                            : made_cotangent(w, use->index);
        ODEON_TRY(worker_add(w, &use->d_value.view, &sum));
    }
    return ODEON_OK;
}

void quantities_fini(worker *w)
{
    buffer_release(w->model->device, &w->d_quantity);
}
