#include "adam.h"
#include "odeon/device_optimizer.h"

static int32_t moment_count(void *self)
{
    (void)self;
    return 2;
}

/* Names of torch.optim.Adam's state; they are written to checkpoints. */
static const char *moment_name(void *self, int32_t index)
{
    (void)self;
    static const char *const names[] = {"exp_avg", "exp_avg_sq"};
    return index == 0 || index == 1 ? names[index] : NULL;
}

static double learning_rate(void *self)
{
    const adam *optimizer = self;
    return optimizer->lr;
}

/* param, grad, moment[0], moment[1] [n]; the schedule scales lr at every step. */
static odeon_status update(void *self, const odeon_update *u)
{
    const adam *optimizer = self;
    return ODEON_DO(
        u->device, optimizer, adam_step, u->queue, .p = u->param, .g = &u->grad->view,
        .m = &u->moment[0], .v = &u->moment[1], .lr = optimizer->lr * u->lr_factor,
        .beta1 = optimizer->beta1, .beta2 = optimizer->beta2, .epsilon = optimizer->epsilon,
        .decay_l2 = optimizer->decoupled ? 0.0 : optimizer->weight_decay,
        .decay_decoupled = optimizer->decoupled ? optimizer->weight_decay : 0.0, .step = u->step);
}

const odeon_optimizer_ops adam_ops = {.struct_size = sizeof(odeon_optimizer_ops),
                                      .flags = ODEON_OPTIMIZER_ELEMENTWISE,
                                      .moment_count = moment_count,
                                      .moment_name = moment_name,
                                      .learning_rate = learning_rate,
                                      .update = update,
                                      .scheduled = "weight_decay"};
