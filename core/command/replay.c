/* `odeon replay`: a failed step once more. The bundle is a folder that was written by bundle_write,
 * perhaps on another machine; of this one only plugins are needed. */
#include "command/command.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/diag.h"
#include "base/mem.h"
#include "command/setup.h"
#include "run/failure_bundle.h"
#include "run/summary.h"
#include "session/describe.h"
#include "session/failed_batch.h"
#include "session/result.h"
#include "session/run_batch.h"

/* A failure again is a bundle again, if one is wanted. */
static odeon_status repeat(const command_line *a, setup *s, const session_batch *batch)
{
    session_result result;
    odeon_status status = session_repeat(s->session, batch, &result);
    if (status == ODEON_OK) {
        fprintf(a->out, "%s batch of epoch %" PRId64 ", step %" PRId64 ": no failure\n",
                batch->training ? "training" : "test", batch->epoch, batch->step);
        summary_result(a->out, s->session, &result);
    }
    if (status != ODEON_ERR_NUMERIC || a->value[ARGUMENT_OUT] == NULL) {
        return status;
    }
    diag_reason reason = diag_take();
    ODEON_TRY(bundle_write(s->session, s->config, a->value[ARGUMENT_OUT], reason.text));
    return diag_fail(status, "%s", reason.text);
}

/* The session has the bundle's weights by now; fields are read in its shapes. */
static odeon_status replay(const command_line *a, const char *folder, setup *s)
{
    session_batch batch;
    ODEON_TRY(setup_session(s));
    setup_warn(s, (notes_use){.data = false});
    odeon_shape input = session_input(s->session);
    odeon_status status = bundle_read(folder, &input, &s->fields, &batch);
    if (status == ODEON_OK) {
        status = repeat(a, s, &batch);
    }
    session_batch_fini(&batch);
    return status;
}

/* The bundle's INI with its weights and workers; what the command line says comes after them. */
static odeon_status replay_as(const command_line *a, const char *folder, const char **operands)
{
    enum { OWN = 3 };
    setup s = {.registry = NULL};
    command_line b = *a;
    b.operands = operands;
    b.n_operands = a->n_operands - 1 + OWN;
    for (size_t i = 1; i < a->n_operands; i++) {
        operands[OWN - 1 + i] = a->operands[i];
    }
    odeon_status status = setup_open(&b, &s);
    if (status == ODEON_OK) {
        status = replay(a, folder, &s);
    }
    setup_close(&s);
    return status;
}

/* A command line is made of the bundle, as if the user had typed its INI, weights and workers, and
 * then what he did type: his overrides win, since of several the last one counts. */
static odeon_status run_replay(const command_line *a)
{
    const char *folder = a->operands[0];
    int64_t workers = 0;
    ODEON_TRY(bundle_workers(folder, &workers));
    char *ini = mem_printf("%s/" BUNDLE_INI, folder);
    char *with_weights = mem_printf("train.weights=%s/" BUNDLE_WEIGHTS, folder);
    char *with_workers = mem_printf("run.workers=%" PRId64, workers);
    const char **operands = mem_zalloc(a->n_operands + 2, sizeof *operands);
    odeon_status status = ODEON_OK;
    if (ini == NULL || with_weights == NULL || with_workers == NULL || operands == NULL) {
        status = diag_fail(ODEON_ERR_NOMEM, "replay: no memory");
    } else {
        operands[0] = ini;
        operands[1] = with_weights;
        operands[2] = with_workers;
        status = replay_as(a, folder, operands);
    }
    mem_free(ini);
    mem_free(with_weights);
    mem_free(with_workers);
    mem_free(operands);
    return status;
}

/* --weights is not among its options: the bundle's weights are what failed. */
const command command_replay = {
    .name = "replay",
    .operands = "RUN/failure [path.key=value ...]",
    .summary = "repeat a step that failed numerically",
    .help =
        "Runs the batch that train left in RUN/failure (or RUN/failure/N) once more, with the\n"
        "same parameters, random numbers and workers, and fails in the same way. Overrides say\n"
        "what would happen with, say, other tolerances, another integrator, device or dtype;\n"
        "without a failure the loss and the counters are printed. Opens no data set.\n"
        "  --out FOLDER        gets what train leaves of a failed step, if it fails\n"
        "  --dtype DTYPE       the same as run.dtype=DTYPE: float32 or float64\n",
    .options = 1u << ARGUMENT_OUT | 1u << ARGUMENT_DTYPE,
    .min_operands = 1,
    .max_operands = (size_t)-1,
    .run = run_replay,
};
