/* `odeon grad`: a batch's gradients as a file, to be compared with those of another program or of
 * another version. The two files that it writes, and the stream that it talks to, must never be the
 * same. */
#include "command/command.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/output_file.h"
#include "command/setup.h"
#include "command/setup_spare.h"
#include "device/over.h"
#include "run/grad.h"
#include "run/summary.h"
#include "session/describe.h"
#include "session/result.h"
#include "session/run_batch.h"
#include "session/slope.h"

/* One file a block, since blocks have different numbers of steps: FILE, FILE.1, FILE.2, ... */
static odeon_status write_steps(session *s, size_t n_blocks, const char *file)
{
    if (n_blocks == 0) {
        return diag_fail(ODEON_ERR_CONFIG, "--steps: the model has no ODE block");
    }
    if (n_blocks > 1 && output_file_is_stream(file)) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "--steps %s: the model has %zu ODE blocks, each with a file of its own: "
                         "name one on disk",
                         file, n_blocks);
    }
    ODEON_TRY(session_write_steps(s, 0, file));
    for (size_t i = 1; i < n_blocks; i++) {
        char *name = mem_printf("%s.%zu", file, i);
        odeon_status status = name != NULL ? session_write_steps(s, i, name)
                                           : diag_fail(ODEON_ERR_NOMEM, "--steps: no memory");
        mem_free(name);
        ODEON_TRY(status);
    }
    return ODEON_OK;
}

/* Two results and several inputs: none may be another's file, by whatever name. */
static odeon_status check_outputs(const command_line *a, const setup *s)
{
    const char *out = a->value[ARGUMENT_OUT], *steps = a->value[ARGUMENT_STEPS];
    ODEON_TRY(setup_spare(s, a, ARGUMENT_OUT, "--out"));
    if (steps == NULL) {
        return ODEON_OK;
    }
    ODEON_TRY(setup_spare(s, a, ARGUMENT_STEPS, "--steps"));
    bool same =
        strcmp(out, steps) == 0 || (output_file_is_stdout(out) && output_file_is_stdout(steps));
    ODEON_TRY(output_file_spare("--steps", steps, "--out", out));
    return same ? diag_fail(ODEON_ERR_CONFIG,
                            "--out %s and --steps %s: name two files, neither can be in the other",
                            out, steps)
                : ODEON_OK;
}

/* What is said is not mixed with what is written. */
static FILE *words_of(const command_line *a)
{
    const char *out = a->value[ARGUMENT_OUT], *steps = a->value[ARGUMENT_STEPS];
    bool taken = output_file_is_stdout(out) || (steps != NULL && output_file_is_stdout(steps));
    return taken ? a->err : a->out;
}

/* The run's device computes as it would without: values have the same bits. Kernels are left out,
 * which would launch work that has no tangents. */
static odeon_status over_duals(setup *s)
{
    odeon_config *over;
    ODEON_TRY(device_over(s->registry, "dual", s->config->device, &over));
    schema_destroy(s->config->device);
    s->config->device = over;
    return ODEON_OK;
}

static odeon_status print_slope(const command_line *a, session *s)
{
    session_slope slope;
    ODEON_TRY(session_read_slope(s, 0, &slope));
    (void)fprintf(words_of(a),
                  "slope: along a random direction the loss changes by %.9g, its gradient says "
                  "%.9g: they differ by %.2g\n",
                  slope.of_loss, slope.of_gradient, fabs(slope.of_loss - slope.of_gradient));
    return ODEON_OK;
}

/* The batch comes from a file, so that no data set is opened and no transform applied: a comparison
 * with another program starts from the same numbers. */
static odeon_status differentiate(const command_line *a, setup *s)
{
    config *c = s->config;
    if (c->workers == 0) {
        c->workers = 1; /* a file that is compared should not depend on the machine */
    }
    bool slope = a->value[ARGUMENT_SLOPE] != NULL;
    ODEON_TRY(slope ? over_duals(s) : ODEON_OK);
    ODEON_TRY(setup_session(s));
    ODEON_TRY(slope ? session_seed_slope(s->session, 0) : ODEON_OK);
    setup_warn(s, (notes_use){.data = false});
    grad_batch batch;
    odeon_shape input = session_input(s->session);
    odeon_status status = grad_batch_read(a->value[ARGUMENT_BATCH], &input, &s->fields, &batch);
    session_result result;
    if (status == ODEON_OK) {
        status = grad_write(s->session, &batch, c->dtype, a->value[ARGUMENT_OUT], &result);
    }
    if (status == ODEON_OK) {
        summary_result(words_of(a), s->session, &result);
    }
    if (status == ODEON_OK && slope) {
        status = print_slope(a, s->session);
    }
    if (status == ODEON_OK && a->value[ARGUMENT_STEPS] != NULL) {
        status = write_steps(s->session, result.n_blocks, a->value[ARGUMENT_STEPS]);
    }
    grad_batch_fini(&batch);
    return status;
}

/* The one command that changes a default of the configuration, the number of workers
 * (differentiate). */
static odeon_status run_grad(const command_line *a)
{
    if (a->value[ARGUMENT_BATCH] == NULL || a->value[ARGUMENT_OUT] == NULL) {
        return diag_fail(ODEON_ERR_CONFIG, "grad: --batch FILE and --out FILE must be given "
                                           "(odeon help grad)");
    }
    setup s;
    odeon_status status = setup_open(a, &s);
    if (status == ODEON_OK) {
        status = check_outputs(a, &s);
    }
    if (status == ODEON_OK) {
        status = differentiate(a, &s);
    }
    setup_close(&s);
    return status;
}

/* --weights and --dtype are overrides in other words (setup.c); they are options here because
 * scripts vary them. */
const command command_grad = {
    .name = "grad",
    .operands = "INI|RUN --batch FILE --out FILE [...]",
    .summary = "write a batch's output, loss and gradients",
    .help =
        "Files are safetensors. Runs with one worker unless run.workers is given; opens no data\n"
        "set.\n"
        "  --batch FILE        x (F32 or F64, [n, ...]) and y (labels: classes [n], or numbers\n"
        "                      [n, ...]); time, mask and control where the data set has them; x "
        "is\n"
        "                      what the model takes: layers of [data.*] are not applied to it\n"
        "  --out FILE          gets output, loss, grad.x and grad.PATH for every parameter;\n"
        "                      metrics and counters as metadata; - is standard output\n"
        "  --weights FILE      the same as train.weights=FILE; else the initial values, or, where\n"
        "                      a run's folder stands for the INI, the run's\n"
        "  --dtype DTYPE       the same as run.dtype=DTYPE: float32 or float64\n"
        "  --steps FILE        gets the accepted steps of the first ODE block as CSV (t,h),\n"
        "                      with step = sample those of each sample (sample,t,h);\n"
        "                      of further blocks FILE.1, FILE.2, ...\n"
        "  --slope             also says how far the gradient is from the loss's own derivative\n"
        "                      along a random direction of the parameters, which dual numbers\n"
        "                      give without differences; takes twice the memory\n",
    .options = 1u << ARGUMENT_BATCH | 1u << ARGUMENT_OUT | 1u << ARGUMENT_WEIGHTS |
               1u << ARGUMENT_DTYPE | 1u << ARGUMENT_STEPS | 1u << ARGUMENT_SLOPE,
    .min_operands = 1,
    .max_operands = (size_t)-1,
    .run = run_grad,
};
