/* Answers from what the first worker's network and the model know; all workers' are alike.
 * Everything here can be asked of a session of shapes alone, which has exactly one worker. */
#include "session/describe.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "ode/ode.h"
#include "odeon/device_dual.h"
#include "odeon/device_ext.h"
#include "plugin/calling.h"
#include "session/members.h"
#include "session/optimizer.h"

/* The transforms' site and the network's own are two lists, which everybody outside sees as one:
 * transforms come first. */
size_t session_layer_count(const session *s)
{
    return s->workers[0].data_site.n_layers + s->workers[0].site.n_layers;
}

odeon_shape session_input(const session *s)
{
    return s->workers[0].net->in;
}

/* Parameters count where they are declared; a layer that shares another's has none of its own. */
session_layer session_layer_at(const session *s, size_t index)
{
    const net_site *data = &s->workers[0].data_site, *own = &s->workers[0].site;
    const net_layer *layer =
        index < data->n_layers ? data->layers[index] : own->layers[index - data->n_layers];
    session_layer out = {.path = layer->path,
                         .layer = layer->instance->component->id,
                         .ndim = layer->plan.out.ndim - 1,
                         .shared = layer->shared};
    for (const net_layer *c = layer->container; c != NULL; c = c->container) {
        out.depth++;
    }
    for (int32_t i = 0; i < out.ndim; i++) {
        out.dim[i] = layer->plan.out.dim[i + 1];
    }
    for (size_t k = 0; k < layer->n_params && layer->shared == NULL; k++) {
        out.parameters += s->model.params.list[layer->index[k]].count;
    }
    return out;
}

/* batchnorm in training mode, say, has no variance of one sample. Transforms are not asked: they
 * have no state that a batch could be too small for. */
int64_t session_min_batch(const session *s, session_layer *layer)
{
    const net_site *site = &s->workers[0].site;
    size_t first = s->workers[0].data_site.n_layers;
    int64_t least = 1;
    for (size_t i = 0; i < site->n_layers; i++) {
        if (site->layers[i]->plan.min_batch > least) {
            least = site->layers[i]->plan.min_batch;
            *layer = session_layer_at(s, first + i);
        }
    }
    return least;
}

/* Is the container a block that solves over the times of its batch? */
static bool has_batch_times(const net_site *site, const net_layer *container)
{
    for (size_t i = 0; i < site->n_odes; i++) {
        const odeon_ode *ode = site->odes[i];
        if (ode->spec.n_times == 0 && strcmp(ode->path, container->path) == 0) {
            return true;
        }
    }
    return false;
}

/* A right-hand side that reads t sees every sample's own clock there, which may not be what was
 * meant. */
bool session_reads_relative_time(const session *s, session_layer *layer)
{
    const net_site *site = &s->workers[0].site;
    size_t first = s->workers[0].data_site.n_layers;
    if (!data_has(&s->model.fields, ODEON_ROLE_TIME) ||
        (s->model.fields.of[ODEON_ROLE_TIME].flags & ODEON_FIELD_RELATIVE) == 0) {
        return false;
    }
    for (size_t i = 0; i < site->n_layers; i++) {
        const net_layer *x = site->layers[i];
        bool own_times = (x->plan.needs & 1u << ODEON_ROLE_TIME) != 0; /* it has the same clock */
        bool leaf = x->n_bodies == 0 && !own_times && (x->plan.flags & ODEON_LAYER_USES_T) != 0;
        for (const net_layer *c = x->container; c != NULL && leaf; c = c->container) {
            if (has_batch_times(site, c)) {
                *layer = session_layer_at(s, first + i);
                return true;
            }
        }
    }
    return false;
}

const char *session_unrecorded_block(const session *s)
{
    const net_site *site = &s->workers[0].site;
    const odeon_device *device = site->lane.device;
    bool records = site->lane.capture && device->get_table(device, ODEON_DEVICE_CAPTURE) != NULL;
    for (size_t i = 0; i < site->n_odes && records; i++) {
        if (site->odes[i]->stepper->needs_host) {
            return site->odes[i]->path;
        }
    }
    return NULL;
}

const char *session_without_gradient(const session *s)
{
    const net_site *site = &s->workers[0].site;
    const odeon_device *device = site->lane.device;
    return device->get_table(device, ODEON_DEVICE_DUAL) == NULL ? site->differentiated_twice : NULL;
}

const char *session_samples_in_turn(const session *s, const char **path)
{
    const net_site *site = &s->workers[0].site;
    for (size_t i = 0; i < site->n_odes; i++) {
        const odeon_ode *ode = site->odes[i];
        if (ode->samples != NULL && ode->samples->side.prevented != NULL &&
            ode->spec.event == NULL) { /* events are never found side by side */
            *path = ode->path;
            return ode->samples->side.prevented;
        }
    }
    return NULL;
}

uint64_t session_stored_bytes(const session *s)
{
    return data_field_bytes(&s->model.fields, ODEON_ROLE_INPUT);
}

const data_fields *session_fields(const session *s)
{
    return &s->model.fields;
}

int64_t session_parameter_count(const session *s)
{
    return s->model.params.count;
}

int32_t session_workers(const session *s)
{
    return s->n_planned;
}

const char *session_device_text(const session *s)
{
    return s->model.device_text;
}

bool session_device_is_auto(const session *s)
{
    return s->model.config->auto_device;
}

const kernel_list *session_kernels(const session *s)
{
    return s->model.kernels;
}

size_t session_metric_count(const session *s)
{
    return (size_t)s->model.n_metrics;
}

/* The names are the loss plugins' own texts, or the model's for the losses' columns: both live as
 * long as the session. */
const char *const *session_metric_names(const session *s)
{
    return s->model.metric_names;
}

size_t session_figures(const session *s, const figure_value **list)
{
    size_t n;
    *list = figures_read(s->model.figures, &n);
    return n;
}

void session_clear_figures(session *s)
{
    figures_clear(s->model.figures);
}

/* Of several losses the first metrics are the losses themselves, which the line shows as their
 * sum. */
int32_t session_headline(const session *s)
{
    size_t n_losses = s->workers[0].n_losses;
    int32_t first = n_losses > 1 ? (int32_t)n_losses : 0;
    for (int32_t i = first; i < s->model.n_metrics; i++) {
        if (strcmp(s->model.metric_names[i], ODEON_METRIC_ACCURACY) == 0) {
            return i;
        }
    }
    return first < s->model.n_metrics ? first : -1;
}

/* Greater is better in both cases, so that whoever keeps the best result needs one comparison,
 * which no NaN passes. */
double session_score(const session *s, const session_result *result, const char **name)
{
    int32_t i = session_headline(s);
    bool accuracy = s->model.config->best_by == CONFIG_BEST_AUTO && i >= 0 &&
                    strcmp(s->model.metric_names[i], ODEON_METRIC_ACCURACY) == 0;
    *name = accuracy ? s->model.metric_names[i] : NULL;
    return accuracy ? result->metrics[i] : -result->loss;
}

double session_learning_rate(const session *s)
{
    return optimizer_learning_rate(&s->workers[0]);
}

odeon_shape session_output(const session *s)
{
    return s->workers[0].net->out;
}

/* The plugin's text is cut at the end of the array even if the plugin has not done so. */
void session_schedule_remark(const session *s, const odeon_position *last, char *text, size_t bytes)
{
    text[0] = '\0';
    const odeon_schedule_ops *ops =
        s->model.schedule != NULL ? s->model.schedule->component->ops : NULL;
    if (ops != NULL && ODEON_HAS(ops, odeon_schedule_ops, remark)) {
        ops->remark(s->model.schedule->self, last, text, bytes);
        text[bytes - 1] = '\0';
    }
}

/* A plugin's answer is checked: a factor that is NaN or negative would ruin the parameters
 * silently. */
odeon_status session_schedule(const session *s, const odeon_position *position, double *factor)
{
    *factor = 1.0;
    if (s->model.schedule == NULL) {
        return ODEON_OK;
    }
    const odeon_schedule_ops *ops = s->model.schedule->component->ops;
    calling outer = calling_begin(s->model.schedule, "factor");
    *factor = ops->factor(s->model.schedule->self, position);
    calling_leave(outer);
    return isfinite(*factor) && *factor >= 0.0
               ? ODEON_OK
               : diag_fail(ODEON_ERR_PLUGIN,
                           "train.schedule: %s says that step %lld has the learning rate times %g",
                           s->model.schedule->component->id, (long long)position->step, *factor);
}

int64_t session_output_size(const session *s)
{
    return odeon_count(&s->workers[0].net->out);
}

/* A device that tells of its memory has some of its own; of one that computes in the host's, counts
 * of launches and waits are of no interest. */
bool session_device_is_apart(const session *s)
{
    return s->model.device_is_apart;
}

/* Counts of another worker's samples. NAN is larger than any drift, and gives way as a step's size.
 */
static void add_samples(ode_counters *all, const ode_counters *x)
{
    all->evals_forward += x->evals_forward;
    all->evals_backward += x->evals_backward;
    all->accepted += x->accepted;
    all->rejected += x->rejected;
    all->accepted_backward += x->accepted_backward;
    all->rejected_backward += x->rejected_backward;
    all->h_min = fmin(all->h_min, x->h_min);
    all->h_max = fmax(all->h_max, x->h_max);
    all->drift = isnan(all->drift) || all->drift > x->drift ? all->drift : x->drift;
    counters_add_spread(all, x);
}

/* Steps and evaluations are the same on all workers, unless samples have their own; memory adds up.
 */
size_t session_blocks(const session *s, ode_counters **blocks)
{
    const net_site *site = &s->workers[0].site;
    for (size_t i = 0; i < site->n_odes; i++) {
        s->blocks[i] = site->odes[i]->counters;
        for (int32_t rank = 1; rank < s->n_workers; rank++) {
            const ode_counters *x = &s->workers[rank].site.odes[i]->counters;
            s->blocks[i].bytes += x->bytes;
            if (x->per_sample) {
                add_samples(&s->blocks[i], x);
            }
        }
    }
    *blocks = s->blocks;
    return site->n_odes;
}
