/* A session is put together here from its parts, and taken apart in the opposite order. All of it
 * runs on the caller's thread, before the workers' threads have anything to do. */
#include "session/session.h"

#include "base/abandon.h"
#include "base/cores.h"
#include "base/diag.h"
#include "base/mem.h"
#include "device/worker_group.h"
#include "ode/ode.h"
#include "odeon/device_ext.h"
#include "session/average.h"
#include "session/build_worker.h"
#include "session/curves.h"
#include "session/factors.h"
#include "session/jobs.h"
#include "session/members.h"
#include "session/phase.h"
#include "session/placement.h"
#include "session/start.h"
#include "session/transfer.h"
#include "session/weights.h"

/* ---- the workers ---- */

/* A device that captures does a solve by one launch as long as no worker waits for another on the
 * host. */
static bool captures(const model *m)
{
    return m->config->capture && m->device->get_table(m->device, ODEON_DEVICE_CAPTURE) != NULL;
}

/* As many as are asked for (no more than COLLECTIVE_MAX_WORKERS, as the option says), else one per
 * core. */
static int32_t most_workers(const model *m)
{
    int64_t asked = m->config->workers, cores = captures(m) ? 1 : cores_usable();
    int64_t most = asked > 0 ? asked : cores;
    return (int32_t)(most < COLLECTIVE_MAX_WORKERS ? most : COLLECTIVE_MAX_WORKERS);
}

/* One worker if a slice is too small to pay for a barrier, else as many as there may be. */
static int32_t choose_workers(const model *m, const worker *first, int64_t max_batch, int32_t most)
{
    enum { WORTH_BYTES = 64 * 1024 };
    int64_t sample = odeon_count(&first->net->in);
    if (m->config->workers > 0 || most == 1) {
        return most;
    }
    for (size_t i = 0; i < first->site.n_layers; i++) {
        int64_t size = odeon_count(&first->site.layers[i]->plan.out);
        sample = size > sample ? size : sample;
    }
    int64_t worth = sample * max_batch * odeon_dtype_bytes(m->config->dtype) / WORTH_BYTES;
    int64_t n = worth < most ? worth : most;
    return n < 1 ? 1 : (int32_t)n;
}

/* n_workers counts each worker before it is made, so that one of which the making fails is
 * destroyed as well. */
static odeon_status make_worker(session *s, int32_t rank)
{
    s->n_workers = rank + 1;
    return worker_create(&s->model, rank, &s->workers[rank]);
}

/* The first worker's network says what the parameters are, and how many workers are worth while. */
static odeon_status make_workers(session *s, int64_t max_batch)
{
    int32_t most = most_workers(&s->model);
    s->workers = mem_zalloc((size_t)most, sizeof *s->workers);
    if (s->workers == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "workers: no memory");
    }
    ODEON_TRY(make_worker(s, 0));
    int32_t n = choose_workers(&s->model, &s->workers[0], max_batch, most);
    s->n_planned = s->model.n_workers = n;
    ODEON_TRY(factors_find(&s->model));
    ODEON_TRY(phases_check(&s->workers[0]));
    if (s->model.shapes_only) { /* the others would be the same */
        return ODEON_OK;
    }
    ODEON_TRY(collective_create(n, &s->collective));
    collective_set_patience(s->collective, s->model.config->patience, abandon_program, NULL);
    for (int32_t rank = 1; rank < n; rank++) {
        ODEON_TRY(make_worker(s, rank));
    }
    for (int32_t rank = 0; rank < n; rank++) {
        worker_group_init(&s->workers[rank].group, s->collective, s->model.device, rank, n);
    }
    return ODEON_OK;
}

/* ---- the numbers ---- */

/* Initial values first, and a file's over them: a file that lacks a tensor is refused, but the
 * parameters are never memory that nobody has written. */
static odeon_status initialize(session *s)
{
    const params *all = &s->model.params;
    for (size_t i = 0; i < all->n; i++) {
        ODEON_TRY(transfer_set(s, &all->list[i], start_numbers, s));
    }
    ODEON_TRY(s->model.config->weights != NULL ? session_load(s, s->model.config->weights)
                                               : ODEON_OK);
    return session_begin_average(s);
}

/* Memory for parameters exists once; then each worker learns where they lie and gets its own for
 * gradients and running state. */
static odeon_status bind(session *s)
{
    ODEON_TRY(model_allocate(&s->model, s->workers[0].site.lane.queue));
    for (int32_t rank = 0; rank < s->n_workers; rank++) {
        ODEON_TRY(worker_bind(&s->workers[rank]));
    }
    return initialize(s);
}

/* The counters that session_blocks fills, one a block of the model. Blocks among the transforms are
 * not counted. */
static odeon_status make_blocks(session *s)
{
    size_t n = s->workers[0].site.n_odes;
    s->blocks = mem_zalloc(n, sizeof *s->blocks);
    return s->blocks != NULL
               ? ODEON_OK
               : diag_fail(ODEON_ERR_NOMEM, "no memory for the counters of %zu ODE blocks", n);
}

/* ---- the whole ---- */

/* Shapes first, then memory, then numbers: most of what is wrong with a configuration shows
 * before anything large is allocated. */
static odeon_status build(session *s, int64_t max_batch)
{
    ODEON_TRY(make_workers(s, max_batch));
    ODEON_TRY(make_blocks(s));
    ODEON_TRY(model_describe_device(&s->model));
    if (s->model.shapes_only) {
        const char *weights = s->model.config->weights;
        return weights != NULL ? session_check_weights(s, weights) : ODEON_OK;
    }
    ODEON_TRY(team_create(s->n_workers, &s->team));
    ODEON_TRY(bind(s));
    return session_prepare(s);
}

/* How far a session is built: as far as training needs, as far as its first ODE block, or without
 * any numbers. */
typedef enum extent { ALL, UNTIL_ODE, SHAPES_ONLY } extent;

static odeon_status create(registry *r, const config *c, const data_fields *fields,
                           int64_t max_batch, extent of, session **out)
{
    *out = NULL;
    session *s = mem_zalloc(1, sizeof *s);
    if (s == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "session: no memory");
    }
    s->model.until_ode = of == UNTIL_ODE;
    s->model.shapes_only = of == SHAPES_ONLY;
    odeon_status status = model_open(&s->model, r, c, fields);
    if (status == ODEON_OK) {
        status = build(s, max_batch);
    }
    if (status != ODEON_OK) {
        session_destroy(s);
        return status;
    }
    *out = s;
    return ODEON_OK;
}

odeon_status session_create(registry *r, const config *c, const data_fields *fields,
                            int64_t max_batch, session **out)
{
    return create(r, c, fields, max_batch, ALL, out);
}

odeon_status session_create_shapes(registry *r, const config *c, const data_fields *fields,
                                   int64_t max_batch, session **out)
{
    return create(r, c, fields, max_batch, SHAPES_ONLY, out);
}

odeon_status session_create_flow(registry *r, const config *c, const data_fields *fields,
                                 int64_t max_batch, session **out)
{
    return create(r, c, fields, max_batch, UNTIL_ODE, out);
}

/* The threads first, then what they work on, then what that was made of. */
void session_destroy(session *s)
{
    if (s == NULL) {
        return;
    }
    team_destroy(s->team);
    for (int32_t rank = 0; rank < s->n_workers; rank++) {
        worker_destroy(&s->workers[rank]);
    }
    mem_free(s->workers);
    session_release_placed(s);
    collective_destroy(s->collective);
    session_batch_fini(&s->failed_batch);
    curves_free(s);
    model_fini(&s->model);
    mem_free(s->blocks);
    mem_free(s);
}

void session_on_stuck(session *s, session_stuck stuck, void *context)
{
    collective_set_patience(s->collective, s->model.config->patience, stuck, context);
}
