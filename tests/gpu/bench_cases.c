#include "bench_cases.h"

const bench_case bench_cases[BENCH_CASES] = {
    {
        .name = "a",
        .ini = "conf/mnist_odenet_groupnorm.ini",
        .batch = 16,
        .state_ndim = 3,
        .state = {6, 26, 26},
        .solve = {"model.conv.enabled=no", "data.pixels.enabled=no"},
        .train = {"train.optimizer=sgd(lr=1e-12, momentum=0.9)"},
    },
    {
        .name = "b",
        .ini = "conf/fashion_mnist_conv_node.ini",
        .batch = 128,
        .state_ndim = 1,
        .state = {2028},
        .both = {"model.ode.integrator=dopri5", "model.ode.control=torchdiffeq",
                 "model.ode.gradient=adjoint(norm=full)"},
        .solve = {"model.conv.enabled=no"},
        .train = {"train.optimizer=adamw(lr=1e-12, weight_decay=0)"},
    },
    {
        .name = "c",
        .ini = "conf/mnist_rknet_rk4.ini",
        .batch = 128,
        .state_ndim = 3,
        .state = {64, 6, 6},
        .both = {"model.ode.integrator=rk4_38"}, /* what torchdiffeq calls rk4 */
        .solve = {"model.down.enabled=no", "model.shrink.enabled=no"},
        .train = {"train.optimizer=adam(lr=1e-12)"},
    },
    {
        .name = "d",
        .ini = "conf/mnist_anode_conv.ini",
        .batch = 256,
        .state_ndim = 3,
        .state = {6, 28, 28},
        .solve = {"model.augment.enabled=no"},
        .train = {"train.optimizer=adam(lr=1e-12)"},
    },
    {
        .name = "e",
        .ini = "conf/mnist_odenet.ini",
        .batch = 128,
        .state_ndim = 3,
        .state = {64, 6, 6},
        .both = {"data.crop.enabled=no"},
        .solve = {"model.stem.enabled=no", "model.half.enabled=no", "model.quarter.enabled=no"},
        .train = {"train.optimizer=sgd(lr=1e-12, momentum=0.9)"},
    },
};
