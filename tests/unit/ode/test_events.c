/* Events of an ODE block against closed forms: a bouncing ball, whose times and states and all
 * derivatives of these are known, and crossings of a damped pendulum. */
#include "ode/events.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "ode/ode.h"
#include "odeon/device_solver.h"
#include "small_net.h"

/* Height and speed; the time of the last bounce as a third component, and the time as a fourth. */
#define BALL(options)                                                                              \
    "[model.o]\nlayer = ode(rtol=1e-11, atol=1e-11, direction=down, " options ")\n"                \
    "[model.o.flight]\nlayer = formula(equations=h' = v | v' = -g | l' = 0 | s' = 1, "             \
    "constants=g=9.81, learn=g)\n"                                                                 \
    "[model.o.event]\nlayer = formula(inputs=h v l s, outputs=d, equations=d = h)\n"               \
    "[model.o.reset]\nlayer = formula(inputs=h v l s, outputs=h w now s, "                         \
    "equations=w = -e*v | now = s, constants=e=0.8, learn=e)\n"

static const int64_t four[] = {4}, two[] = {2};
static const double gravity = 9.81, restitution = 0.8, height = 1.5;
enum { BOUNCES = 5 };

/* Of these numbers: times of bounces, and their derivatives by g, e and the height; state at the
 * time 3.31, behind five of them. By automatic differentiation of the closed form. */
static const double bounce[BOUNCES] = {0.553001263609331, 1.4378032853842608, 2.1456449028042046,
                                       2.7119181967401595, 3.1649368318889235};
static const double last_grad[3] = {-0.16131176513195328, 7.264224598772173, 1.0549789439629744};
static const double end[2] = {0.15465333546002963, 0.35457544515408923};
static const double end_grad[2][3] = {
    {0.05981879324465011, -0.9640229613613552, -0.2881126841799921},
    {-1.6369278570257852, 82.37232534097846, 10.941891815051365}};

/* The adjoint measures how far it has drifted. */
static void set_ball(small_net *s)
{
    static double slots[ODEON_SLOTS];
    s->site.odes[0]->measured = slots;
    *small_net_values(s, "o.flight.g") = gravity;
    *small_net_values(s, "o.reset.e") = restitution;
}

static void close_to(const char *what, double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance)) {
        fail_msg("%s: %.17g is not %.17g", what, got, want);
    }
}

/* The gradient of component k of y(3.31) by g, e and the height. */
static void check_gradient(small_net *s, const char *what, int k, const double *want)
{
    double x[4] = {height, 0.0, 0.0, 0.0}, y[4], d_y[4] = {0.0}, d_x[4];
    double *d_g = small_net_grads(s, "o.flight.g"), *d_e = small_net_grads(s, "o.reset.e");
    *d_g = *d_e = 0.0;
    d_y[k] = 1.0;
    small_net_forward(s, 1, x, y);
    small_net_vjp(s, 1, d_y, d_x);
    close_to(what, *d_g, want[0], 1e-9 * (1.0 + fabs(want[0])));
    close_to(what, *d_e, want[1], 1e-9 * (1.0 + fabs(want[1])));
    close_to(what, d_x[0], want[2], 1e-9 * (1.0 + fabs(want[2])));
}

static void test_ball_is_its_closed_form(void **state)
{
    (void)state;
    static const char *const methods[] = {
        "integrator=tsit5, gradient=direct",
        "integrator=tsit5, gradient=checkpoint",
        "integrator=tsit5, gradient=adjoint(rtol=1e-11, atol=1e-11)",
        "integrator=tsit5, gradient=adjoint(y=dense)",
        "integrator=dopri8, gradient=direct, end=interpolate",
        "integrator=rk4, steps=3, gradient=direct",
        "integrator=rk4, step_size=0.3, gradient=direct",
        "integrator=kvaerno5, gradient=direct"};
    for (size_t m = 0; m < sizeof methods / sizeof *methods; m++) {
        double x[4] = {height, 0.0, 0.0, 0.0}, y[4];
        char *text = mem_printf(BALL("span=0 3.31, %s"), methods[m]);
        small_net *s = small_net_open(text, 1, four);
        set_ball(s);
        small_net_forward(s, 1, x, y);
        close_to(methods[m], y[0], end[0], 1e-11);
        close_to(methods[m], y[1], end[1], 1e-11);
        close_to(methods[m], y[2], bounce[BOUNCES - 1], 1e-12);
        assert_int_equal(events_count(s->site.odes[0], 0), BOUNCES);
        for (int i = 0; i < BOUNCES; i++) {
            close_to(methods[m], events_time(s->site.odes[0], 0, i), bounce[i], 1e-12);
        }
        check_gradient(s, methods[m], 0, end_grad[0]);
        check_gradient(s, methods[m], 1, end_grad[1]);
        check_gradient(s, methods[m], 2, last_grad);
        small_net_close(s);
        mem_free(text);
    }
}

/* A loss over eight times between the bounces, seen through all of them; and a batch, in which each
 * sample has the events that it has alone. */
static void test_outputs_between_events(void **state)
{
    (void)state;
    static const double c[8][2] = {
        {-0.14135898680905112, -0.5885828717749718}, {-1.4873353934625868, -1.3952508244012356},
        {0.7739486081683837, -1.7909724033231857},   {1.28776037087673, -0.06030533013655653},
        {-1.4695928350789937, 0.04892020548459956},  {0.19432120789605764, 0.4249466304954843},
        {-0.4884742361891603, -0.33440964408745655}, {-0.17583576222682967, -0.8670638533655664}};
    const double want[3] = {2.7339534890858603, -83.36320461409768, -12.969455650105127};
    double x[8] = {height, 0.0, 0.0, 0.0, 2.0, 1.0, 0.0, 0.0}, y[72], d_y[72] = {0.0}, d_x[8];
    small_net *s = small_net_open(
        BALL("times=0 0.054784949796465074 0.20212255761830933 0.36463551416446366 "
             "0.8352361610279477 1.3625538150491985 1.599709716112406 2.8092150956664286 "
             "3.184745412125087, integrator=tsit5, gradient=direct"),
        1, four);
    set_ball(s);
    for (int i = 0; i < 8; i++) {
        memcpy(d_y + (i + 1) * 4, c[i], sizeof c[i]);
    }
    small_net_forward(s, 2, x, y);
    assert_true(events_count(s->site.odes[0], 1) != events_count(s->site.odes[0], 0));
    small_net_vjp(s, 2, d_y, d_x);
    close_to("g", *small_net_grads(s, "o.flight.g"), want[0], 1e-9);
    close_to("e", *small_net_grads(s, "o.reset.e"), want[1], 1e-8);
    close_to("h0", d_x[0], want[2], 1e-9);
    for (int i = 4; i < 8; i++) {
        assert_true(d_x[i] == 0.0);
    }
    double alone[36];
    small_net_forward(s, 1, x + 4, alone);
    assert_memory_equal(alone, y + 36, sizeof alone);
    small_net_close(s);
}

/* The steps of all legs are one list, each step beginning where the one before ends. */
static void test_steps_of_all_legs_are_one_list(void **state)
{
    (void)state;
    double x[4] = {height, 0.0, 0.0, 0.0}, y[4], t = 0.0;
    attempt_list list;
    small_net *s = small_net_open(BALL("span=0 3.31, integrator=tsit5, gradient=direct"), 1, four);
    set_ball(s);
    small_net_forward(s, 1, x, y);
    assert_int_equal(ode_sample_attempts(s->site.odes[0], 0, &list), ODEON_OK);
    int64_t accepted = 0;
    for (size_t i = 0; i < list.n; i++) {
        close_to("start of a step", list.attempts[i].t, t, 1e-12);
        t += list.attempts[i].accepted ? list.attempts[i].h : 0.0;
        accepted += list.attempts[i].accepted;
    }
    close_to("end of the last", t, 3.31, 1e-12);
    assert_int_equal(accepted, s->site.odes[0]->counters.accepted);
    small_net_close(s);
}

/* ---- a pendulum: angle, speed, and the time ---- */

#define PENDULUM(options, event)                                                                   \
    "[model.o]\nlayer = ode(rtol=1e-12, atol=1e-12, integrator=tsit5, gradient=direct, " options   \
    ")\n[model.o.f]\nlayer = formula(equations=a' = v | v' = -w*sin(a) - c*v | s' = 1 | n' = 0, "  \
    "constants=w=4 c=0.15, learn=w c)\n"                                                           \
    "[model.o.event]\nlayer = formula(inputs=a v s n, outputs=d, equations=d = " event ")\n"

/* By Newton's iteration on solutions of DOP853 at 1e-13, with forward sensitivities: the first two
 * crossings, the first downward; derivatives of the time by a, v, w, c. */
static const double crossing[2] = {1.12212057033733, 2.9904102376220005};
static const double speed[2] = {-3.054097199490418, 2.6884124621609926};
static const double crossing_grad[2][4] = {
    {0.35187553110643544, 0.28864355858448654, -0.15467263047226887, 0.191116039103168},
    {0.6613018816478221, 0.31287934174508497, -0.3750012041180546, -0.5617627146739472}};

static small_net *pendulum(const char *text)
{
    small_net *s = small_net_open(text, 1, four);
    *small_net_values(s, "o.f.w") = 4.0;
    *small_net_values(s, "o.f.c") = 0.15;
    return s;
}

/* Behind an event without a reset y stays what it was there, and so do its derivatives. */
static void test_solve_ends_at_a_terminal_event(void **state)
{
    (void)state;
    static const char *const directions[] = {"down", "up", "both"};
    static const int which[] = {0, 1, 0};
    double x[4] = {1.9, 0.3, 0.0, 0.0};
    for (int i = 0; i < 3; i++) {
        double y[16], d_y[16] = {0.0}, d_x[4];
        char *text = mem_printf(PENDULUM("times=0 0.5 3.5 6, direction=%s", "a"), directions[i]);
        small_net *s = pendulum(text);
        int k = which[i];
        small_net_forward(s, 1, x, y);
        assert_int_equal(events_count(s->site.odes[0], 0), 1);
        close_to("time", y[10], crossing[k], 1e-12);
        close_to("angle", y[8], 0.0, 1e-12);
        close_to("speed", y[9], speed[k], 1e-11);
        assert_memory_equal(y + 8, y + 12, 4 * sizeof *y);
        d_y[10] = 0.25; /* the two outputs behind it are one */
        d_y[14] = 0.75;
        small_net_vjp(s, 1, d_y, d_x);
        close_to("by a", d_x[0], crossing_grad[k][0], 1e-10);
        close_to("by v", d_x[1], crossing_grad[k][1], 1e-10);
        close_to("by w", *small_net_grads(s, "o.f.w"), crossing_grad[k][2], 1e-10);
        close_to("by c", *small_net_grads(s, "o.f.c"), crossing_grad[k][3], 1e-10);
        small_net_close(s);
        mem_free(text);
    }
}

/* Backward in time from y(1) to y(0) by way of an event, whose function has the time in it: y' = y,
 * which jumps at t = 1/2 to twice what it was: y(0) = 2 y(1) / e. */
static void test_event_of_time_in_a_solve_backward(void **state)
{
    (void)state;
    double x[2] = {3.0, -1.0}, y[2], d_y[2] = {1.0, 0.0}, d_x[2];
    small_net *s = small_net_open(
        "[model.o]\nlayer = ode(span=1 0, rtol=1e-12, atol=1e-12, integrator=tsit5, "
        "gradient=direct, direction=down)\n[model.o.f]\nlayer = identity\n"
        "[model.o.event]\nlayer = formula(inputs=a b, outputs=d, equations=d = t - 0.5)\n"
        "[model.o.reset]\nlayer = formula(inputs=a b, outputs=p q, equations=p = 2*a | q = 2*b)\n",
        1, two);
    small_net_forward(s, 1, x, y);
    close_to("time", events_time(s->site.odes[0], 0, 0), 0.5, 1e-15);
    close_to("a", y[0], 6.0 * exp(-1.0), 1e-11);
    close_to("b", y[1], -2.0 * exp(-1.0), 1e-11);
    small_net_vjp(s, 1, d_y, d_x);
    close_to("d_a", d_x[0], 2.0 * exp(-1.0), 1e-11);
    assert_true(d_x[1] == 0.0);
    small_net_close(s);
}

/* y' = -2 (t - m) from w^2 - m^2: over two crossings within one step no sign changes, and a touch
 * changes none ever. An event at the last time of all is none. */
static void test_what_signs_at_steps_do_not_show(void **state)
{
    (void)state;
    static const struct {
        const char *options;
        double w;
        int64_t events;
    } cases[] = {{"span=0 2", 0.004, 0},
                 {"span=0 2, h_max=0.007", 0.004, 1},
                 {"span=0 2, h_max=0.007", 0.0, 0},
                 {"span=0 1.034", 0.004, 0},
                 {"span=0 1.0341", 0.004, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double m = 1.03, x[1] = {cases[i].w * cases[i].w - m * m}, y[1];
        const int64_t one[] = {1};
        char *text = mem_printf(
            "[model.o]\nlayer = ode(%s, integrator=tsit5, gradient=direct, direction=%s)\n"
            "[model.o.f]\nlayer = formula(equations=y' = -2*(t - m), constants=m=1.03)\n"
            "[model.o.event]\nlayer = identity\n",
            cases[i].options, i == 4 ? "down" : "both");
        small_net *s = small_net_open(text, 1, one);
        if (i == 4) { /* from behind the first crossing */
            x[0] = 0.001;
        }
        small_net_forward(s, 1, x, y);
        assert_int_equal(events_count(s->site.odes[0], 0), i == 4 ? 0 : cases[i].events);
        if (cases[i].events == 1 && i != 4) {
            close_to("time", events_time(s->site.odes[0], 0, 0), 1.026, 1e-12);
        }
        small_net_close(s);
        mem_free(text);
    }
}

/* ---- what is refused, and what fails ---- */

static void refuse(const char *text, odeon_status expected, const char *words)
{
    odeon_status status;
    small_net *s = small_net_try(text, 1, four, &status);
    if (status != expected || strstr(diag_message(), words) == NULL) {
        fail_msg("%d '%s' does not say '%s'", (int)status, diag_message(), words);
    }
    small_net_close(s);
}

#define REFUSED(options, rest)                                                                     \
    "[model.o]\nlayer = ode(span=0 1, gradient=direct, " options                                   \
    ")\n[model.o.f]\nlayer = identity\n" rest

static void test_events_that_cannot_be_are_refused(void **state)
{
    (void)state;
    refuse(REFUSED("integrator=tsit5", "[model.o.reset]\nlayer = identity\n"), ODEON_ERR_CONFIG,
           "o: a section reset needs a section event that says when");
    refuse(REFUSED("integrator=tsit5", "[model.o.event]\nlayer = identity\n"), ODEON_ERR_CONFIG,
           "o: its section event must make one number of a sample, but it makes [4]");
    refuse(REFUSED("integrator=tsit5", "[model.o.event]\nlayer = dense(units=1)\n"
                                       "[model.o.reset]\nlayer = dense(units=2)\n"),
           ODEON_ERR_CONFIG, "o: its section reset must map a state to another, but it makes [2]");
    refuse(REFUSED("integrator=tsit5", "[model.o.event]\nlayer = batchnorm\nthen = dense(units=1)"),
           ODEON_ERR_CONFIG, "no batch norm and no random layer, as o.event");
    refuse(REFUSED("integrator=adams_bashforth(order=2), steps=4",
                   "[model.o.event]\nlayer = dense(units=1)\n"),
           ODEON_ERR_CONFIG,
           "o: integrator adams_bashforth is for equal steps, but the step that ends at an event");
}

/* text: of a network whose input is x. */
static void check_fails(const char *text, const double *x, bool backward, const char *words)
{
    odeon_status status;
    double y[4], d_y[4] = {1.0, 1.0, 1.0, 1.0}, d_x[4];
    small_net *s = small_net_try(text, 1, four, &status);
    assert_int_equal(status, ODEON_OK);
    small_net_bind(s);
    const net_plan *plan;
    assert_int_equal(net_plan_for(s->net, 1, ODEON_CALL_TRAIN, &plan), ODEON_OK);
    assert_int_equal(buffer_fit(s->device, &s->frame, plan->frame_bytes), ODEON_OK);
    s->call.n_global = 1;
    status = net_forward(plan, &s->call, x, y, s->frame.data);
    if (backward && status == ODEON_OK) {
        status = net_vjp(plan, &s->call, s->frame.data, d_y, d_x, NULL);
    }
    if (status != ODEON_ERR_NUMERIC || strstr(diag_message(), words) == NULL) {
        fail_msg("%d '%s' does not say '%s'", (int)status, diag_message(), words);
    }
    diag_clear();
    small_net_close(s);
}

/* Constants that are not learned need no values of the network's. */
#define FALL(options, event, reset)                                                                \
    "[model.o]\nlayer = ode(integrator=tsit5, gradient=direct, " options ")\n[model.o.f]\n"        \
    "layer = formula(equations=h' = v | v' = -9.81 | a' = 0 | b' = 0)\n[model.o.event]\n"          \
    "layer = formula(inputs=h v a b, outputs=d, equations=d = " event ")\n[model.o.reset]\n"       \
    "layer = formula(inputs=h v a b, outputs=h w a b, equations=w = " reset ")\n"

static void test_solves_that_events_end_say_why(void **state)
{
    (void)state;
    const double x[4] = {1.5, 0.0, 0.0, 0.0}, still[4] = {0.0, 0.0, 0.0, 0.0};
    /* bounces accumulate at 4.977 */
    check_fails(FALL("span=0 6, direction=down", "h", "-0.8*v"), x, false,
                "o: more than max_events = 100 events, the last at t = 4.9770113");
    check_fails(FALL("span=0 6, max_events=3", "h", "-0.8*v"), x, false,
                "max_events = 3 events, the last at t = 2.7119");
    check_fails(FALL("span=0 6", "0*h/a", "-v"), x, false, "o: the event function is ");
    /* an event that neither state nor time moves cannot be differentiated, and does not arise */
    check_fails(FALL("span=0 1, rtol=1e-9, atol=1e-9", "if(t > 0.5, 1, -1)", "-v"), still, true,
                "the time of this event cannot be differentiated");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ball_is_its_closed_form),
        cmocka_unit_test(test_outputs_between_events),
        cmocka_unit_test(test_steps_of_all_legs_are_one_list),
        cmocka_unit_test(test_solve_ends_at_a_terminal_event),
        cmocka_unit_test(test_event_of_time_in_a_solve_backward),
        cmocka_unit_test(test_what_signs_at_steps_do_not_show),
        cmocka_unit_test(test_events_that_cannot_be_are_refused),
        cmocka_unit_test(test_solves_that_events_end_say_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
