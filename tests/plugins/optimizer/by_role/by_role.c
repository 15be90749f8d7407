/* by_role: p -= lr g, with a rate of its own for biases; so a call is of one parameter, whole. */
#include "odeon/device_solver.h"
#include "odeon/optimizer.h"
#include "odeon/param.h"
#include "odeon/plugin.h"

typedef struct by_role {
    ODEON_INSTANCE;
    double lr, bias_lr;
} by_role;

static const odeon_option *const options[] = {
    ODEON_OPTION(by_role, lr, F64, .flags = ODEON_OPTION_REQUIRED, .min_text = "0",
                 .help = "learning rate"),
    ODEON_OPTION(by_role, bias_lr, F64, .flags = ODEON_OPTION_REQUIRED, .min_text = "0",
                 .help = "learning rate of biases"),
    NULL};

static int32_t moment_count(void *self)
{
    (void)self;
    return 0;
}

static const char *moment_name(void *self, int32_t index)
{
    (void)self;
    (void)index;
    return NULL;
}

static double learning_rate(void *self)
{
    const by_role *optimizer = self;
    return optimizer->lr;
}

/* param, grad [n] of one parameter */
static odeon_status update(void *self, const odeon_update *u)
{
    const by_role *optimizer = self;
    double lr = u->role == ODEON_PARAM_BIAS ? optimizer->bias_lr : optimizer->lr;
    const odeon_view *x[2] = {&u->param->view, &u->grad->view};
    const odeon_scalar factor[2] = {odeon_imm(1.0), odeon_imm(-lr * u->lr_factor)};
    return ODEON_DO(u->device, solver, lincomb, u->queue, .y = u->param, .n = 2, .x = x,
                    .coefficient = factor);
}

static const odeon_optimizer_ops ops = {.struct_size = sizeof ops,
                                        .moment_count = moment_count,
                                        .moment_name = moment_name,
                                        .learning_rate = learning_rate,
                                        .update = update};

ODEON_PLUGIN_OPTIONS(OPTIMIZER, "by_role", &ops, "gradient descent with two rates", NULL, NULL,
                     by_role, options, NULL, NULL);
