/* A small instance of every network of conf/ against PyTorch and torchdiffeq
 * (make_networks.py; make_parts.py: what those leave out): one batch's output, loss, gradients of
 * every parameter and of the input, running state, evaluations, the output in evaluation mode; ten
 * steps of training. Prints the table of differences. */
#include "fixture_session.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "data/data.h"
#include "ode/ode.h"
#include "session/members.h"

enum { MAX_OVERRIDES = 8, STEPS = 10 };

/* Largest relative differences: of a tensor of the gradient and of ten losses; of a parameter or
 * running state after three steps. */
typedef struct allowance {
    double gradient, parameters;
} allowance;

/* The exact gradient of the same steps: what is left is rounding. */
static const allowance direct = {1e-10, 1e-10};
/* The same with a bias in front of a batch norm, whose gradient is 0 up to rounding. Adam divides
 * that by 1e-8 and moves the bias, and with it the running mean behind it. */
static const allowance normed = {1e-10, 1e-8};
/* Two solves of the same steps, whose sizes follow from sums that cancel. */
static const allowance adjoint = {1e-8, 1e-8};

typedef struct network_case {
    const char *name; /* of the fixture */
    const char *ini;  /* of tests/parity/networks */
    const char *overrides[MAX_OVERRIDES];
    const allowance *allowed;
} network_case;

/* Of a step's start and, relative, its size, which follows from the error of the step before. */
static const double step_size = 1e-8;

#define DIRECT    "model.ode.gradient=direct", "model.ode.first_step=0.05"
#define COLOR     "data.dataset=tensors(shape=3 8 8, classes=3)"
#define REGRESSES "train.loss=smooth_l1", "model.head.units=1"
#define PLANE     "data.dataset=tensors(shape=2, label_shape=1)", "let.time=first", "let.hidden=5"
#define VALUES    "data.shape=2", "model.ode.gradient=direct"
#define THREE     "model.ode.steps=3"
#define SIX       "model.ode.steps=6"
#define AS_IT_IS  "model.augment.enabled=no"

static const network_case networks[] = {
    {"rknet_rk4", "rknet", {"model.ode.steps=1"}, &normed},
    {"rknet_euler", "rknet", {"model.ode.integrator=euler", "model.ode.steps=3"}, &normed},
    {"rknet_modified_euler",
     "rknet",
     {"model.ode.integrator=modified_euler", "model.ode.step_size=0.4"},
     &normed},
    {"iris", "dense_node", {AS_IT_IS}, &direct},
    {"iris_time", "dense_node", {AS_IT_IS, "let.time=first"}, &direct},
    {"iris_augment", "dense_node", {0}, &direct},
    {"iris_augment_time", "dense_node", {"let.time=first"}, &direct},
    {"mnist_anode_conv",
     "conv_anode",
     {"let.time=no", "model.ode.integrator=rk4", "model.ode.steps=2", "model.ode.gradient=direct"},
     &direct},
    {"mnist_anode", "conv_anode", {0}, &adjoint},
    {"mnist_anode_smooth",
     "conv_anode",
     {"model.ode.gradient=direct", "model.ode.first_step=0.5", "model.ode.rtol=1e-6",
      "model.ode.atol=1e-6", "let.activation=softplus"},
     &direct},
    {"mnist_node", "conv_anode", {DIRECT, AS_IT_IS}, &direct},
    {"cifar10_anode", "conv_anode", {COLOR}, &adjoint},
    {"cifar10_anode_node", "conv_anode", {COLOR, DIRECT, AS_IT_IS}, &direct},
    {"mnist_odenet", "odenet", {0}, &adjoint},
    {"mnist_odenet_direct", "odenet", {DIRECT}, &direct},
    {"mnist_resnet", "resnet", {0}, &direct},
    {"mnist_mlp", "mlp", {0}, &direct},
    {"cifar10_resnet",
     "resnet",
     {"data.dataset=tensors(shape=3 14 14, classes=3)", "model.block.repeat=1"},
     &direct},
    {"cifar10_node", "odenet_res", {0}, &adjoint},
    {"spheres_resnet", "spheres_resnet", {0}, &direct},
    {"spheres_node", "dense_node", {PLANE, REGRESSES, AS_IT_IS}, &direct},
    {"spheres_anode", "dense_node", {PLANE, REGRESSES, "model.augment.channels=1"}, &direct},
    {"spiral", "spiral", {"model.ode.initial=first"}, &adjoint},
    {"spiral_direct",
     "spiral",
     {VALUES, "model.ode.first_step=0.01", "model.ode.rtol=1e-4", "model.ode.atol=1e-4"},
     &direct},
    {"mnist_odenet_groupnorm", "groupnorm", {0}, &adjoint},
    {"fashion_mnist_conv_node", "conv_node", {0}, &direct},
    {"containers", "containers", {0}, &direct},
    {"joined", "joined", {0}, &direct},
    {"physics", "physics", {0}, &direct},
    {"spiral_steps", "spiral", {VALUES, "model.ode.integrator=rk4", "model.ode.steps=2"}, &direct},
    {"spiral_sizes",
     "spiral",
     {VALUES, "model.ode.integrator=rk4", "model.ode.step_size=0.2"},
     &direct},
    {"spiral_tolerances",
     "spiral",
     {VALUES, "model.ode.first_step=0.01", "model.ode.rtol=1e-3 1e-5", "model.ode.atol=1e-3 1e-5"},
     &direct},
    {"images", "images", {0}, &normed},
    {"steps_euler", "containers", {"model.ode.integrator=euler", THREE}, &direct},
    {"steps_midpoint", "containers", {"model.ode.integrator=midpoint", THREE}, &direct},
    {"steps_modified_euler", "containers", {"model.ode.integrator=modified_euler", THREE}, &direct},
    {"steps_heun3", "containers", {"model.ode.integrator=heun3", THREE}, &direct},
    {"steps_rk4_38", "containers", {"model.ode.integrator=rk4_38", THREE}, &direct},
    {"steps_adaptive_heun", "containers", {"model.ode.integrator=adaptive_heun", THREE}, &direct},
    {"steps_fehlberg2", "containers", {"model.ode.integrator=fehlberg2", THREE}, &direct},
    {"steps_bosh3", "containers", {"model.ode.integrator=bosh3", THREE}, &direct},
    {"steps_dopri5", "containers", {"model.ode.integrator=dopri5", THREE}, &direct},
    {"steps_tsit5", "containers", {"model.ode.integrator=tsit5", THREE}, &direct},
    {"steps_dopri8", "containers", {"model.ode.integrator=dopri8", THREE}, &direct},
    {"steps_adams_bashforth_1",
     "containers",
     {"model.ode.integrator=adams_bashforth(order=1)", SIX},
     &direct},
    {"steps_adams_bashforth_2",
     "containers",
     {"model.ode.integrator=adams_bashforth(order=2)", SIX},
     &direct},
    {"steps_adams_bashforth_3",
     "containers",
     {"model.ode.integrator=adams_bashforth(order=3)", SIX},
     &direct},
    {"steps_adams_bashforth_4",
     "containers",
     {"model.ode.integrator=adams_bashforth(order=4)", SIX},
     &direct},
    {"steps_adams_bashforth_5",
     "containers",
     {"model.ode.integrator=adams_bashforth(order=5)", SIX},
     &direct},
};
enum { N_NETWORKS = sizeof networks / sizeof networks[0] };

static const char *const setups[][2] = {
    {"run.device=cpu", "run.workers=1"},
    {"run.device=cpu", "run.workers=2"},
    {"run.device=reference", "run.workers=1"},
    {"run.device=remote", "run.workers=2"},
};
enum { N_SETUPS = sizeof setups / sizeof setups[0] };

static const fixture_name names[] = {{"", ""}, {NULL, NULL}};

/* Relative differences of one network, the worst of all setups. */
typedef struct gaps {
    double output, loss, gradient, state, evaluated; /* of one batch */
    double steps;                                    /* sizes of its adaptive steps */
    double parameters, losses;                       /* after three steps; of ten */
} gaps;

/* One network on one setup, with the fixture's samples as files for the data
 * set. */
typedef struct trial {
    const network_case *network;
    safetensors *file;
    support_session s;
    int64_t batch, samples;
    char folder[32];
} trial;

static double worse(double a, double b)
{
    return isnan(b) || b > a ? b : a; /* once NaN it stays */
}

/* ---- setting up ---- */

static void write_numbers(const trial *t, const char *name)
{
    if (safetensors_find(t->file, name) == NULL) {
        return;
    }
    int64_t n = 0;
    double *values = support_tensor(t->file, name, &n);
    char *path = mem_printf("%s/%s", t->folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(values, sizeof *values, (size_t)n, file), n);
    assert_int_equal(fclose(file), 0);
    mem_free(path);
    mem_free(values);
}

static void remove_numbers(const trial *t)
{
    static const char *const files[] = {"x", "label", "time"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char *path = mem_printf("%s/%s", t->folder, files[i]);
        (void)unlink(path);
        mem_free(path);
    }
    (void)rmdir(t->folder);
}

static int64_t first_dim(const safetensors *file, const char *name)
{
    const safetensors_entry *entry = safetensors_find(file, name);
    assert_non_null(entry);
    return entry->dim[0];
}

static trial open_trial(const network_case *network, const char *dtype, const char *const *setup)
{
    trial t = {.network = network, .folder = "/tmp/odeon_network_XXXXXX"};
    char *fixture = mem_printf("networks/%s.safetensors", network->name);
    char *ini = mem_printf("tests/parity/networks/%s.ini", network->ini);
    t.file = support_fixture(fixture);
    t.batch = first_dim(t.file, "output");
    t.samples = first_dim(t.file, "x");
    assert_non_null(mkdtemp(t.folder));
    write_numbers(&t, "x");
    write_numbers(&t, "label");
    write_numbers(&t, "time");
    char *path = mem_printf("data.path=%s", t.folder);
    const char *overrides[MAX_OVERRIDES + 5] = {dtype, setup[0], setup[1]};
    size_t n = 3;
    for (size_t i = 0; i < MAX_OVERRIDES && network->overrides[i] != NULL; i++) {
        overrides[n++] = network->overrides[i];
    }
    overrides[n] = path;
    t.s = support_session_file(ini, t.batch, overrides);
    fixture_set_parameters(&t.s, t.file, names);
    mem_free(path);
    mem_free(ini);
    mem_free(fixture);
    return t;
}

static void close_trial(trial *t)
{
    remove_numbers(t);
    support_session_close(&t->s);
    safetensors_destroy(t->file);
}

/* ---- one batch ---- */

/* The first samples of a field, if there is one. */
static void set_field(trial *t, int32_t role, const char *name)
{
    if (safetensors_find(t->file, name) == NULL) {
        return;
    }
    int64_t n = 0, size;
    double *values = support_tensor(t->file, name, &n);
    size = n / t->samples;
    for (int64_t i = 0; i < t->batch * size; i++) {
        t->s.given[role][i] = values[i];
    }
    for (int64_t i = 0; i < t->batch && role == ODEON_ROLE_LABEL; i++) {
        t->s.labels[i] = (int64_t)values[i * size];
    }
    mem_free(values);
}

/* One list of times for all samples. */
static void set_times(trial *t)
{
    if (safetensors_find(t->file, "time") == NULL) {
        return;
    }
    int64_t n = 0;
    double *times = support_tensor(t->file, "time", &n);
    for (int64_t i = 0; i < t->batch * n; i++) {
        t->s.given[ODEON_ROLE_TIME][i] = times[i % n];
    }
    mem_free(times);
}

static void differentiate(trial *t, double *output, double *d_x, session_result *result)
{
    set_field(t, ODEON_ROLE_INPUT, "x");
    set_field(t, ODEON_ROLE_LABEL, "label");
    set_times(t);
    *result = support_differentiate(&t->s, output, d_x);
}

static void evaluate(trial *t, double *output)
{
    session_samples samples = {.n = t->batch};
    memcpy(samples.given, t->s.given, sizeof samples.given);
    support_require(session_predict(t->s.session, &samples, output, NULL), t->network->name);
}

/* Does the solve take as many evaluations of the field as the fixture's, forward and, where it
 * counts them, backward? */
static bool evals_agree(const trial *t, const session_result *result)
{
    if (safetensors_find(t->file, "evals") == NULL) {
        return result->n_blocks == 0;
    }
    int64_t n = 0;
    double *expected = support_tensor(t->file, "evals", &n);
    bool agree = result->n_blocks == 1 && result->blocks[0].evals_forward == (int64_t)expected[0] &&
                 (n == 1 || result->blocks[0].evals_backward == (int64_t)expected[1]);
    mem_free(expected);
    return agree;
}

/* The largest difference of attempted steps from rows t, h, accepted; NAN if they are others. */
static double measure_steps(const trial *t, const char *name, const solver *ours)
{
    if (safetensors_find(t->file, name) == NULL) {
        return 0.0;
    }
    int64_t n = 0;
    double *rows = support_tensor(t->file, name, &n), worst = 0.0;
    size_t n_ours;
    const solve_attempt *attempts = solver_attempts(ours, &n_ours);
    for (int64_t i = 0; i < n / 3 && (int64_t)n_ours == n / 3; i++) {
        const solve_attempt *step = &attempts[i];
        const double *row = &rows[3 * i];
        worst = worse(worst, fabs(step->t - row[0]));
        worst = worse(worst, fabs(fabs(step->h) - row[1]) / row[1]);
        worst = worse(worst, step->accepted == (row[2] != 0.0) ? 0.0 : (double)NAN);
    }
    mem_free(rows);
    return (int64_t)n_ours == n / 3 ? worst : (double)NAN;
}

static double measure_solves(const trial *t, const session_result *result)
{
    if (result->n_blocks == 0) {
        return 0.0;
    }
    const odeon_ode *block = t->s.session->workers[0].site.odes[0];
    return worse(measure_steps(t, "steps", block->forward),
                 measure_steps(t, "backward_steps", block->backward));
}

static void measure_batch(trial *t, gaps *out)
{
    int64_t n = t->batch * session_output_size(t->s.session);
    double *output = mem_zalloc((size_t)n, sizeof *output);
    double *d_x = mem_zalloc((size_t)(t->batch * t->s.input_size), sizeof *d_x);
    session_result result;
    differentiate(t, output, d_x, &result);
    out->steps = evals_agree(t, &result) ? measure_solves(t, &result) : (double)NAN;
    out->output = fixture_distance(t->file, "output", n, output);
    out->loss = fixture_distance(t->file, "loss", 1, &result.loss);
    out->gradient = fixture_gradients(&t->s, t->file, names, "grad/", d_x, "grad_x").worst;
    out->state = fixture_states(&t->s, t->file, names, "state/").worst;
    evaluate(t, output);
    out->evaluated = fixture_distance(t->file, "evaluated", n, output);
    mem_free(d_x);
    mem_free(output);
}

/* ---- training ---- */

static void measure_training(trial *t, gaps *out)
{
    int64_t n = 0, *indices = mem_zalloc((size_t)t->batch, sizeof *indices);
    double *losses = support_tensor(t->file, "losses", &n), ours[STEPS];
    data_source *source = support_batch_source(&t->s);
    assert_int_equal(n, STEPS);
    fixture_set_parameters(&t->s, t->file, names);
    for (int64_t step = 0; step < STEPS; step++) {
        session_result result;
        for (int64_t i = 0; i < t->batch; i++) {
            indices[i] = (step * t->batch + i) % t->samples;
        }
        support_require(
            session_train(t->s.session, source, t->batch, indices, 1, step + 1, 1.0, &result),
            t->network->name);
        ours[step] = result.loss;
        if (step == 2) {
            out->parameters = fixture_values(&t->s, t->file, names, "after3/").worst;
        }
    }
    out->losses = support_distance(STEPS, ours, losses);
    data_close(source);
    mem_free(losses);
    mem_free(indices);
}

/* ---- claims ---- */

static gaps worst_of(const gaps *a, const gaps *b)
{
    return (gaps){.output = worse(a->output, b->output),
                  .loss = worse(a->loss, b->loss),
                  .gradient = worse(a->gradient, b->gradient),
                  .state = worse(a->state, b->state),
                  .evaluated = worse(a->evaluated, b->evaluated),
                  .steps = worse(a->steps, b->steps),
                  .parameters = worse(a->parameters, b->parameters),
                  .losses = worse(a->losses, b->losses)};
}

/* Ten steps of training on plain loops, the third of the setups, are long: only with ODEON_PARITY.
 */
static bool trains_on(size_t setup)
{
    return setup != 2 || fixture_is_whole();
}

static gaps measure(const network_case *network, const char *dtype, bool training)
{
    gaps worst = {0};
    for (size_t i = 0; i < N_SETUPS; i++) {
        gaps here = {0};
        trial t = open_trial(network, dtype, setups[i]);
        measure_batch(&t, &here);
        if (training && trains_on(i)) {
            measure_training(&t, &here);
        }
        close_trial(&t);
        worst = worst_of(&worst, &here);
    }
    return worst;
}

/* How many of them are too large; the row says which. Those of which none is allowed were not
 * measured. */
static int judge(const char *name, const gaps *gap, const gaps *allowed)
{
    const double found[] = {gap->output,    gap->loss,  gap->gradient,   gap->state,
                            gap->evaluated, gap->steps, gap->parameters, gap->losses};
    const double most[] = {allowed->output,     allowed->loss,      allowed->gradient,
                           allowed->state,      allowed->evaluated, allowed->steps,
                           allowed->parameters, allowed->losses};
    int failures = 0;
    char row[256];
    int at = snprintf(row, sizeof row, "%-24s", name);
    for (size_t i = 0; i < sizeof found / sizeof found[0]; i++) {
        bool measured = most[i] > 0.0, holds = !measured || found[i] <= most[i];
        size_t left = sizeof row - (size_t)at;
        at += measured ? snprintf(row + at, left, " %8.1e%c", found[i], holds ? ' ' : '!')
                       : snprintf(row + at, left, " %8s ", "");
        failures += !holds;
    }
    print_message("%s\n", row);
    return failures;
}

static void print_head(const char *dtype)
{
    print_message("%-24s %8s  %8s  %8s  %8s  %8s  %8s  %8s  %8s\n", dtype, "output", "loss",
                  "gradient", "state", "evaluate", "steps", "3 steps", "10 loss");
}

static void test_networks_agree(void **state)
{
    (void)state;
    int failures = 0;
    print_head("float64");
    for (size_t i = 0; i < N_NETWORKS; i++) {
        const network_case *c = &networks[i];
        const double rounding = 1e-12; /* of sums of a few hundred products */
        gaps gap = measure(c, "run.dtype=float64", true);
        failures += judge(c->name, &gap,
                          &(gaps){rounding, rounding, c->allowed->gradient, rounding, rounding,
                                  step_size, c->allowed->parameters, c->allowed->gradient});
    }
    assert_int_equal(failures, 0);
}

/* A unit of rounding is 6e-8; a thousand of them. Where it makes a solve take other steps nothing
 * is compared. */
static void test_networks_agree_in_float32(void **state)
{
    (void)state;
    const double most = 1e-4;
    int failures = 0, others = 0;
    print_head("float32");
    for (size_t i = 0; i < N_NETWORKS; i++) {
        gaps gap = measure(&networks[i], "run.dtype=float32", false);
        gaps allowed = {most, most, most, most, most, (double)INFINITY, 0.0, 0.0};
        if (isnan(gap.steps)) {
            print_message("%-24s takes other steps\n", networks[i].name);
            others++;
        } else {
            failures += judge(networks[i].name, &gap, &allowed);
        }
    }
    assert_int_equal(failures, 0);
    assert_true(others <= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_networks_agree),
        cmocka_unit_test(test_networks_agree_in_float32),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
