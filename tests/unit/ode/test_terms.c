/* The field of a block with a section `stiff`: its terms one by one, and their sum. */
#include "ode/terms.h"

#include <string.h>

#include "base/diag.h"
#include "ode/block.h"
#include "small_net.h"

static const int64_t two[] = {2};

/* f(t, y) = W y + V y. */
static small_net *open_sum(void)
{
    static const double w[] = {1.0, 2.0, 3.0, -1.0}, v[] = {-4.0, 0.5, 1.0, 8.0};
    small_net *s = small_net_open("[model.o]\nlayer = ode(steps=1)\nintegrator = euler\n"
                                  "gradient = direct\n[model.o.f]\n"
                                  "layer = dense(units=2, bias=no)\n[model.o.stiff]\n"
                                  "layer = dense(units=2, bias=no)\n",
                                  1, two);
    memcpy(small_net_values(s, "o.f.weight"), w, sizeof w);
    memcpy(small_net_values(s, "o.stiff.weight"), v, sizeof v);
    s->call.n_global = 1;
    return s;
}

static block_field *fit(small_net *s)
{
    odeon_ode *ode = s->site.odes[0];
    odeon_shape y = ode->body->in;
    y.dim[0] = 1;
    assert_int_equal(block_field_fit(&ode->field, ode->body, &s->call, &y, NULL), ODEON_OK);
    return &ode->field;
}

static odeon_tensor vector(double *data, int64_t n)
{
    return odeon_tensor_at(data, (odeon_shape){.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {n}});
}

/* dy and y_bar of a term at y = (1, -2) with dy_bar = (1, 1), kept or evaluated again. */
static void call_term(block_field *f, int32_t term, bool keep, double *dy, double *y_bar)
{
    double t0 = 0.5, y[] = {1.0, -2.0}, ones[] = {1.0, 1.0};
    odeon_tensor t = vector(&t0, 1), in = vector(y, 2), out = vector(dy, 2), w = vector(ones, 2),
                 back = vector(y_bar, 2);
    odeon_frame frame = {.memory = f->work.memory};
    odeon_field_eval eval = {.struct_size = sizeof eval,
                             .t = &t.view,
                             .y = &in.view,
                             .dy = &out,
                             .keep = keep ? &frame : NULL,
                             .term = term};
    odeon_field_vjp vjp = {.struct_size = sizeof vjp,
                           .t = &t.view,
                           .y = &in.view,
                           .dy_bar = &w.view,
                           .y_bar = &back,
                           .kept = eval.keep,
                           .term = term};
    assert_int_equal(f->host.abi.eval(f, &eval), ODEON_OK);
    assert_int_equal(f->host.abi.vjp(f, &vjp), ODEON_OK);
}

static void test_terms_and_their_sum(void **state)
{
    (void)state;
    static const double dy[3][2] = {{-8.0, -10.0}, {-3.0, 5.0}, {-5.0, -15.0}};
    static const double y_bar[3][2] = {{1.0, 9.5}, {4.0, 1.0}, {-3.0, 8.5}};
    small_net *s = open_sum();
    block_field *f = fit(s);
    assert_int_equal(f->host.abi.n_terms, 2);
    assert_string_equal(f->host.abi.terms[1].name, "stiff");
    assert_int_equal(f->host.abi.terms[0].flags, 0);
    assert_int_equal(f->host.abi.terms[1].flags, ODEON_TERM_STIFF);
    assert_true((f->host.abi.flags & ODEON_FIELD_LINEAR) != 0);
    assert_int_equal(f->host.frame_bytes % 64, 0);
    for (int32_t i = 0; i < 6; i++) {
        double out[2], back[2], *g = small_net_grads(s, "o.f.weight");
        double *stiff = small_net_grads(s, "o.stiff.weight");
        memset(g, 0, 4 * sizeof *g);
        memset(stiff, 0, 4 * sizeof *stiff);
        call_term(f, i / 2, i % 2 == 0, out, back);
        assert_memory_equal(out, dy[i / 2], sizeof out);
        assert_memory_equal(back, y_bar[i / 2], sizeof back);
        assert_true(g[0] == (i / 2 != TERM_STIFF ? 1.0 : 0.0));
        assert_true(stiff[3] == (i / 2 != TERM_BODY ? -2.0 : 0.0));
    }
    small_net_close(s);
}

static void test_a_term_that_is_not_there_is_refused(void **state)
{
    (void)state;
    double y[2];
    small_net *s = open_sum();
    block_field *f = fit(s);
    odeon_tensor x = vector(y, 2);
    odeon_field_eval eval = {
        .struct_size = sizeof eval, .t = &x.view, .y = &x.view, .dy = &x, .term = 3};
    assert_int_equal(f->host.abi.eval(f, &eval), ODEON_ERR_UNSUPPORTED);
    assert_non_null(strstr(diag_message(), "was called with term 3"));
    f->terms.stiff = NULL;
    eval.term = TERM_BODY;
    assert_int_equal(f->host.abi.eval(f, &eval), ODEON_ERR_UNSUPPORTED);
    small_net_close(s);
}

/* Gradients of both go where those of the body alone would. */
static void test_parameters_of_both_are_one_range(void **state)
{
    (void)state;
    int64_t begin, end;
    small_net *s = open_sum();
    block_field *f = fit(s);
    odeon_net *body = s->site.odes[0]->body;
    net_param_range(body, &begin, &end);
    int64_t body_begin = begin, body_end = end;
    field_terms_param_range(&f->terms, body, &begin, &end);
    assert_int_equal(begin, body_begin);
    assert_true(end >= body_end + 4);
    small_net_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_terms_and_their_sum),
        cmocka_unit_test(test_a_term_that_is_not_there_is_refused),
        cmocka_unit_test(test_parameters_of_both_are_one_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
