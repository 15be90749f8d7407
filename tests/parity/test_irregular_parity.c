/* Recurrent units over uneven series against PyTorch in float64: rows that do not count, what moves
 * the state between rows, and series that are filled up, which have the bits that they have alone.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "small_net.h"
#include "support_session.h"

enum { B = 3, T = 6, D = 2, H = 3, N_PARAMS = 8 };

typedef struct irregular_case {
    const char *name, *layer;
    bool moves, last; /* there is a field; one state comes out, not one a row */
} irregular_case;

static const irregular_case cases[] = {
    {"gru", "gru(units=3)", false, true},
    {"gru_backward", "gru(units=3, direction=backward, output=all)", false, false},
    {"euler", "ode_rnn(units=3, direction=backward)", true, true},
    {"rk4", "ode_rnn(units=3, direction=backward, output=all, integrator=rk4, substeps=2)", true,
     false},
    {"midpoint", "ode_rnn(units=3, integrator=midpoint, substeps=3)", true, true},
    {"before", "ode_rnn(units=3, output=before, integrator=euler, substeps=2)", true, false},
};
enum { N_CASES = sizeof cases / sizeof cases[0] };

static const char *const ours[] = {"r.weight_ih",      "r.weight_hh",   "r.bias_ih",
                                   "r.bias_hh",        "r.f.weight",    "r.f.bias",
                                   "r.f.dense.weight", "r.f.dense.bias"};
static const char *const theirs[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh",
                                     "V1",        "c1",        "V2",      "c2"};

static safetensors *file;

static int open_fixture(void **state)
{
    (void)state;
    file = support_fixture("irregular.safetensors");
    return 0;
}

static int close_fixture(void **state)
{
    (void)state;
    safetensors_destroy(file);
    return 0;
}

static double *numbers(const char *a, const char *b, int64_t *n)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s%s", a, b);
    return support_tensor(file, path, n);
}

/* ---- a batch ---- */

/* Samples `first` to first + n - 1 in their first `rows` rows. */
typedef struct batch {
    int64_t first, n, rows;
    double x[B * T * D], t[B * T], mask[B * T * D], length[B];
} batch;

static batch batch_of(int64_t first, int64_t n, int64_t rows)
{
    batch s = {.first = first, .n = n, .rows = rows};
    int64_t count;
    double *x = numbers("x", "", &count), *t = numbers("t", "", &count);
    double *mask = numbers("mask", "", &count), *length = numbers("length", "", &count);
    for (int64_t b = 0; b < n; b++) {
        s.length[b] = length[first + b];
        for (int64_t k = 0; k < rows; k++) {
            int64_t from = (first + b) * T + k, to = b * rows + k;
            s.t[to] = t[from];
            memcpy(s.x + to * D, x + from * D, sizeof(double[D]));
            memcpy(s.mask + to * D, mask + from * D, sizeof(double[D]));
        }
    }
    mem_free(x);
    mem_free(t);
    mem_free(mask);
    mem_free(length);
    return s;
}

static int64_t planned_rows;
static bool with_length; /* the data set says how many rows are a series' own */

static void give_shapes(net_site *site)
{
    site->given[ODEON_ROLE_TIME] =
        (odeon_shape){.ndim = 2, .dtype = ODEON_DTYPE_F64, .dim = {1, planned_rows}};
    site->given[ODEON_ROLE_MASK] =
        (odeon_shape){.ndim = 3, .dtype = ODEON_DTYPE_F64, .dim = {1, planned_rows, D}};
    if (with_length) {
        site->given[ODEON_ROLE_LENGTH] =
            (odeon_shape){.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {1}};
    }
}

static void give_batch(small_net *s, batch *x)
{
    s->fields.of[ODEON_ROLE_TIME] = odeon_tensor_at(
        x->t, (odeon_shape){.ndim = 2, .dtype = ODEON_DTYPE_F64, .dim = {x->n, x->rows}});
    s->fields.of[ODEON_ROLE_MASK] = odeon_tensor_at(
        x->mask, (odeon_shape){.ndim = 3, .dtype = ODEON_DTYPE_F64, .dim = {x->n, x->rows, D}});
    if (with_length) {
        s->fields.of[ODEON_ROLE_LENGTH] = odeon_tensor_at(
            x->length, (odeon_shape){.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {x->n}});
    }
}

static int params_of(const irregular_case *c)
{
    return c->moves ? N_PARAMS : 4;
}

static void set_params(small_net *s, const irregular_case *c)
{
    for (int i = 0; i < params_of(c); i++) {
        char name[64];
        int64_t n;
        (void)snprintf(name, sizeof name, "%s/param/", c->name);
        double *value = numbers(name, theirs[i], &n);
        memcpy(small_net_values(s, ours[i]), value, (size_t)n * sizeof *value);
        mem_free(value);
    }
}

static small_net *open_case(const irregular_case *c, const char *layer, batch *x)
{
    char text[400];
    odeon_status status;
    const int64_t dims[] = {x->rows, D};
    (void)snprintf(text, sizeof text, "[model.r]\nlayer = %s\n%s", layer,
                   c->moves ? "[model.r.f]\nlayer = dense(units=4, time=last)\n"
                              "then = tanh, dense(units=state)\n"
                            : "");
    planned_rows = x->rows;
    small_net *s = small_net_try_with(text, 2, dims, give_shapes, &status);
    support_require(status, text);
    small_net_bind(s);
    give_batch(s, x);
    set_params(s, c);
    return s;
}

/* ---- against PyTorch ---- */

static double gap(const double *found, const char *name, const char *what, int64_t stride)
{
    char path[64];
    int64_t n;
    double worst = 0.0;
    (void)snprintf(path, sizeof path, "%s/", name);
    double *wanted = numbers(path, what, &n);
    double *length = numbers("length", "", &(int64_t){0});
    for (int64_t i = 0; i < n; i++) {
        bool own = stride == 0 || (double)(i / stride % T) < length[i / stride / T];
        worst = own ? fmax(worst, fabs(found[i] - wanted[i])) : worst;
    }
    mem_free(wanted);
    mem_free(length);
    return worst;
}

static void test_units_are_those_of_pytorch(void **state)
{
    (void)state;
    for (int i = 0; i < N_CASES; i++) {
        const irregular_case *c = &cases[i];
        batch all = batch_of(0, B, T);
        double out[B * T * H], d_in[B * T * D];
        char name[40], grad[40];
        int64_t n;
        small_net *s = open_case(c, c->layer, &all);
        (void)snprintf(name, sizeof name, "%s/", c->name);
        double *cot = numbers(name, "cot", &n);
        small_net_forward(s, B, all.x, out);
        double worst = gap(out, c->name, "out", c->last ? 0 : H);
        small_net_vjp(s, B, cot, d_in);
        worst = fmax(worst, gap(d_in, c->name, "grad_x", 0));
        for (int p = 0; p < params_of(c); p++) {
            (void)snprintf(grad, sizeof grad, "grad_param/%s", theirs[p]);
            worst = fmax(worst, gap(small_net_grads(s, ours[p]), c->name, grad, 0));
        }
        print_message("%s: %.1e\n", c->name, worst);
        assert_true(worst < 1e-13 * 10); /* sums of some hundred terms of size 1 */
        mem_free(cot);
        small_net_close(s);
    }
}

/* ---- series by themselves ---- */

static void run(const irregular_case *c, batch *x, const double *cot, double *out, double *d_in)
{
    small_net *s = open_case(c, c->layer, x);
    small_net_forward(s, x->n, x->x, out);
    small_net_vjp(s, x->n, cot, d_in);
    small_net_close(s);
}

static void cot_of(const irregular_case *c, const batch *x, double *cot)
{
    char name[40];
    int64_t n;
    (void)snprintf(name, sizeof name, "%s/", c->name);
    double *all = numbers(name, "cot", &n);
    int64_t rows = c->last ? 1 : T, kept = c->last ? 1 : x->rows;
    for (int64_t b = 0; b < x->n; b++) {
        memcpy(cot + b * kept * H, all + (x->first + b) * rows * H,
               (size_t)(kept * H) * sizeof *cot);
    }
    mem_free(all);
}

/* A sample of a filled-up batch and the same series alone, of its own rows. */
static void test_filling_up_changes_no_bit(void **state)
{
    (void)state;
    double *length = numbers("length", "", &(int64_t){0});
    for (int i = 0; i < N_CASES; i++) {
        const irregular_case *c = &cases[i];
        batch all = batch_of(0, B, T);
        double out[B * T * H], d_in[B * T * D], cot[B * T * H];
        cot_of(c, &all, cot);
        run(c, &all, cot, out, d_in);
        for (int64_t b = 0; b < B; b++) {
            int64_t rows = (int64_t)length[b];
            batch one = batch_of(b, 1, rows);
            double alone[T * H], d_alone[T * D], cot_alone[T * H];
            cot_of(c, &one, cot_alone);
            run(c, &one, cot_alone, alone, d_alone);
            int64_t wide = c->last ? 1 : T, kept = c->last ? 1 : rows;
            assert_memory_equal(alone, out + b * wide * H, (size_t)(kept * H) * sizeof *out);
            assert_memory_equal(d_alone, d_in + b * T * D, (size_t)(rows * D) * sizeof *d_in);
        }
    }
    mem_free(length);
}

/* The same where no mask tells, but the length: all rows count, or those whose last feature says
 * so, as that of a row that is filled up may. */
static void test_lengths_keep_filling_out(void **state)
{
    (void)state;
    static const char *const layers[] = {
        "ode_rnn(units=3, rows=all, direction=backward)", "ode_rnn(units=3, rows=marked)",
        "ode_rnn(units=3, rows=marked, direction=backward, integrator=rk4)"};
    with_length = true;
    for (int i = 0; i < 3; i++) {
        const irregular_case c = {"euler", layers[i], true, true};
        batch all = batch_of(0, B, T);
        double out[B * H], d_in[B * T * D], cot[B * H];
        cot_of(&c, &all, cot);
        run(&c, &all, cot, out, d_in);
        for (int64_t b = 0; b < B; b++) {
            int64_t rows = (int64_t)all.length[b];
            batch one = batch_of(b, 1, rows);
            double alone[H], d_alone[T * D], cot_alone[H];
            memset(one.mask, 0, sizeof one.mask); /* is not read */
            cot_of(&c, &one, cot_alone);
            run(&c, &one, cot_alone, alone, d_alone);
            assert_memory_equal(alone, out + b * H, sizeof alone);
            assert_memory_equal(d_alone, d_in + b * T * D, (size_t)(rows * D) * sizeof *d_in);
        }
    }
    with_length = false;
}

/* What a series is filled up with may be anything. */
static void test_what_is_filled_in_is_not_read(void **state)
{
    (void)state;
    double *length = numbers("length", "", &(int64_t){0});
    for (int i = 0; i < N_CASES; i++) {
        const irregular_case *c = &cases[i];
        batch all = batch_of(0, B, T), other = all;
        double out[2][B * T * H], d_in[2][B * T * D], cot[B * T * H];
        for (int64_t at = 0; at < B * T; at++) {
            bool own = (double)(at % T) < length[at / T];
            other.t[at] += own ? 0.0 : 3.0;
            other.x[at * D] = own ? other.x[at * D] : -7.0;
        }
        cot_of(c, &all, cot);
        run(c, &all, cot, out[0], d_in[0]);
        run(c, &other, cot, out[1], d_in[1]);
        for (int64_t at = 0; at < B * T && !c->last; at++) {
            bool own = (double)(at % T) < length[at / T];
            assert_true(!own || memcmp(out[0] + at * H, out[1] + at * H, sizeof(double[H])) == 0);
        }
        assert_true(!c->last || memcmp(out[0], out[1], sizeof(double[B * H])) == 0);
        assert_memory_equal(d_in[0], d_in[1], sizeof d_in[0]);
    }
    mem_free(length);
}

/* Rows are marked by their last feature in place of a mask. */
static void test_marked_rows(void **state)
{
    (void)state;
    static const irregular_case plain = {"euler", "ode_rnn(units=3, rows=marked)", true, true};
    static const irregular_case masked = {"euler", "ode_rnn(units=3)", true, true};
    batch all = batch_of(0, B, T);
    double out[2][B * H], d_in[2][B * T * D], cot[B * H];
    cot_of(&plain, &all, cot);
    for (int64_t at = 0; at < B * T; at++) {
        bool seen = all.mask[at * D] + all.mask[at * D + 1] > 0.0;
        all.x[at * D + 1] = seen ? -2.0 : 0.0;
    }
    run(&masked, &all, cot, out[0], d_in[0]);
    for (int64_t i = 0; i < B * T * D; i++) {
        all.mask[i] = 1.0; /* is not read */
    }
    run(&plain, &all, cot, out[1], d_in[1]);
    assert_memory_equal(out[0], out[1], sizeof out[0]);
    assert_memory_equal(d_in[0], d_in[1], sizeof d_in[0]);
}

/* ---- rows with what belongs to them ---- */

static void test_observations_have_times_gaps_and_masks(void **state)
{
    (void)state;
    for (int way = 0; way < 4; way++) {
        bool after = way % 2 == 1;
        with_length = way / 2 == 1;
        batch all = batch_of(0, B, T);
        const char *layer = after ? "observations(gaps=after, mask=yes, times=yes)"
                                  : "observations(gaps=before, mask=yes, times=yes)";
        enum { WIDE = D + 2 + D };
        char text[200];
        odeon_status status;
        const int64_t dims[] = {T, D};
        double out[B * T * WIDE], bar[B * T * WIDE], d_in[B * T * D];
        (void)snprintf(text, sizeof text, "[model.o]\nlayer = %s\n", layer);
        planned_rows = T;
        small_net *s = small_net_try_with(text, 2, dims, give_shapes, &status);
        support_require(status, text);
        small_net_bind(s);
        give_batch(s, &all);
        small_net_forward(s, B, all.x, out);
        for (int64_t at = 0; at < B * T; at++) {
            const double *row = out + at * WIDE;
            int64_t k = at % T, from = after ? k : k - 1;
            int64_t own = after && with_length ? (int64_t)all.length[at / T] : T;
            bool none = from < 0 || from + 1 >= own;
            double wanted = none ? 0.0 : all.t[at - k + from + 1] - all.t[at - k + from];
            assert_memory_equal(row, all.x + at * D, sizeof(double[D]));
            assert_true(row[D] == all.t[at] && row[D + 1] == wanted);
            assert_memory_equal(row + D + 2, all.mask + at * D, sizeof(double[D]));
        }
        for (int64_t i = 0; i < B * T * WIDE; i++) {
            bar[i] = (double)(i + 1);
        }
        small_net_vjp(s, B, bar, d_in);
        for (int64_t i = 0; i < B * T * D; i++) {
            assert_true(d_in[i] == bar[i / D * WIDE + i % D]);
        }
        small_net_close(s);
    }
    with_length = false;
}

/* ---- what is refused ---- */

static void assert_refused(const char *text, int64_t rows, const char *why)
{
    odeon_status status;
    const int64_t dims[] = {T, D};
    planned_rows = rows;
    small_net *s = small_net_try_with(text, 2, dims, give_shapes, &status);
    assert_int_equal(status, ODEON_ERR_CONFIG);
    if (strstr(diag_message(), why) == NULL) {
        fail_msg("'%s' does not say '%s'", diag_message(), why);
    }
    diag_clear();
    small_net_close(s);
}

static void test_refusals(void **state)
{
    (void)state;
#define RNN(options) "[model.r]\nlayer = ode_rnn(units=3" options ")\n"
    assert_refused(RNN("") "[model.r.f]\nlayer = dense(units=2)\n", T,
                   "r: ode_rnn: its sections make [1, 2] of [1, 3]");
    assert_refused(RNN("") "[model.r.f]\nlayer = batchnorm\n", T,
                   "r: ode_rnn: a layer of its sections makes samples depend on one another");
    assert_refused(RNN(", integrator=sdirk2") "[model.r.f]\nlayer = tanh\n", T,
                   "r: ode_rnn: integrator = sdirk2: between rows it takes a table");
    assert_refused(RNN(", integrator=leapfrog") "[model.r.f]\nlayer = tanh\n", T,
                   "r: ode_rnn: integrator = leapfrog: between rows it takes a table");
    assert_refused(RNN("") "[model.r.f]\nlayer = tanh\n", T - 1,
                   "r: ode_rnn: the input is [1, 6, 2], and the data set's times are [1, 5]");
    assert_refused(RNN("") "[model.r.f]\nlayer = ode\nintegrator = euler\nsteps = 1\n"
                           "gradient = direct\n[model.r.f.g]\nlayer = tanh\n",
                   T, "r.f: layer ode cannot stand in the sections of ode_rnn");
    assert_refused("[model.o]\nlayer = observations(values=no)\n", T,
                   "o: observations: values = no leaves nothing");
    assert_refused("[model.o]\nlayer = observations(controls=yes)\n", T,
                   "o: layer observations needs a field of role control");
#undef RNN
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_units_are_those_of_pytorch),
        cmocka_unit_test(test_filling_up_changes_no_bit),
        cmocka_unit_test(test_lengths_keep_filling_out),
        cmocka_unit_test(test_what_is_filled_in_is_not_read),
        cmocka_unit_test(test_marked_rows),
        cmocka_unit_test(test_observations_have_times_gaps_and_masks),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
