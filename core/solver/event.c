/* Where a crossing lies is found by steps, not on dense output: the last step is made again with
 * smaller sizes, each from the same start. So every method has events, the state at one is as good
 * as at the end of any step, and its reverse is that of a step. */
#include "solver/event.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "solver/outputs.h"
#include "solver/step.h"

/* A step that crosses: where it starts, its size, its program. */
typedef struct crossing {
    const program *p;
    double t, h, t_end;
    double a, g_a, b, g_b; /* fractions of h between which the sign changes, and g there */
    double made;           /* the fraction that the registers hold now */
    double slack;          /* fractions that are not told apart */
    int side;              /* which of the ends stayed where it was last: -1 a, 1 b */
} crossing;

static odeon_status value_at(solver *s, double t, double *g)
{
    const odeon_tensor y = vector_tensor(s, s->step.value[REG_Y1]);
    ODEON_TRY(s->watch->value(s->watch->self, t, &y.view, g));
    return isfinite(*g) ? ODEON_OK
                        : diag_fail(ODEON_ERR_NUMERIC,
                                    "%s: the event function is %g at t = %g: it must be a finite "
                                    "number along the solution",
                                    s->path, *g, t);
}

static bool crosses(int32_t direction, double before, double after)
{
    bool up = before < 0.0 && after >= 0.0, down = before > 0.0 && after <= 0.0;
    return (up && direction >= 0) || (down && direction <= 0);
}

/* The last fraction is the step's own end to the bit. */
static double time_at(const crossing *c, double x)
{
    return x == 1.0 ? c->t_end : c->t + x * c->h;
}

/* Makes the step with the fraction x of its size. */
static odeon_status make(solver *s, crossing *c, double x)
{
    step_reject(s);
    ODEON_TRY(step_set_time(s, c->t, x == 1.0 ? c->h : x * c->h));
    odeon_status status = step_run(s, c->p);
    c->made = x;
    return status <= 0 ? status
                       : diag_fail(ODEON_ERR_NUMERIC,
                                   "%s: the step from t = %g that an event cuts to %g cannot be "
                                   "made",
                                   s->path, c->t, x * c->h);
}

/* Regula falsi with halved values (Illinois). The start of a solve may lie on the event itself,
 * where only its side is known: until both ends have been evaluated, and where the interval does
 * not shrink, it is halved. */
static double next_fraction(const crossing *c, int32_t trial)
{
    double half = 0.5 * (c->a + c->b);
    if (c->a == 0.0 || trial % 4 == 3) {
        return half;
    }
    double x = c->a + (c->b - c->a) * (c->g_a / (c->g_a - c->g_b));
    double least = c->a + 0.5 * c->slack, most = c->b - 0.5 * c->slack;
    return !(x > least) ? fmin(least, half) : x < most ? x : fmax(most, half);
}

static void narrow(crossing *c, double before, double x, double g)
{
    bool first = (g < 0.0) == (before < 0.0) && g != 0.0; /* still on the side of the start */
    int side = first ? 1 : -1;
    if (first) {
        c->a = x;
        c->g_a = g;
        c->g_b *= c->side == side ? 0.5 : 1.0;
    } else {
        c->b = x;
        c->g_b = g;
        c->g_a *= c->side == side ? 0.5 : 1.0;
    }
    c->side = side;
}

/* Leaves the step made to the crossing, or as far behind it as two times are not told apart. */
static odeon_status find(solver *s, crossing *c)
{
    enum { MOST_TRIALS = 200 };
    double before = s->watch->before;
    for (int32_t trial = 0; trial < MOST_TRIALS && c->b - c->a > c->slack && c->g_b != 0.0;
         trial++) {
        double g, x = next_fraction(c, trial);
        ODEON_TRY(make(s, c, x));
        ODEON_TRY(value_at(s, time_at(c, x), &g));
        narrow(c, before, x, g);
    }
    return c->made == c->b ? ODEON_OK : make(s, c, c->b);
}

/* Outputs at the time of the event, but for rounding, are those of the event. */
static void end_at(solver *s, double t_event)
{
    solve_watch *w = s->watch;
    double direction = solve_direction(s), slack = 8.0 * DBL_EPSILON * fabs(t_event);
    int32_t n = s->outputs.next;
    while (n < s->task.n_times && direction * (t_event - s->task.times[n]) > slack) {
        n++;
    }
    memmove(w->times, s->task.times, (size_t)n * sizeof *w->times);
    memmove(w->y, s->task.y, (size_t)n * sizeof *w->y);
    w->times[n] = t_event;
    w->y[n] = w->end;
    w->n_times = n + 1;
    w->hit = true;
    s->task.times = w->times;
    s->task.y = w->y;
    s->task.n_times = n + 1;
}

static bool is_within(const solver *s, double t_event)
{
    double slack = 8.0 * DBL_EPSILON * fabs(t_event);
    return solve_direction(s) * (solve_end(s) - t_event) > slack;
}

odeon_status event_cut(solver *s, const program *p, double t, double *h, double *t_end,
                       double next_h)
{
    solve_watch *w = s->watch;
    crossing c = {.p = p, .t = t, .h = *h, .t_end = *t_end, .b = 1.0, .made = 1.0};
    if (w == NULL) {
        return ODEON_OK;
    }
    ODEON_TRY(value_at(s, *t_end, &c.g_b));
    if (!crosses(w->direction, w->before, c.g_b)) {
        w->before = c.g_b;
        return ODEON_OK;
    }
    c.g_a = w->before;
    c.slack = 2.0 * DBL_EPSILON * fmax(1.0, fmax(fabs(t), fabs(*t_end)) / fabs(*h));
    double after = c.g_b;
    ODEON_TRY(find(s, &c));
    if (is_within(s, time_at(&c, c.b))) {
        *t_end = time_at(&c, c.b);
        *h = c.b * c.h;
        end_at(s, *t_end);
        return ODEON_OK;
    }
    w->before = after;
    ODEON_TRY(c.made == 1.0 ? ODEON_OK : make(s, &c, 1.0));
    return step_set_time(s, *t_end, next_h);
}

bool event_has_cut(const solver *s)
{
    return s->watch != NULL && s->watch->hit;
}
