/* lbfgs: steps along -H g, with H an inverse Hessian made of the last changes of parameters s and
 * of the gradient y, by the two-loop recursion; each as long as a line search finds, with the
 * decisions of torch.optim.LBFGS. One step of the run is up to `iterations` of these.
 *
 * All state is in moments: the gradient of before the last iteration and what this has moved, of
 * which the next makes a pair, and the pairs, newest first, 0 where there is none yet. What follows
 * from them (1 / y s, the first H) is computed anew in every step, in a run that goes on as well.
 *
 * Source: Nocedal, Wright, Numerical Optimization, 2nd ed., algorithms 7.4 and 7.5. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>

#include "line_search.h"
#include "odeon/plugin.h"
#include "vectors.h"

enum { MAX_HISTORY = 100, NAME_BYTES = 24 };
enum { MOMENT_GRAD, MOMENT_STEP, MOMENT_PAIRS }; /* then s and y of each pair */
enum { WORK_D, WORK_X, WORK_SPARE, WORK_MORE, WORK_Y, N_WORK };
enum { SEARCH_STRONG_WOLFE = 0 };

static const double least_curvature = 1e-10; /* of y s, as in torch */

typedef struct lbfgs {
    ODEON_INSTANCE;
    double lr, tolerance_grad, tolerance_change;
    int64_t iterations, evaluations, history, search, stochastic;
    char names[MOMENT_PAIRS + 2 * MAX_HISTORY][NAME_BYTES];
} lbfgs;

static const odeon_option *const options[] = {
    ODEON_OPTION(lbfgs, lr, F64, .aliases = "learningrate|eta|stepsize", .default_text = "1",
                 .flags = ODEON_OPTION_OPEN_MIN, .min_text = "0",
                 .help = "length of an iteration's first trial, in its own direction"),
    ODEON_OPTION(lbfgs, iterations, I64, .aliases = "maxiter|maxiterations", .default_text = "20",
                 .min_text = "1", .max_text = "100000", .help = "of one step of the run, at most"),
    ODEON_OPTION(lbfgs, evaluations, I64, .aliases = "maxeval|maxfun|maxevals",
                 .flags = ODEON_OPTION_OPTIONAL, .min_text = "1",
                 .help = "of loss and gradient in one step of the run, after which it ends; 5/4 of "
                         "the iterations if not given"),
    ODEON_OPTION(lbfgs, history, I64, .aliases = "historysize|m|memory|maxcor",
                 .default_text = "10", .min_text = "1", .max_text = "100",
                 .help = "pairs of changes that the inverse Hessian is made of"),
    ODEON_OPTION(lbfgs, search, CHOICE, .aliases = "linesearch|linesearchfn",
                 .default_text = "strong_wolfe", .choices = "strong_wolfe|none",
                 .help =
                     "how far an iteration goes: until both Wolfe conditions hold, or always lr "
                     "times its direction"),
    ODEON_OPTION(lbfgs, tolerance_grad, F64, .aliases = "gtol", .default_text = "1e-7",
                 .min_text = "0", .help = "largest component of a gradient that ends a step"),
    ODEON_OPTION(lbfgs, tolerance_change, F64, .aliases = "ftol|xtol", .default_text = "1e-9",
                 .min_text = "0",
                 .help = "change of the loss, or of the parameters, that ends a step"),
    ODEON_OPTION(lbfgs, stochastic, FLAG, .default_text = "no",
                 .help = "yes takes steps of batches, too; no wants all samples in each"),
    NULL};

static odeon_status init(void *self)
{
    lbfgs *o = self;
    (void)snprintf(o->names[MOMENT_GRAD], NAME_BYTES, "prev_grad");
    (void)snprintf(o->names[MOMENT_STEP], NAME_BYTES, "step");
    for (int i = 0; i < (int)o->history; i++) {
        (void)snprintf(o->names[MOMENT_PAIRS + 2 * i], NAME_BYTES, "old_stps.%d", i);
        (void)snprintf(o->names[MOMENT_PAIRS + 2 * i + 1], NAME_BYTES, "old_dirs.%d", i);
    }
    if (o->host->option_given(o->host, "evaluations") == 0) {
        o->evaluations = o->iterations * 5 / 4;
    }
    return ODEON_OK;
}

static int32_t moment_count(void *self)
{
    const lbfgs *o = self;
    return MOMENT_PAIRS + 2 * (int32_t)o->history;
}

static const char *moment_name(void *self, int32_t index)
{
    const lbfgs *o = self;
    return index >= 0 && index < moment_count(self) ? o->names[index] : NULL;
}

static double learning_rate(void *self)
{
    const lbfgs *o = self;
    return o->lr;
}

static int32_t work_count(void *self)
{
    (void)self;
    return N_WORK;
}

static int32_t whole_batch(void *self)
{
    const lbfgs *o = self;
    return o->stochastic ? 0 : 1;
}

/* A step under way. */
typedef struct descent {
    const lbfgs *o;
    const odeon_minimize *call;
    const odeon_tensor *grad, *param, *before, *step, *d;
    bool first;              /* of all: there is neither a pair nor a step that could become one */
    int n;                   /* pairs */
    double rho[MAX_HISTORY]; /* 1 / y s */
    double scale;            /* the first H, as a multiple of one */
    double loss, lr;
    int64_t evaluations;
} descent;

static const odeon_tensor *step_of(const descent *x, int pair)
{
    return &x->call->update->moment[MOMENT_PAIRS + 2 * pair];
}

static const odeon_tensor *change_of(const descent *x, int pair)
{
    return &x->call->update->moment[MOMENT_PAIRS + 2 * pair + 1];
}

/* The newest pair's says how long a step should be (equation 7.20). */
static odeon_status set_scale(descent *x)
{
    double square;
    ODEON_TRY(vector_dot(x->call, change_of(x, 0), change_of(x, 0), &square));
    x->scale = 1.0 / x->rho[0] / square;
    return ODEON_OK;
}

/* What earlier steps have left. */
static odeon_status begin(descent *x)
{
    double curvature = 1.0, moved;
    x->scale = 1.0;
    for (x->n = 0; x->n < (int)x->o->history; x->n++) {
        ODEON_TRY(vector_dot(x->call, change_of(x, x->n), step_of(x, x->n), &curvature));
        if (!(curvature > 0.0)) {
            break;
        }
        x->rho[x->n] = 1.0 / curvature;
    }
    ODEON_TRY(vector_dot(x->call, x->step, x->step, &moved));
    x->first = x->n == 0 && !(moved > 0.0);
    return x->n > 0 ? set_scale(x) : ODEON_OK;
}

/* Makes room for a pair in front; the oldest goes where there is none. */
static odeon_status shift(descent *x)
{
    x->n = x->n < (int)x->o->history ? x->n + 1 : x->n;
    for (int i = x->n - 1; i > 0; i--) {
        ODEON_TRY(vector_copy(x->call, step_of(x, i - 1), step_of(x, i)));
        ODEON_TRY(vector_copy(x->call, change_of(x, i - 1), change_of(x, i)));
        x->rho[i] = x->rho[i - 1];
    }
    return ODEON_OK;
}

/* The last step and what it has changed of the gradient; but not where the loss curves down, of
 * which no H could be made that is positive. */
static odeon_status add_pair(descent *x)
{
    const odeon_tensor *y = &x->call->work[WORK_Y];
    double curvature;
    ODEON_TRY(vector_add(x->call, y, x->grad, -1.0, x->before));
    ODEON_TRY(vector_dot(x->call, y, x->step, &curvature));
    if (!(curvature > least_curvature)) {
        return ODEON_OK;
    }
    ODEON_TRY(shift(x));
    ODEON_TRY(vector_copy(x->call, x->step, step_of(x, 0)));
    ODEON_TRY(vector_copy(x->call, y, change_of(x, 0)));
    x->rho[0] = 1.0 / curvature;
    return set_scale(x);
}

/* d = -H g (algorithm 7.4). */
static odeon_status find_direction(descent *x)
{
    double alpha[MAX_HISTORY], beta;
    ODEON_TRY(vector_add(x->call, x->d, NULL, -1.0, x->grad));
    for (int i = 0; i < x->n; i++) {
        ODEON_TRY(vector_dot(x->call, step_of(x, i), x->d, &alpha[i]));
        alpha[i] *= x->rho[i];
        ODEON_TRY(vector_add(x->call, x->d, x->d, -alpha[i], change_of(x, i)));
    }
    ODEON_TRY(vector_add(x->call, x->d, NULL, x->scale, x->d));
    for (int i = x->n - 1; i >= 0; i--) {
        ODEON_TRY(vector_dot(x->call, change_of(x, i), x->d, &beta));
        beta *= x->rho[i];
        ODEON_TRY(vector_add(x->call, x->d, x->d, alpha[i] - beta, step_of(x, i)));
    }
    return ODEON_OK;
}

/* Nothing is known of the first direction but that it goes down: it is cut to length 1. */
static odeon_status first_trial(const descent *x, double *t)
{
    double sum;
    *t = x->lr;
    if (x->first) {
        ODEON_TRY(vector_sum(x->call, x->grad, &x->call->work[WORK_SPARE], &sum));
        *t *= fmin(1.0, 1.0 / sum);
    }
    return ODEON_OK;
}

/* To t d, or back where the loss is no number there. */
static odeon_status go(descent *x, double t, bool last, double *moved)
{
    const odeon_tensor *start = &x->call->work[WORK_X];
    *moved = t;
    ODEON_TRY(vector_add(x->call, x->param, start, t, x->d));
    if (last) {
        return ODEON_OK;
    }
    ODEON_TRY(x->call->eval(x->call->host, &x->loss));
    x->evaluations++;
    if (isfinite(x->loss)) {
        return ODEON_OK;
    }
    *moved = 0.0;
    return vector_copy(x->call, start, x->param);
}

static odeon_status search(descent *x, double t, double slope, double *moved)
{
    const odeon_tensor *work = x->call->work;
    line_search s = {.call = x->call,
                     .x = &work[WORK_X],
                     .d = x->d,
                     .spare = {&work[WORK_SPARE], &work[WORK_MORE]},
                     .start = {.f = x->loss, .slope = slope, .g = x->before},
                     .t = t,
                     .tolerance = x->o->tolerance_change,
                     .most = x->o->evaluations - x->evaluations};
    line_point found;
    ODEON_TRY(line_search_run(&s, &found));
    x->evaluations += s.evaluations;
    x->loss = found.f;
    *moved = found.t;
    ODEON_TRY(found.g != x->grad ? vector_copy(x->call, found.g, x->grad) : ODEON_OK);
    return vector_add(x->call, x->param, &work[WORK_X], found.t, x->d);
}

/* Has the step come to its end? loss is that of before the iteration. */
static odeon_status judge(const descent *x, double loss, bool *end)
{
    double gradient, moved;
    ODEON_TRY(vector_max(x->call, x->grad, &gradient));
    ODEON_TRY(vector_max(x->call, x->step, &moved));
    *end = x->evaluations >= x->o->evaluations || gradient <= x->o->tolerance_grad ||
           moved <= x->o->tolerance_change || fabs(x->loss - loss) < x->o->tolerance_change;
    return ODEON_OK;
}

static odeon_status iterate(descent *x, bool last, bool *end)
{
    double slope, t, moved = 0.0, loss = x->loss;
    ODEON_TRY(x->first ? ODEON_OK : add_pair(x));
    ODEON_TRY(find_direction(x));
    ODEON_TRY(vector_copy(x->call, x->grad, x->before));
    ODEON_TRY(first_trial(x, &t));
    ODEON_TRY(vector_dot(x->call, x->grad, x->d, &slope));
    *end = !(slope <= -x->o->tolerance_change);
    if (!*end) {
        ODEON_TRY(vector_copy(x->call, x->param, &x->call->work[WORK_X]));
        ODEON_TRY(x->o->search == SEARCH_STRONG_WOLFE ? search(x, t, slope, &moved)
                                                      : go(x, t, last, &moved));
    }
    x->first = false;
    ODEON_TRY(vector_add(x->call, x->step, NULL, moved, x->d));
    return *end || last ? ODEON_OK : judge(x, loss, end);
}

/* Where the gradient is 0 already nothing is learned, not even of curvature. */
static odeon_status minimize(void *self, const odeon_minimize *call)
{
    const lbfgs *o = self;
    const odeon_update *u = call->update;
    double gradient;
    descent x = {.o = o,
                 .call = call,
                 .grad = u->grad,
                 .param = u->param,
                 .before = &u->moment[MOMENT_GRAD],
                 .step = &u->moment[MOMENT_STEP],
                 .d = &call->work[WORK_D],
                 .loss = call->loss,
                 .lr = o->lr * u->lr_factor,
                 .evaluations = 1};
    ODEON_TRY(vector_max(call, u->grad, &gradient));
    bool end = gradient <= o->tolerance_grad;
    ODEON_TRY(end ? ODEON_OK : begin(&x));
    for (int64_t i = 1; i <= o->iterations && !end; i++) {
        ODEON_TRY(iterate(&x, i == o->iterations, &end));
    }
    return ODEON_OK;
}

static const odeon_optimizer_ops ops = {
    .struct_size = sizeof ops,
    .moment_count = moment_count,
    .moment_name = moment_name,
    .learning_rate = learning_rate,
    .minimize = minimize,
    .work_count = work_count,
    .whole_batch = whole_batch,
};

ODEON_PLUGIN_OPTIONS(OPTIMIZER, "lbfgs", &ops,
                     "quasi-Newton steps with a line search, of all samples at once",
                     "Liu, Nocedal, On the limited memory BFGS method for large scale "
                     "optimization, 1989; Nocedal, Wright, Numerical Optimization, 2nd ed., ch. 7",
                     "bfgs|l_bfgs|quasinewton", lbfgs, options, init, NULL);
