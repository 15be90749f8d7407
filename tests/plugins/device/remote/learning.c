/* The operators of learning: random layers, losses, optimizers; see operators.c. */
#include "cpu.h"
#include "remote.h"

/* ---- random ---- */

odeon_status remote_dropout(odeon_queue *queue, uint64_t key, int64_t first, double p,
                            const odeon_tensor *x, const odeon_tensor *y)
{
    odeon_tensor to, from;
    ODEON_TRY(remote_tensor(queue, "dropout", x, &from));
    ODEON_TRY(remote_tensor(queue, "dropout", y, &to));
    return cpu_dropout(remote_cpu_queue(queue), key, first, p, &from, &to);
}

odeon_status remote_window2d(odeon_queue *queue, const odeon_window2d *geometry, uint64_t key,
                             int64_t first_sample, const odeon_tensor *x, const odeon_tensor *y)
{
    odeon_tensor to, from;
    ODEON_TRY(remote_tensor(queue, "window2d", x, &from));
    ODEON_TRY(remote_tensor(queue, "window2d", y, &to));
    return cpu_window2d(remote_cpu_queue(queue), geometry, key, first_sample, &from, &to);
}

odeon_status remote_window2d_vjp(odeon_queue *queue, const odeon_window2d *geometry, uint64_t key,
                                 int64_t first_sample, const odeon_tensor *dy,
                                 const odeon_tensor *dx)
{
    odeon_tensor to, from;
    ODEON_TRY(remote_tensor(queue, "window2d_vjp", dy, &from));
    ODEON_TRY(remote_tensor(queue, "window2d_vjp", dx, &to));
    return cpu_window2d_vjp(remote_cpu_queue(queue), geometry, key, first_sample, &from, &to);
}

/* ---- loss and optimizers ---- */

odeon_status remote_softmax_cross_entropy(odeon_queue *queue, const odeon_tensor *x,
                                          const odeon_tensor *labels, double weight,
                                          const odeon_tensor *sums, const odeon_tensor *dx)
{
    odeon_tensor from, classes, totals, to;
    const odeon_tensor *use_dx;
    ODEON_TRY(remote_tensor(queue, "softmax_cross_entropy", x, &from));
    ODEON_TRY(remote_tensor(queue, "softmax_cross_entropy", labels, &classes));
    ODEON_TRY(remote_tensor(queue, "softmax_cross_entropy", sums, &totals));
    ODEON_TRY(remote_optional(queue, "softmax_cross_entropy", dx, &to, &use_dx));
    return cpu_softmax_cross_entropy(remote_cpu_queue(queue), &from, &classes, weight, &totals,
                                     use_dx);
}

odeon_status remote_difference_loss(odeon_queue *queue, int32_t kind, double beta,
                                    const odeon_tensor *x, const odeon_tensor *target,
                                    const odeon_tensor *mask, double weight,
                                    const odeon_tensor *sums, const odeon_tensor *dx)
{
    odeon_tensor from, wanted, counted, totals, to;
    const odeon_tensor *use_mask, *use_dx;
    ODEON_TRY(remote_tensor(queue, "difference_loss", x, &from));
    ODEON_TRY(remote_tensor(queue, "difference_loss", target, &wanted));
    ODEON_TRY(remote_optional(queue, "difference_loss", mask, &counted, &use_mask));
    ODEON_TRY(remote_tensor(queue, "difference_loss", sums, &totals));
    ODEON_TRY(remote_optional(queue, "difference_loss", dx, &to, &use_dx));
    return cpu_difference_loss(remote_cpu_queue(queue), kind, beta, &from, &wanted, use_mask,
                               weight, &totals, use_dx);
}

odeon_status remote_sgd_step(odeon_queue *queue, const odeon_tensor *p, const odeon_tensor *g,
                             const odeon_tensor *v, double lr, double momentum, double decay,
                             int32_t nesterov, int32_t first)
{
    odeon_tensor param, grad, velocity;
    const odeon_tensor *use_v;
    ODEON_TRY(remote_tensor(queue, "sgd_step", p, &param));
    ODEON_TRY(remote_tensor(queue, "sgd_step", g, &grad));
    ODEON_TRY(remote_optional(queue, "sgd_step", v, &velocity, &use_v));
    return cpu_sgd_step(remote_cpu_queue(queue), &param, &grad, use_v, lr, momentum, decay,
                        nesterov, first);
}

odeon_status remote_adam_step(odeon_queue *queue, const odeon_tensor *p, const odeon_tensor *g,
                              const odeon_tensor *m, const odeon_tensor *v,
                              const odeon_adam *constants)
{
    odeon_tensor param, grad, first, second;
    ODEON_TRY(remote_tensor(queue, "adam_step", p, &param));
    ODEON_TRY(remote_tensor(queue, "adam_step", g, &grad));
    ODEON_TRY(remote_tensor(queue, "adam_step", m, &first));
    ODEON_TRY(remote_tensor(queue, "adam_step", v, &second));
    return cpu_adam_step(remote_cpu_queue(queue), &param, &grad, &first, &second, constants);
}

odeon_status remote_rmsprop_step(odeon_queue *queue, const odeon_tensor *p, const odeon_tensor *g,
                                 const odeon_tensor *v, const odeon_tensor *mean,
                                 const odeon_tensor *buffer, const odeon_rmsprop *constants)
{
    odeon_tensor param, grad, square, average, moving;
    const odeon_tensor *use_mean, *use_buffer;
    ODEON_TRY(remote_tensor(queue, "rmsprop_step", p, &param));
    ODEON_TRY(remote_tensor(queue, "rmsprop_step", g, &grad));
    ODEON_TRY(remote_tensor(queue, "rmsprop_step", v, &square));
    ODEON_TRY(remote_optional(queue, "rmsprop_step", mean, &average, &use_mean));
    ODEON_TRY(remote_optional(queue, "rmsprop_step", buffer, &moving, &use_buffer));
    return cpu_rmsprop_step(remote_cpu_queue(queue), &param, &grad, &square, use_mean, use_buffer,
                            constants);
}
