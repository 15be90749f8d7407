#include "run/gradient_check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/temporary.h"
#include "odeon/layer.h"
#include "run/interrupt.h"
#include "session/parameters.h"
#include "session/run_batch.h"

static odeon_status no_memory(void)
{
    return diag_fail(ODEON_ERR_NOMEM, "check of gradients: no memory");
}

void gradient_check_fini(gradient_check *x)
{
    for (size_t i = 0; i < x->n; i++) {
        mem_free(x->rows[i].path);
    }
    mem_free(x->rows);
    *x = (gradient_check){.n = 0};
}

/* ---- held steps ---- */

/* Files of recorded steps, in a folder of their own that goes with them. */
typedef struct recording {
    char *folder;
    size_t n;
} recording;

static odeon_status recording_begin(recording *x)
{
    *x = (recording){.n = 0};
    return temporary_folder(&x->folder);
}

static char *recording_file(const recording *x, size_t block)
{
    return mem_printf("%s/steps-%zu.csv", x->folder, block);
}

static void recording_end(recording *x)
{
    for (size_t i = 0; x->folder != NULL && i < x->n; i++) {
        char *file = recording_file(x, i);
        if (file != NULL) {
            (void)unlink(file);
        }
        mem_free(file);
    }
    if (x->folder != NULL) {
        (void)rmdir(x->folder);
    }
    mem_free(x->folder);
}

/* As variant_blocks, but a model without any has 0 of them here. */
static odeon_status list_blocks(const config *c, size_t *n, const config_node ***list)
{
    odeon_status status = variant_blocks(c, n, list);
    if (status != ODEON_ERR_CONFIG) {
        return status;
    }
    diag_clear();
    *n = 0;
    return ODEON_OK;
}

/* Blocks of the network are in the order of their sections. Fixed steps need no recording. */
static odeon_status record(session *s, const config *c, recording *x, variant_keys *keys)
{
    const config_node **blocks;
    size_t n;
    odeon_status status = list_blocks(c, &n, &blocks);
    for (size_t i = 0; i < n && status == ODEON_OK; i++) {
        if (variant_is_fixed(blocks[i])) {
            continue;
        }
        char *file = recording_file(x, i);
        x->n = i + 1;
        status = file != NULL ? session_write_steps(s, i, file) : no_memory();
        if (status == ODEON_OK) {
            variant_add(keys, "%s.%s.control=replay(path=%s)", blocks[i]->root, blocks[i]->path,
                        file);
        }
        mem_free(file);
    }
    mem_free(blocks);
    return status;
}

/* ---- differences ---- */

typedef struct work {
    const gradient_check_plan *plan;
    session *session; /* with held steps */
    const variant_batch *batch;
    double *values, *moved, *direction, *gradient; /* of one tensor */
} work;

static odeon_status loss_at(work *w, size_t index, int64_t n, double step, double *out)
{
    session_result result;
    for (int64_t i = 0; i < n; i++) {
        w->moved[i] = w->values[i] + step * w->direction[i];
    }
    ODEON_TRY(session_parameter_set(w->session, index, w->moved));
    ODEON_TRY(variant_differentiate(w->session, w->batch, &result));
    *out = result.loss;
    return interrupt_signal() != 0 ? diag_fail(ODEON_ERR_CANCELLED, "check: interrupted")
                                   : ODEON_OK;
}

static double dot(int64_t n, const double *a, const double *b)
{
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

/* Number 0 is along the gradient, where a wrong length shows; the others are random and find what
 * is wrong across it. */
static void choose_direction(work *w, const session_parameter *p, int64_t number)
{
    uint64_t key = rng_key(1, p->path, 3, (uint64_t)number);
    for (int64_t i = 0; i < p->count; i++) {
        w->direction[i] = number == 0 ? w->gradient[i] : rng_normal(key, (uint64_t)i);
    }
    double length = sqrt(dot(p->count, w->direction, w->direction));
    for (int64_t i = 0; i < p->count; i++) {
        w->direction[i] = length > 0.0 ? w->direction[i] / length : 0.0;
    }
}

/* Sizes of the step: the larger rounds less, the smaller crosses fewer kinks of a field that has
 * some. What fits at one of them is right. A difference below rounding of the loss is none. */
static const double sizes[] = {1e-4, 1e-6, 1e-8};
enum { N_SIZES = sizeof sizes / sizeof *sizes };
static const double rounding = 1e-9;

static double error_of(double g, double d, double usual, double loss)
{
    double scale = fmax(fmax(fabs(g), fabs(d)), usual);
    return fabs(g - d) <= rounding * fmax(fabs(loss), 1.0) ? 0.0 : fabs(g - d) / scale;
}

static odeon_status try_direction(work *w, size_t index, const session_parameter *p, double loss,
                                  gradient_check_row *row)
{
    double g = dot(p->count, w->gradient, w->direction), best = (double)INFINITY, of_best = 0.0;
    double usual = row->norm / sqrt((double)p->count);
    for (size_t i = 0; i < N_SIZES && !(best <= w->plan->tolerance); i++) {
        double above, below;
        ODEON_TRY(loss_at(w, index, p->count, sizes[i], &above));
        ODEON_TRY(loss_at(w, index, p->count, -sizes[i], &below));
        double d = (above - below) / (2.0 * sizes[i]);
        double error = error_of(g, d, usual, loss);
        if (!(error >= best)) {
            best = error;
            of_best = d;
        }
    }
    if (!(best <= row->error)) { /* so that NaN counts as the worst */
        row->error = best;
        row->gradient = g;
        row->difference = of_best;
    }
    return ODEON_OK;
}

static odeon_status check_tensor(work *w, size_t index, double loss, gradient_check_row *row)
{
    session_parameter p = session_parameter_at(w->session, index);
    *row = (gradient_check_row){.path = mem_strdup(p.path), .count = p.count, .error = -1.0};
    if (row->path == NULL) {
        return no_memory();
    }
    row->norm = sqrt(dot(p.count, w->gradient, w->gradient));
    for (int64_t i = 0; i <= w->plan->directions; i++) {
        choose_direction(w, &p, i);
        ODEON_TRY(try_direction(w, index, &p, loss, row));
    }
    row->good = row->error <= w->plan->tolerance;
    return session_parameter_set(w->session, index, w->values);
}

static odeon_status make_room(work *w)
{
    size_t most = 1;
    for (size_t i = 0; i < session_parameters(w->session); i++) {
        size_t n = (size_t)session_parameter_at(w->session, i).count;
        most = n > most ? n : most;
    }
    w->moved = mem_zalloc(most, sizeof *w->moved);
    w->direction = mem_zalloc(most, sizeof *w->direction);
    return w->moved != NULL && w->direction != NULL ? ODEON_OK : no_memory();
}

static odeon_status check_tensors(work *w, const variant_values *values,
                                  const variant_values *gradients, gradient_check *out)
{
    out->rows = mem_zalloc(values->n, sizeof *out->rows);
    if (out->rows == NULL) {
        return no_memory();
    }
    for (size_t i = 0; i < values->n; i++) {
        if (gradients->of[i] == NULL) {
            continue;
        }
        w->values = values->of[i];
        w->gradient = gradients->of[i];
        gradient_check_row *row = &out->rows[out->n++];
        ODEON_TRY(check_tensor(w, i, out->loss, row));
        out->wrong += !row->good;
    }
    return ODEON_OK;
}

/* Off the kinks. Running state stays as it is. */
static odeon_status move_values(session *s, variant_values *values)
{
    for (size_t i = 0; i < values->n; i++) {
        session_parameter p = session_parameter_at(s, i);
        uint64_t key = rng_key(1, p.path, 4, 0);
        for (int64_t k = 0; k < p.count && p.role != ODEON_PARAM_STATE; k++) {
            values->of[i][k] += GRADIENT_CHECK_MOVE * rng_normal(key, (uint64_t)k);
        }
    }
    return variant_set_values(s, values);
}

/* The gradient, too, is that of the held steps. */
static odeon_status check_held(work *w, gradient_check *out)
{
    variant_values values = {.n = 0}, gradients = {.n = 0};
    session_result result;
    odeon_status status = make_room(w);
    if (status == ODEON_OK) {
        status = variant_take_values(w->session, &values);
    }
    if (status == ODEON_OK) {
        status = move_values(w->session, &values);
    }
    if (status == ODEON_OK) {
        status = variant_differentiate(w->session, w->batch, &result);
    }
    if (status == ODEON_OK) {
        out->loss = result.loss;
        status = variant_take_gradients(w->session, &gradients);
    }
    if (status == ODEON_OK) {
        status = check_tensors(w, &values, &gradients, out);
    }
    variant_values_fini(&values);
    variant_values_fini(&gradients);
    mem_free(w->moved);
    mem_free(w->direction);
    return status;
}

/* ---- the whole ---- */

/* One worker: sums in one order, whatever the machine. Adaptive steps end where the solve does,
 * also where the configuration would go beyond and read the end off: a list of steps can be
 * repeated only so. */
static odeon_status common_keys(const variant_base *base, variant_keys *keys)
{
    variant_keys none = {0};
    variant v;
    const config_node **blocks = NULL;
    size_t n = 0;
    odeon_status status = variant_open(base, &none, (variant_ways){.shapes = true}, &v);
    if (status == ODEON_OK) {
        status = list_blocks(v.config, &n, &blocks);
    }
    variant_add(keys, "run.dtype=float64");
    variant_add(keys, "run.workers=1");
    for (size_t i = 0; i < n && status == ODEON_OK; i++) {
        if (!variant_is_fixed(blocks[i])) {
            variant_add(keys, "%s.%s.end=clip", blocks[i]->root, blocks[i]->path);
        }
    }
    mem_free(blocks);
    variant_close(&v);
    return status;
}

static odeon_status run_recorded(const variant_base *base, const gradient_check_plan *plan,
                                 recording *steps, gradient_check *out)
{
    variant_keys keys = {0};
    variant free_steps = {.config = NULL}, held = {.config = NULL};
    variant_batch batch = {.n = 0};
    session_result result;
    odeon_status status = common_keys(base, &keys);
    if (status == ODEON_OK) {
        status = variant_open(base, &keys, (variant_ways){.over = NULL}, &free_steps);
    }
    if (status == ODEON_OK) {
        status = variant_batch_open(free_steps.config, free_steps.session, plan->batch,
                                    plan->samples, &batch);
    }
    if (status == ODEON_OK) {
        status = variant_differentiate(free_steps.session, &batch, &result);
    }
    if (status == ODEON_OK) {
        status = record(free_steps.session, free_steps.config, steps, &keys);
    }
    if (status == ODEON_OK) {
        out->samples = batch.n;
        status = variant_open(base, &keys, (variant_ways){.over = NULL}, &held);
    }
    if (status == ODEON_OK) {
        work w = {.plan = plan, .session = held.session, .batch = &batch};
        status = check_held(&w, out);
    }
    variant_close(&held);
    variant_batch_fini(&batch); /* before the configuration that it was opened with */
    variant_close(&free_steps);
    variant_keys_fini(&keys);
    return status;
}

odeon_status gradient_check_run(const variant_base *base, const gradient_check_plan *plan,
                                gradient_check *out)
{
    recording steps;
    *out = (gradient_check){.n = 0};
    odeon_status status = recording_begin(&steps);
    if (status == ODEON_OK) {
        status = run_recorded(base, plan, &steps, out);
    }
    recording_end(&steps);
    return status;
}

void gradient_check_table(const gradient_check *x, table *out)
{
    static const char *const names[] = {"tensor",     "numbers", "norm", "gradient",
                                        "difference", "error",   "good"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        table_column_add(out, names[i], false);
    }
    for (size_t i = 0; i < x->n; i++) {
        const gradient_check_row *r = &x->rows[i];
        table_add_word(out, r->path);
        table_add_number(out, (double)r->count, "%.0f");
        table_add_number(out, r->norm, "%.6e");
        table_add_number(out, r->gradient, "%.6e");
        table_add_number(out, r->difference, "%.6e");
        table_add_number(out, r->error, "%.1e");
        table_add_word(out, r->good ? "yes" : "NO");
    }
}
