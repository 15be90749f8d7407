/* Every layer keeps the contract of layer.h and has the derivatives of what it computes. */
#include "layer_harness.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "odeon/device_pointwise.h"
#include "plugin/registry.h"

typedef struct layer_case {
    const char *expression;
    int32_t ndim;
    int64_t dim[ODEON_MAX_DIMS];
    int64_t n_t; /* elements of t; LAYER_NO_TIME: none */
} layer_case;

static const layer_case cases[] = {
    {"dense(units=3)", 2, {4, 5}, LAYER_NO_TIME},
    {"dense(units=3, bias=no)", 2, {2, 5}, LAYER_NO_TIME},
    {"relu", 2, {3, 5}, LAYER_NO_TIME},
    {"tanh", 4, {2, 3, 2, 2}, LAYER_NO_TIME},
    {"softplus", 2, {3, 5}, LAYER_NO_TIME},
    {"sigmoid", 2, {3, 5}, LAYER_NO_TIME},
    {"identity", 3, {2, 3, 2}, LAYER_NO_TIME},
    {"flatten", 4, {2, 3, 2, 2}, LAYER_NO_TIME},
    {"conv2d(filters=3, kernel=3, padding=1)", 4, {2, 2, 5, 4}, LAYER_NO_TIME},
    {"conv2d(filters=2, kernel=3 2, stride=2 1, padding=1 0, bias=no)",
     4,
     {2, 3, 5, 4},
     LAYER_NO_TIME},
    {"groupnorm(groups=2)", 4, {2, 4, 3, 2}, LAYER_NO_TIME},
    {"groupnorm(groups=3, affine=no)", 3, {2, 6, 3}, LAYER_NO_TIME},
    {"groupnorm(groups=1, epsilon=0.1)", 2, {3, 5}, LAYER_NO_TIME},
    {"groupnorm", 4, {2, 64, 2, 1}, LAYER_NO_TIME},
    {"batchnorm", 4, {3, 4, 3, 2}, LAYER_NO_TIME},
    {"batchnorm(affine=no, epsilon=0.1)", 2, {5, 3}, LAYER_NO_TIME},
    {"batchnorm(momentum=0.5)", 3, {2, 3, 4}, LAYER_NO_TIME},
    {"avgpool(kernel=2)", 4, {2, 3, 5, 4}, LAYER_NO_TIME},
    {"avgpool(kernel=3 2, stride=2 1, padding=1)", 4, {2, 2, 5, 4}, LAYER_NO_TIME},
    {"maxpool(kernel=2)", 4, {2, 3, 5, 4}, LAYER_NO_TIME},
    {"maxpool(kernel=3 2, stride=2 1, padding=1)", 4, {2, 2, 5, 4}, LAYER_NO_TIME},
    {"globalavgpool", 4, {2, 3, 5, 4}, LAYER_NO_TIME},
    {"globalavgpool", 3, {2, 3, 7}, LAYER_NO_TIME},
    {"dropout(p=0.25)", 2, {4, 5}, LAYER_NO_TIME},
    {"dropout", 4, {2, 3, 2, 2}, LAYER_NO_TIME},
    {"scale(factor=-0.5, shift=3)", 3, {2, 3, 2}, LAYER_NO_TIME},
    {"random_crop(padding=2)", 4, {3, 2, 4, 5}, LAYER_NO_TIME},
    {"random_crop(size=3 2)", 4, {3, 2, 4, 5}, LAYER_NO_TIME},
    {"horizontal_flip", 4, {5, 2, 3, 4}, LAYER_NO_TIME},
    {"normalize(mean=0.5, std=0.25)", 2, {3, 5}, LAYER_NO_TIME},
    {"normalize(mean=0.5 -1 2, std=0.25 2 3)", 4, {2, 3, 2, 2}, LAYER_NO_TIME},
    {"normalize(mean=1, std=0.5 2 1)", 2, {4, 3}, LAYER_NO_TIME},
    {"formula(equations=x' = a*x - b*x*y | y' = d*x*y - c*y, constants=a=1.5 b=1 c=3 d=0.5, "
     "learn=a "
     "c)",
     2,
     {4, 2},
     LAYER_NO_TIME},
    {"formula(equations=u = x - 2*y/(3 + x^2) | x' = u*sin(t) + exp(-z)*t | y' = 1/(2 + cos(u)) | "
     "z' = u/(4 - y^3) - 2 + -y^2/7)",
     2,
     {3, 3},
     1},
    {"formula(equations=x' = sqrt(4 + x)*tanh(y) + q | y' = log(5 - x)^-2*abs(y) + sigmoid(t*q), "
     "constants=q=0.3, learn=q)",
     2,
     {3, 2},
     3},
    {"formula(equations=v = (5 + x)^0.3 + softplus(y) | w = 2 - 1.5, inputs=x y z, outputs=v w x "
     "v)",
     2,
     {3, 3},
     LAYER_NO_TIME},
    {"augment(channels=2)", 4, {2, 3, 2, 2}, LAYER_NO_TIME},
    {"augment(channels=3)", 2, {3, 2}, LAYER_NO_TIME},
    {"augment(channels=0)", 3, {2, 3, 2}, LAYER_NO_TIME},
    {"power(exponent=3, scale=-0.5)", 3, {2, 3, 2}, LAYER_NO_TIME},
    {"power(exponent=1)", 2, {2, 3}, LAYER_NO_TIME},
    {"power(exponent=0)", 2, {2, 3}, LAYER_NO_TIME},
    {"dense(units=3)", 3, {2, 3, 5}, LAYER_NO_TIME},
    {"dense(units=3, time=first)", 2, {4, 5}, 1},
    {"dense(units=3, time=last, bias=no)", 2, {4, 5}, 4},
    {"dense(units=2, time=last)", 3, {4, 3, 5}, 1},
    {"dense(units=2, time=first)", 3, {4, 3, 5}, 4},
    {"conv2d(filters=3, kernel=3, padding=1, time=first)", 4, {2, 2, 5, 4}, 1},
    {"conv2d(filters=2, kernel=2, stride=2, time=last, bias=no)", 4, {3, 2, 4, 5}, 3},
    {"concat_time(at=first)", 4, {2, 2, 3, 2}, 1},
    {"concat_time", 4, {3, 2, 3, 2}, 3},
    {"concat_time", 2, {3, 2}, 1},
    {"formula(equations=x' = a*max(x, y) - min(x*y, 0.3)*t | y' = if(x > y + 0.1, b*x^2, erf(y)) + "
     "if(t <= 0.2, a, x), constants=a=1.5 b=-0.4, learn=a b, bounds=a=0:inf b=-1:1)",
     3,
     {3, 2, 2},
     3},
    {"formula(equations=x' = c*if(x >= 0, x, -2*x) + sin(c*t), constants=c=-2, learn=c, "
     "bounds=c=-inf:0)",
     3,
     {2, 3, 1},
     1},
    {"formula(equations=v[3]' = A @ v + c*tanh(v) - v*norm(v) + max(v, 0.1)/(2 + t) | w' = dot(v, "
     "v @ A) + "
     "sum(v)*w + v[1]*A[0 2], constants=A[3 3]=0.5 c[3]=1 2 3, learn=A c)",
     2,
     {4, 4},
     1},
    {"formula(inputs=X[2 3] k, outputs=Y u, equations=Y = X*k + (B @ X)^2 | u = if(k > 0, sum(X), "
     "norm(B)) | z = Y[1 2], "
     "constants=B[2 2]=1 2 3 4, learn=B, bounds=B=-6:inf)",
     3,
     {2, 2, 7},
     LAYER_NO_TIME},
    {"gelu", 2, {3, 5}, LAYER_NO_TIME},
    {"gelu(approximate=tanh)", 3, {2, 3, 2}, LAYER_NO_TIME},
    {"silu", 4, {2, 3, 2, 2}, LAYER_NO_TIME},
    {"elu(alpha=0.7)", 2, {3, 5}, LAYER_NO_TIME},
    {"leaky_relu(slope=0.2)", 2, {3, 5}, LAYER_NO_TIME},
    {"sin(frequency=3)", 2, {3, 5}, LAYER_NO_TIME},
    {"layernorm", 3, {2, 3, 5}, LAYER_NO_TIME},
    {"layernorm(affine=no, epsilon=0.1)", 2, {3, 4}, LAYER_NO_TIME},
    {"conv1d(filters=3, kernel=3, padding=1)", 3, {2, 2, 5}, LAYER_NO_TIME},
    {"conv1d(filters=2, kernel=4, stride=3, padding=2, bias=no)", 3, {3, 2, 7}, LAYER_NO_TIME},
    {"conv_transpose2d(filters=3, kernel=3, stride=2, padding=1, output_padding=1)",
     4,
     {2, 2, 3, 4},
     LAYER_NO_TIME},
    {"conv_transpose2d(filters=2, kernel=2 3, stride=2 1, bias=no)",
     4,
     {2, 3, 3, 2},
     LAYER_NO_TIME},
    {"upsample", 4, {2, 3, 2, 3}, LAYER_NO_TIME},
    {"upsample(factor=3)", 4, {2, 1, 3, 2}, LAYER_NO_TIME},
    {"select(channels=2 0)", 3, {2, 4, 3}, LAYER_NO_TIME},
    {"gru(units=4)", 3, {3, 2, 3}, LAYER_NO_TIME},
    {"gru(units=2, output=all, direction=backward)", 3, {2, 4, 3}, LAYER_NO_TIME},
    {"attention", 3, {3, 4, 3}, LAYER_NO_TIME},
    {"attention(heads=2, causal=yes)", 3, {2, 5, 4}, LAYER_NO_TIME},
    {"attention(heads=3, bias=no)", 3, {3, 2, 6}, LAYER_NO_TIME},
    {"gru(units=2, output=before)", 3, {2, 4, 3}, LAYER_NO_TIME},
    {"gru(units=3, rows=marked, direction=backward)", 3, {2, 3, 2}, LAYER_NO_TIME},
    {"observations", 3, {2, 3, 2}, LAYER_NO_TIME},
    {"embedding(classes=4, units=3)", 2, {2, 3}, LAYER_NO_TIME},
    {"embedding(classes=4, units=3, values=1 -2 0.5, deviation=0.1)", 1, {5}, LAYER_NO_TIME},
    {"learned(values=1 -2 0.5)", 3, {2, 3, 2}, LAYER_NO_TIME},
    {"hypernet(units=3, hidden=4)", 2, {3, 2}, 1},
    {"hypernet(units=2, hidden=3)", 3, {3, 2, 4}, 3},
};
enum { N_CASES = sizeof cases / sizeof cases[0] };

static registry *plugins;
static support_device device, device_f32;

static int open_devices(void **state)
{
    (void)state;
    plugins = support_registry();
    device = support_device_open(plugins, "reference", ODEON_DTYPE_F64);
    device_f32 = support_device_open(plugins, "reference", ODEON_DTYPE_F32);
    return 0;
}

static int close_devices(void **state)
{
    (void)state;
    support_device_close(&device);
    support_device_close(&device_f32);
    registry_destroy(plugins);
    return 0;
}

/* The case's layer with every input, parameter, time and cotangent set; the same numbers for every
 * device and, per sample, for every batch. */
static layer_harness open_case(support_device *d, const layer_case *c, int64_t batch)
{
    int64_t dim[ODEON_MAX_DIMS];
    memcpy(dim, c->dim, sizeof dim);
    dim[0] = batch;
    layer_harness h =
        layer_harness_open(plugins, d, c->expression, c->ndim, dim, c->n_t > 1 ? batch : c->n_t);
    h.n_global = c->dim[0]; /* the other samples, if any, are those of other workers */
    layer_harness_randomize(&h, &h.in, 1, 2.0);
    layer_harness_randomize(&h, &h.d_out, 2, 1.0);
    for (int32_t i = 0; i < h.n_params; i++) {
        layer_harness_randomize(&h, &h.param[i], 3 + (uint64_t)i, 1.0);
    }
    if (h.t.view.data != NULL) {
        layer_harness_randomize(&h, &h.t, 9, 1.0);
    }
    return h;
}

static void forward_and_vjp(layer_harness *h)
{
    assert_int_equal(layer_harness_forward(h, LAYER_KEEP, ODEON_UNARY_IDENTITY), ODEON_OK);
    assert_int_equal(layer_harness_vjp(h, LAYER_ALL), ODEON_OK);
}

/* sum of out * d_out, the function whose gradient vjp computes. No tape is kept. */
static double objective(layer_harness *h, const double *weight)
{
    assert_int_equal(layer_harness_forward(h, 0, ODEON_UNARY_IDENTITY), ODEON_OK);
    double *out = support_download(h->device, &h->out.view);
    double sum = 0.0;
    for (int64_t i = 0; i < odeon_count(&h->out.view.shape); i++) {
        sum += out[i] * weight[i];
    }
    mem_free(out);
    return sum;
}

/* Holds the gradient that vjp has left to central differences of objective in x. */
static void assert_gradient(layer_harness *h, const char *what, const odeon_tensor *x,
                            const odeon_view *gradient)
{
    const double step = 1e-5;
    int64_t n = odeon_count(&x->view.shape);
    double *values = support_download(h->device, &x->view);
    double *weight = support_download(h->device, &h->d_out.view);
    double *claimed = support_download(h->device, gradient);
    double *measured = mem_zalloc((size_t)n, sizeof *measured);
    assert_non_null(measured);
    for (int64_t i = 0; i < n; i++) {
        double value = values[i];
        values[i] = value + step;
        layer_harness_set(h, x, values);
        double above = objective(h, weight);
        values[i] = value - step;
        layer_harness_set(h, x, values);
        measured[i] = (above - objective(h, weight)) / (2.0 * step);
        values[i] = value;
    }
    layer_harness_set(h, x, values);
    /* Truncation is step^2 f'''/6, some 1e-10 where f''' is 1 to 10; rounding of an objective of
     * size 10 is 1e-15 / step = 1e-10. */
    support_assert_close(what, n, claimed, measured, 1e-8);
    mem_free(values);
    mem_free(weight);
    mem_free(claimed);
    mem_free(measured);
}

static void test_layer_vjp_of_input_is_the_derivative(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CASES; i++) {
        layer_harness h = open_case(&device, &cases[i], cases[i].dim[0]);
        forward_and_vjp(&h);
        assert_gradient(&h, cases[i].expression, &h.in, &h.d_in.view);
        layer_harness_close(&h);
    }
}

static void test_layer_vjp_of_parameters_is_the_derivative(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CASES; i++) {
        layer_harness h = open_case(&device, &cases[i], cases[i].dim[0]);
        forward_and_vjp(&h);
        for (int32_t p = 0; p < h.n_params; p++) {
            assert_gradient(&h, h.info[p].name, &h.param[p], &h.grad[p].view);
        }
        layer_harness_close(&h);
    }
}

static void test_layer_vjp_of_time_is_the_derivative(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CASES; i++) {
        layer_harness h = open_case(&device, &cases[i], cases[i].dim[0]);
        assert_true((h.t.view.data != NULL) == ((h.plan.flags & ODEON_LAYER_USES_T) != 0));
        forward_and_vjp(&h);
        if (h.t.view.data != NULL) {
            assert_gradient(&h, cases[i].expression, &h.t, &h.d_t.view);
        }
        layer_harness_close(&h);
    }
}

static void assert_doubles(layer_harness *h, const char *what, const odeon_view *x,
                           const double *once)
{
    double *twice = support_download(h->device, x);
    for (int64_t i = 0; i < odeon_count(&x->shape); i++) {
        twice[i] /= 2.0;
    }
    support_assert_close(what, odeon_count(&x->shape), twice, once,
                         1e-14); /* another order of the sum */
    mem_free(twice);
}

static void test_layer_vjp_adds_to_gradients(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CASES; i++) {
        layer_harness h = open_case(&device, &cases[i], cases[i].dim[0]);
        forward_and_vjp(&h);
        double *once[LAYER_HARNESS_PARAMS + 1] = {NULL};
        for (int32_t p = 0; p < h.n_params; p++) {
            once[p] = support_download(&device, &h.grad[p].view);
        }
        once[LAYER_HARNESS_PARAMS] =
            h.t.view.data != NULL ? support_download(&device, &h.d_t.view) : NULL;
        assert_int_equal(layer_harness_vjp(&h, LAYER_ALL), ODEON_OK);
        for (int32_t p = 0; p < h.n_params; p++) {
            assert_doubles(&h, h.info[p].name, &h.grad[p].view, once[p]);
            mem_free(once[p]);
        }
        if (h.t.view.data != NULL) {
            assert_doubles(&h, "t", &h.d_t.view, once[LAYER_HARNESS_PARAMS]);
        }
        mem_free(once[LAYER_HARNESS_PARAMS]);
        layer_harness_close(&h);
    }
}

/* Whether x and y hold the same bits (NaN that was never written included). */
static void assert_same(const layer_harness *a, const odeon_view *x, const layer_harness *b,
                        const odeon_view *y)
{
    double *left = support_download(a->device, x), *right = support_download(b->device, y);
    assert_memory_equal(left, right, (size_t)odeon_count(&x->shape) * sizeof *left);
    mem_free(left);
    mem_free(right);
}

static void test_layer_vjp_writes_only_what_is_asked_for(void **state)
{
    (void)state;
    static const int32_t asked[] = {LAYER_D_IN, LAYER_GRAD, LAYER_D_T};
    for (size_t i = 0; i < 3 * N_CASES; i++) {
        const layer_case *c = &cases[i / 3];
        int32_t what = asked[i % 3];
        layer_harness all = open_case(&device, c, c->dim[0]);
        layer_harness none = open_case(&device, c, c->dim[0]);
        layer_harness one = open_case(&device, c, c->dim[0]);
        forward_and_vjp(&all);
        layer_harness_set(&none, &none.d_in, NULL);
        assert_int_equal(layer_harness_forward(&one, LAYER_KEEP, 0), ODEON_OK);
        assert_int_equal(layer_harness_vjp(&one, what), ODEON_OK);
        const layer_harness *like = what == LAYER_D_IN ? &all : &none;
        assert_same(&one, &one.d_in.view, like, &like->d_in.view);
        like = what == LAYER_GRAD ? &all : &none;
        for (int32_t p = 0; p < one.n_params; p++) {
            assert_same(&one, &one.grad[p].view, like, &like->grad[p].view);
        }
        like = what == LAYER_D_T ? &all : &none;
        if (one.t.view.data != NULL) {
            assert_same(&one, &one.d_t.view, like, &like->d_t.view);
        }
        layer_harness_close(&all);
        layer_harness_close(&none);
        layer_harness_close(&one);
    }
}

static void test_layer_takes_an_empty_batch(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CASES; i++) {
        layer_harness h = open_case(&device, &cases[i], 0);
        assert_int_equal(h.plan.out.dim[0], 0);
        forward_and_vjp(&h);
        for (int32_t p = 0; p < h.n_params; p++) {
            double *grad = support_download(&device, &h.grad[p].view);
            for (int64_t e = 0; e < odeon_count(&h.grad[p].view.shape); e++) {
                assert_true(grad[e] == 0.0);
            }
            mem_free(grad);
        }
        layer_harness_close(&h);
    }
}

static void test_layer_treats_samples_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CASES; i++) {
        layer_harness batch = open_case(&device, &cases[i], cases[i].dim[0]);
        layer_harness first = open_case(&device, &cases[i], 1);
        if ((batch.plan.flags & ODEON_LAYER_BATCH_COUPLED) == 0) {
            forward_and_vjp(&batch);
            forward_and_vjp(&first);
            /* The first sample of the batch, compared over the count of the other. */
            assert_same(&first, &first.out.view, &batch, &batch.out.view);
            assert_same(&first, &first.d_in.view, &batch, &batch.d_in.view);
        }
        layer_harness_close(&batch);
        layer_harness_close(&first);
    }
}

/* Whoever replays a layer's operators takes its word for it. */
static void test_layer_that_is_not_random_gives_the_same_under_any_key(void **state)
{
    (void)state;
    int random = 0;
    for (size_t i = 0; i < N_CASES; i++) {
        layer_harness one = open_case(&device, &cases[i], cases[i].dim[0]);
        layer_harness other = open_case(&device, &cases[i], cases[i].dim[0]);
        other.rng_key = 0x9e3779b97f4a7c15u;
        if ((one.plan.flags & ODEON_LAYER_RANDOM) == 0) {
            forward_and_vjp(&one);
            forward_and_vjp(&other);
            assert_same(&one, &one.out.view, &other, &other.out.view);
            assert_same(&one, &one.d_in.view, &other, &other.d_in.view);
        } else {
            random++;
        }
        layer_harness_close(&one);
        layer_harness_close(&other);
    }
    assert_in_range(random, 1, N_CASES / 2);
}

static void test_layer_plan_depends_on_its_arguments_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CASES; i++) {
        layer_harness h = open_case(&device, &cases[i], cases[i].dim[0]);
        forward_and_vjp(&h);
        odeon_layer_plan again = {.struct_size = sizeof again,
                                  .call_flags = ODEON_CALL_TRAIN,
                                  .device = device.device,
                                  .in = h.in.view.shape};
        int64_t allocs = mem_total_allocs();
        assert_int_equal(h.ops->plan(h.layer->self, &again), ODEON_OK);
        assert_memory_equal(&again, &h.plan, sizeof again);
        assert_int_equal(mem_total_allocs(), allocs);
        layer_harness_close(&h);
    }
}

static void assert_near(const char *what, const layer_harness *a, const odeon_view *x,
                        const layer_harness *b, const odeon_view *y, double relative)
{
    double *left = support_download(a->device, x), *right = support_download(b->device, y);
    support_assert_close(what, odeon_count(&x->shape), left, right, relative);
    mem_free(left);
    mem_free(right);
}

static void test_layer_in_float32_is_near_float64(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CASES; i++) {
        layer_harness narrow = open_case(&device_f32, &cases[i], cases[i].dim[0]);
        layer_harness wide = open_case(&device, &cases[i], cases[i].dim[0]);
        forward_and_vjp(&narrow);
        forward_and_vjp(&wide);
        /* Inputs and parameters rounded to 6e-8, sums of up to 24 such terms; a normalization of
         * two values amplifies by the inverse of their distance, up to some 100. */
        const double relative = 1e-5;
        assert_near(cases[i].expression, &narrow, &narrow.out.view, &wide, &wide.out.view,
                    relative);
        assert_near(cases[i].expression, &narrow, &narrow.d_in.view, &wide, &wide.d_in.view,
                    relative);
        for (int32_t p = 0; p < wide.n_params; p++) {
            assert_near(wide.info[p].name, &narrow, &narrow.grad[p].view, &wide, &wide.grad[p].view,
                        relative);
        }
        layer_harness_close(&narrow);
        layer_harness_close(&wide);
    }
}

static void test_layer_with_epilogue_applies_the_function_to_its_output(void **state)
{
    (void)state;
    size_t n = 0;
    for (size_t i = 0; i < N_CASES; i++) {
        layer_harness plain = open_case(&device, &cases[i], cases[i].dim[0]);
        layer_harness fused = open_case(&device, &cases[i], cases[i].dim[0]);
        if ((plain.plan.flags & ODEON_LAYER_EPILOGUE) != 0) {
            assert_int_equal(layer_harness_forward(&plain, LAYER_KEEP, ODEON_UNARY_IDENTITY), 0);
            assert_int_equal(layer_harness_forward(&fused, LAYER_KEEP, ODEON_UNARY_TANH), 0);
            assert_int_equal(ODEON_DO(device.device, pointwise, unary, device.queue,
                                      .id = ODEON_UNARY_TANH, .x = &plain.out.view,
                                      .y = &plain.out),
                             ODEON_OK);
            assert_same(&fused, &fused.out.view, &plain, &plain.out.view);
            n++;
        }
        layer_harness_close(&plain);
        layer_harness_close(&fused);
    }
    assert_true(n >= 4); /* the two products, each with and without a bias */
}

static void test_pointwise_layer_is_the_function_that_it_names(void **state)
{
    (void)state;
    size_t n = 0;
    for (size_t i = 0; i < N_CASES; i++) {
        layer_harness h = open_case(&device, &cases[i], cases[i].dim[0]);
        layer_harness named = open_case(&device, &cases[i], cases[i].dim[0]);
        if ((h.plan.flags & ODEON_LAYER_POINTWISE) != 0) {
            assert_in_range(h.plan.act, 1, ODEON_UNARY_LAST_EPILOGUE);
            assert_int_equal(layer_harness_forward(&h, LAYER_KEEP, 0), ODEON_OK);
            assert_int_equal(ODEON_DO(device.device, pointwise, unary, device.queue,
                                      .id = h.plan.act, .x = &named.in.view, .y = &named.out),
                             ODEON_OK);
            assert_same(&h, &h.out.view, &named, &named.out.view);
            n++;
        }
        layer_harness_close(&h);
        layer_harness_close(&named);
    }
    assert_int_equal(n, 4);
}

static void test_view_layer_passes_its_input_on(void **state)
{
    (void)state;
    size_t n = 0;
    for (size_t i = 0; i < N_CASES; i++) {
        layer_harness h = open_case(&device, &cases[i], cases[i].dim[0]);
        if ((h.plan.flags & ODEON_LAYER_VIEW) != 0) {
            assert_int_equal(layer_harness_forward(&h, 0, 0), ODEON_OK);
            assert_int_equal(odeon_count(&h.out.view.shape), odeon_count(&h.in.view.shape));
            assert_same(&h, &h.out.view, &h, &h.in.view);
            n++;
        }
        layer_harness_close(&h);
    }
    assert_int_equal(n, 2);
}

/* As torch.nn.ELU has it: infinite far above 0, -alpha far below, of slope alpha at 0. */
static void test_elu_takes_infinite_inputs(void **state)
{
    (void)state;
    static const layer_case elu = {"elu(alpha=0.5)", 2, {1, 4}, LAYER_NO_TIME};
    static const double x[] = {(double)INFINITY, -(double)INFINITY, 0.0, 2.0};
    static const double y[] = {(double)INFINITY, -0.5, 0.0, 2.0}, slope[] = {1.0, 0.0, 0.5, 1.0};
    static const double ones[] = {1.0, 1.0, 1.0, 1.0};
    support_device *const devices[] = {&device, &device_f32};
    for (size_t d = 0; d < 2; d++) {
        layer_harness h = open_case(devices[d], &elu, 1);
        layer_harness_set(&h, &h.in, x);
        layer_harness_set(&h, &h.d_out, ones);
        forward_and_vjp(&h);
        double *made = support_download(h.device, &h.out.view);
        double *d_in = support_download(h.device, &h.d_in.view);
        for (size_t i = 0; i < 4; i++) {
            assert_true(made[i] == y[i]);
            assert_true(d_in[i] == slope[i]);
        }
        mem_free(made);
        mem_free(d_in);
        layer_harness_close(&h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layer_vjp_of_input_is_the_derivative),
        cmocka_unit_test(test_layer_vjp_of_parameters_is_the_derivative),
        cmocka_unit_test(test_layer_vjp_of_time_is_the_derivative),
        cmocka_unit_test(test_layer_vjp_adds_to_gradients),
        cmocka_unit_test(test_layer_vjp_writes_only_what_is_asked_for),
        cmocka_unit_test(test_layer_takes_an_empty_batch),
        cmocka_unit_test(test_layer_treats_samples_alone),
        cmocka_unit_test(test_layer_that_is_not_random_gives_the_same_under_any_key),
        cmocka_unit_test(test_layer_plan_depends_on_its_arguments_alone),
        cmocka_unit_test(test_layer_in_float32_is_near_float64),
        cmocka_unit_test(test_layer_with_epilogue_applies_the_function_to_its_output),
        cmocka_unit_test(test_pointwise_layer_is_the_function_that_it_names),
        cmocka_unit_test(test_view_layer_passes_its_input_on),
        cmocka_unit_test(test_elu_takes_infinite_inputs),
    };
    return cmocka_run_group_tests(tests, open_devices, close_devices);
}
