/* Losses of one worker. Each loss writes a vector of sums, its own value first and then what its
 * metrics need; all of them lie in one array on the device, which is summed over the workers once.
 * From these sums every worker computes the same figures. */
#include "session/loss.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "plugin/calling.h"
#include "session/quantities.h"
#include "session/readings.h"

/* A component's table is of no type; that a loss has a loss's was checked when its plugin was
 * loaded. */
static const odeon_loss_ops *ops_of(const instance *loss)
{
    return loss->component->ops;
}

/* ---- do they fit? ---- */

/* One number a sample is [] or [1]. */
static bool same_numbers(const odeon_shape *a, const odeon_shape *b)
{
    int32_t n = a->ndim > b->ndim ? a->ndim : b->ndim;
    bool same = n <= 2 || a->ndim == b->ndim;
    for (int32_t i = 1; i < n && same; i++) {
        same = (i < a->ndim ? a->dim[i] : 1) == (i < b->ndim ? b->dim[i] : 1);
    }
    return same;
}

/* Does a loss read labels, so that the output has to be like them? */
static bool any_reads_labels(const worker *w)
{
    bool any = false;
    for (size_t i = 0; i < w->n_losses; i++) {
        any = any || (ops_of(w->losses[i])->flags & ODEON_LOSS_NO_LABELS) == 0;
    }
    return any;
}

/* Output and label fit each other, and the losses them. */
static odeon_status check_losses(const worker *w)
{
    const model *m = w->model;
    const odeon_shape *out = &w->net->out;
    int64_t classes = m->fields.of[ODEON_ROLE_LABEL].classes;
    bool masked = data_has(&m->fields, ODEON_ROLE_MASK);
    odeon_shape label = data_field_shape(&m->fields, ODEON_ROLE_LABEL, 1, m->config->dtype);
    if (classes > 0) {
        label.dtype = ODEON_DTYPE_I64;
    } else if (any_reads_labels(w) && !same_numbers(&label, out)) {
        char made[128], wanted[128];
        net_shape_text(out, made, sizeof made);
        net_shape_text(&label, wanted, sizeof wanted);
        return diag_fail(ODEON_ERR_CONFIG,
                         "train.loss: the network makes %s of a sample, but the data set's labels "
                         "are %s: end the model with that shape",
                         made, wanted);
    } else if (any_reads_labels(w)) {
        label = *out;
    }
    odeon_shape mask = label;
    mask.dtype = m->config->dtype;
    const odeon_loss_shapes shapes = {.struct_size = sizeof shapes,
                                      .output = out,
                                      .label = &label,
                                      .mask = masked ? &mask : NULL,
                                      .classes = classes};
    for (size_t i = 0; i < w->n_losses; i++) {
        instance *loss = w->losses[i];
        calling outer = calling_begin(loss, "check");
        ODEON_TRY(calling_end(outer, ops_of(loss)->check(loss->self, &shapes)));
    }
    return ODEON_OK;
}

/* ---- metrics ---- */

/* at: where its sum stands among those of all losses. */
static odeon_status add_metric(model *m, const char *name, int32_t at)
{
    if (name == NULL || name[0] == '\0') {
        return diag_fail(ODEON_ERR_PLUGIN, "train.loss: a metric has no name");
    }
    for (int32_t i = 0; i < m->n_metrics; i++) {
        if (strcmp(m->metric_names[i], name) == 0) {
            return ODEON_OK; /* another loss's of that name, which means the same */
        }
    }
    if (m->n_metrics == ODEON_MAX_METRICS) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "train.loss: more than %d columns of metrics: leave out a loss",
                         ODEON_MAX_METRICS);
    }
    m->metric_at[m->n_metrics] = at;
    m->metric_names[m->n_metrics++] = name;
    return ODEON_OK;
}

/* Of several losses each has a column of its own, before what else they measure. */
static odeon_status name_losses(const worker *w)
{
    model *m = w->model;
    for (size_t i = 0; i < w->n_losses && w->n_losses > 1; i++) {
        m->loss_names[i] = mem_printf("loss_%s", w->losses[i]->component->id);
        if (m->loss_names[i] == NULL) {
            return diag_fail(ODEON_ERR_NOMEM, "train.loss: no memory");
        }
        ODEON_TRY(add_metric(m, m->loss_names[i], w->sums_at[i]));
    }
    return ODEON_OK;
}

/* The losses' own columns first, then what each of them measures. */
static odeon_status name_metrics(const worker *w)
{
    ODEON_TRY(name_losses(w));
    for (size_t i = 0; i < w->n_losses; i++) {
        instance *loss = w->losses[i];
        int32_t end = i + 1 < w->n_losses ? w->sums_at[i + 1] : w->n_sums;
        for (int32_t k = 0; k < end - w->sums_at[i] - 1; k++) {
            calling outer = calling_begin(loss, "metric_name");
            const char *name = ops_of(loss)->metric_name(loss->self, k);
            calling_leave(outer);
            ODEON_TRY(add_metric(w->model, name, w->sums_at[i] + 1 + k));
        }
    }
    return ODEON_OK;
}

/* What loss i counts a sample of each class; *any: more or less than the others'. */
static odeon_status ask_label_weights(const worker *w, size_t i, double *out, bool *any)
{
    instance *loss = w->losses[i];
    int64_t classes = w->model->fields.of[ODEON_ROLE_LABEL].classes;
    calling outer = calling_begin(loss, "label_weight");
    for (int64_t k = 0; k < classes; k++) {
        out[k] = ops_of(loss)->label_weight(loss->self, k);
        *any = *any || !(out[k] == 1.0);
    }
    calling_leave(outer);
    for (int64_t k = 0; k < classes; k++) {
        if (!(out[k] >= 0.0) || !isfinite(out[k])) {
            return diag_fail(ODEON_ERR_PLUGIN, "train.loss: %s counts class %lld %g times",
                             loss->component->id, (long long)k, out[k]);
        }
    }
    return ODEON_OK;
}

/* One sum over the workers is all that there is room for. */
static odeon_status find_label_weights(worker *w)
{
    int64_t classes = w->model->fields.of[ODEON_ROLE_LABEL].classes;
    for (size_t i = 0; i < w->n_losses && classes > 0; i++) {
        if (!ODEON_HAS(ops_of(w->losses[i]), odeon_loss_ops, label_weight)) {
            continue;
        }
        double *weights = mem_zalloc((size_t)classes, sizeof *weights);
        bool any = false;
        odeon_status status = weights != NULL ? ask_label_weights(w, i, weights, &any)
                                              : diag_fail(ODEON_ERR_NOMEM, "train.loss: no memory");
        if (status == ODEON_OK && any && w->label_weights != NULL) {
            status =
                diag_fail(ODEON_ERR_CONFIG,
                          "train.loss: more than one loss weighs the classes: keep the weights "
                          "of one");
        }
        if (status == ODEON_OK && any) {
            w->label_weights = weights;
            w->weighing = i;
        } else {
            mem_free(weights);
        }
        ODEON_TRY(status);
    }
    return ODEON_OK;
}

/* A loss has one sum for itself and one for each of its metrics, side by side. */
odeon_status losses_make(worker *w)
{
    const config *c = w->model->config;
    int32_t at = 0;
    if (c->n_losses > MODEL_MAX_LOSSES) {
        return diag_fail(ODEON_ERR_CONFIG, "train.loss: %zu losses, at most %d are allowed",
                         c->n_losses, MODEL_MAX_LOSSES);
    }
    for (size_t i = 0; i < c->n_losses; i++) {
        ODEON_TRY(instance_create(c->losses[i], "train.loss", &w->losses[i]));
        w->n_losses++;
        calling outer = calling_begin(w->losses[i], "metric_count");
        int32_t n = ops_of(w->losses[i])->metric_count(w->losses[i]->self);
        calling_leave(outer);
        if (n < 0 || n > ODEON_MAX_METRICS) {
            return diag_fail(ODEON_ERR_PLUGIN, "train.loss: %s says that it has %d metrics",
                             w->losses[i]->component->id, (int)n);
        }
        w->sums_at[i] = at;
        at += 1 + n;
        ODEON_TRY(quantities_find(w, i));
    }
    w->n_sums = at;
    ODEON_TRY(check_losses(w));
    ODEON_TRY(find_label_weights(w));
    return w->rank == 0 ? name_metrics(w) : ODEON_OK;
}

/* Of those that were made, also where making them ended early. */
void losses_destroy(worker *w)
{
    for (size_t i = 0; i < w->n_losses; i++) {
        instance_destroy(w->losses[i]);
    }
    mem_free(w->label_weights);
    quantities_fini(w);
}

/* ---- a slice ---- */

/* What all losses are called with. Numbers have the output's shape, up to a [1]. */
static void take_fields(const worker *w, const odeon_tensor *output, odeon_view *label,
                        odeon_view *mask)
{
    const batch_fields *fields = &w->fields;
    *label = fields->of[ODEON_ROLE_LABEL].view;
    *mask = fields->of[ODEON_ROLE_MASK].view;
    uint32_t dtype = label->shape.dtype, mask_dtype = mask->shape.dtype;
    bool alike = odeon_count(&label->shape) == odeon_count(&output->view.shape);
    if (dtype != ODEON_DTYPE_I64 && alike) { /* else no loss reads it */
        label->shape = output->view.shape;
        label->shape.dtype = dtype;
    }
    mask->shape = label->shape;
    mask->shape.dtype = mask_dtype;
}

/* Never infinite: where nothing counts the loss is 0 / 0 in the end, as the metrics are. */
static double inverse(double counted)
{
    return counted > 0.0 ? 1.0 / counted : 0.0;
}

/* A loss weighs each element by 1 / counted of the whole batch, so that its sums add up over the
 * workers to the mean. The first one writes the gradient, the others' are added to it. */
odeon_status losses_eval(worker *w, const odeon_tensor *output, const odeon_tensor *d_output)
{
    const model *m = w->model;
    odeon_view label, mask;
    odeon_tensor sums = readings_sums(w), more = {.view.data = NULL};
    double *all = odeon_write(&sums);
    take_fields(w, output, &label, &mask);
    odeon_loss_call call = {.struct_size = sizeof call,
                            .queue = w->site.lane.queue,
                            .device = m->device,
                            .output = &output->view,
                            .label = &label,
                            .mask = mask.data != NULL ? &mask : NULL,
                            .row_share =
                                w->fields.samples > 0 ? 1.0 / (double)w->fields.samples : 0.0,
                            .sums = &sums,
                            .d_output = d_output};
    ODEON_TRY(quantities_begin(w, d_output != NULL));
    if (d_output != NULL && w->n_losses > 1) {
        ODEON_TRY(buffer_fit(m->device, &w->d_output_more, odeon_bytes(&output->view.shape) + 64));
        more = odeon_tensor_at(w->d_output_more.data, d_output->view.shape);
    }
    for (size_t i = 0; i < w->n_losses; i++) {
        int32_t end = i + 1 < w->n_losses ? w->sums_at[i + 1] : w->n_sums;
        sums.view.data = all + w->sums_at[i];
        sums.view.shape.dim[0] = end - w->sums_at[i];
        bool weighs = w->label_weights != NULL && i == w->weighing;
        call.weight = inverse(weighs ? w->fields.labels_counted : w->fields.counted);
        call.d_output = i > 0 && d_output != NULL ? &more : d_output;
        ODEON_TRY(quantities_bind(w, i, d_output != NULL, &call.quantity));
        calling outer = calling_begin(w->losses[i], "eval");
        ODEON_TRY(calling_end(outer, ops_of(w->losses[i])->eval(w->losses[i]->self, &call)));
        ODEON_TRY(d_output != NULL ? quantities_accumulate(w, i) : ODEON_OK);
        ODEON_TRY(call.d_output == &more ? worker_add(w, &more.view, d_output) : ODEON_OK);
    }
    return ODEON_OK;
}

/* ---- the batch ---- */

/* A loss among several is a sum as it is, all else a mean over what counts. */
static double metric_value(const worker *w, int32_t metric, const double *sums)
{
    const model *m = w->model;
    bool is_loss = w->n_losses > 1 && metric < (int32_t)w->n_losses;
    double sum = sums[m->metric_at[metric]];
    return is_loss ? sum : sum / w->fields.counted; /* NaN if nothing counts */
}

/* What may help depends on whether training has changed the weights before. */
static odeon_status refuse_loss(const batch *b, double loss)
{
    if (b->mode != BATCH_TRAIN && b->mode != BATCH_REPEAT) {
        return diag_fail(ODEON_ERR_NUMERIC, "the loss is %g: are the weights what they should be?",
                         loss);
    }
    return diag_fail(ODEON_ERR_NUMERIC, "the loss is %g (epoch %lld, step %lld): %s", loss,
                     (long long)b->epoch, (long long)b->step,
                     b->step > 1 ? "a smaller learning rate or train.clip_norm may help"
                                 : "smaller initial weights, or data nearer to 1, may help");
}

/* Every worker comes to the same judgement, from the same sums; only rank 0 writes it down. */
odeon_status losses_judge(const worker *w, batch *b)
{
    const model *m = w->model;
    const double *sums = readings_read_sums(w);
    double loss = 0.0;
    for (size_t i = 0; i < w->n_losses; i++) {
        loss += sums[w->sums_at[i]];
    }
    if (w->rank == 0) {
        b->loss = loss;
        b->counted = w->fields.counted;
        b->loss_counted =
            w->n_losses == 1 && w->label_weights != NULL ? w->fields.labels_counted : b->counted;
        for (int32_t i = 0; i < m->n_metrics; i++) {
            b->metrics[i] = metric_value(w, i, sums);
        }
    }
    if (!isfinite(loss)) {
        return refuse_loss(b, loss);
    }
    return ODEON_OK;
}
