#!/usr/bin/env python3
"""Times the five models in JAX with diffrax, compiled. With --count it counts evaluations of the fields instead
and writes the file of --counts.

  diffrax_models.py --files FOLDER [--device cpu] [--math tf32] [--counts FILE [--count]] [...]

XLA_FLAGS=--xla_gpu_enable_command_buffer=+WHILE,+CONDITIONAL lets XLA put the loop of a solve into a CUDA graph.
"""
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

sys.dont_write_bytecode = True
import common
import models

options = common.options(__doc__)
system = options.system or "diffrax"
if options.device == "cpu":
    os.environ["JAX_PLATFORMS"] = "cpu"
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
common.need(system, "numpy")
jax = common.need(system, "jax")
diffrax = common.need(system, "diffrax")
import jax.numpy as np
import numpy

jax.config.update("jax_default_matmul_precision", "tensorfloat32" if options.math == "tf32" else "highest")


class Operators:
    relu = staticmethod(jax.nn.relu)
    flatten = staticmethod(lambda z: z.reshape(z.shape[0], -1))
    dense = staticmethod(lambda z, w, b: z @ w.T + b)
    mean_of_places = staticmethod(lambda z: z.mean((2, 3)))

    @staticmethod
    def conv(z, w, b, stride=1, padding=0):
        z = jax.lax.conv_general_dilated(z, w, (stride, stride), [(padding, padding)] * 2,
                                         dimension_numbers=("NCHW", "OIHW", "NCHW"))
        return z + b[None, :, None, None]

    @staticmethod
    def group_norm(z, n, w, b):
        groups = z.reshape(z.shape[0], n, -1)
        mean = groups.mean(2, keepdims=True)
        groups = (groups - mean) * jax.lax.rsqrt(groups.var(2, keepdims=True) + 1e-5)
        return groups.reshape(z.shape) * w[None, :, None, None] + b[None, :, None, None]

    @staticmethod
    def batch_norm(z, p, name, training):
        """Running statistics are read, but not moved in training."""
        at = lambda v: v[None, :, None, None]
        mean, variance = (z.mean((0, 2, 3)), z.var((0, 2, 3))) if training else \
            (p[name + ".running_mean"], p[name + ".running_var"])
        return (z - at(mean)) * at(jax.lax.rsqrt(variance + 1e-5) * p[name + ".weight"]) + at(p[name + ".bias"])

    @staticmethod
    def average_pool(z):
        return z.reshape(*z.shape[:2], z.shape[2] // 2, 2, z.shape[3] // 2, 2).mean((3, 5))

    @staticmethod
    def with_time(t, z, last):
        time = np.full_like(z[:, :1], t)
        return np.concatenate([z, time] if last else [time, z], 1)

    @staticmethod
    def with_zeros(z, channels):
        return np.pad(z, ((0, 0), (0, channels), (0, 0), (0, 0)))


class Rk38(diffrax.AbstractERK):
    """The 3/8 rule. Steps are equal: the error estimate is for form alone."""
    tableau = diffrax.ButcherTableau(
        c=numpy.array(models.RK38[2][1:]), b_sol=numpy.array(models.RK38[1]), b_error=numpy.zeros(4),
        a_lower=tuple(numpy.array(row) for row in models.RK38[0][1:]))
    interpolation_cls = diffrax.ThirdOrderHermitePolynomialInterpolation.from_k

    def order(self, terms):
        return 4


class Counter:
    """Evaluations of a field, as they happen."""
    def __init__(self):
        self.n = 0

    def add(self):
        self.n += 1

    def take(self):
        jax.effects_barrier()
        n, self.n = self.n, 0
        return n


class Case:
    def __init__(self, name, counter=None):
        self.name, self.spec, self.counter = name, models.SPEC[name], counter
        weights, self.solve_file, self.train = common.files(options, name)
        self.p = {key: np.asarray(value) for key, value in weights.items()}
        self.moving = {key: self.p[key] for key in models.trained(self.p)}
        self.still = {key: value for key, value in self.p.items() if key not in self.moving}
        self.y0, self.x = np.asarray(self.solve_file["y0"]), np.asarray(self.train["x"])
        self.labels = np.asarray(self.train["y"].astype("int32"))

    def integrate(self, p, y0, training):
        """y(1) and the number of steps that were tried."""
        def f(t, y, p):
            if self.counter is not None:
                jax.debug.callback(self.counter.add)
            return models.field(Operators, self.name, p, training)(t, y)
        in_field = {key: value for key, value in p.items() if key.startswith("ode.")}
        tolerance = self.spec["tolerance"]
        fixed = tolerance is None
        control = diffrax.ConstantStepSize() if fixed else diffrax.PIDController(rtol=tolerance, atol=tolerance)
        backsolve = training and self.spec["gradient"] == "adjoint"
        found = diffrax.diffeqsolve(
            diffrax.ODETerm(f), Rk38() if fixed else diffrax.Dopri5(), 0.0, 1.0, 1.0 if fixed else None, y0, in_field,
            stepsize_controller=control, saveat=diffrax.SaveAt(t1=True),
            adjoint=diffrax.BacksolveAdjoint() if backsolve else diffrax.RecursiveCheckpointAdjoint(),
            max_steps=4 if fixed else 4096)
        return found.ys[0], found.stats["num_steps"]

    def forward(self, p, y0):
        return self.integrate(p, y0, False)

    def loss(self, moving, still, x, labels):
        p = dict(moving, **still)
        y, steps = self.integrate(p, models.stem(Operators, self.name, p, x), True)
        logits = jax.nn.log_softmax(models.head(Operators, self.name, p, y))
        return -np.take_along_axis(logits, labels[:, None], 1).mean(), steps

    def start(self):
        """What the optimizer keeps."""
        zeros = {key: np.zeros_like(value) for key, value in self.moving.items()}
        return (zeros,) if self.spec["optimizer"] == "sgd" else (zeros, zeros, np.zeros(()))

    def step(self, moving, kept, still, x, labels):
        (loss, steps), gradient = jax.value_and_grad(self.loss, has_aux=True)(moving, still, x, labels)
        rate = models.LEARNING_RATE
        if self.spec["optimizer"] == "sgd":
            velocity = jax.tree.map(lambda v, g: models.MOMENTUM * v + g, kept[0], gradient)
            return jax.tree.map(lambda w, v: w - rate * v, moving, velocity), (velocity,), loss, steps
        mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, kept[0], gradient)
        square = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, kept[1], gradient)
        n = kept[2] + 1
        change = lambda w, m, v: w - rate * (m / (1 - 0.9 ** n)) / (np.sqrt(v / (1 - 0.999 ** n)) + 1e-8)
        return jax.tree.map(change, moving, mean, square), (mean, square, n), loss, steps


def evals_of(case, steps):
    """Forward evaluations of a solve: two to choose the first step, one to begin, six a step."""
    return 4 * int(steps) if case.spec["tolerance"] is None else 3 + 6 * int(steps)


def time_forward(case, compiled):
    y1, steps = compiled(case.p, case.y0)
    evals = (evals_of(case, steps), 0)

    def sample(calls):
        began = time.perf_counter()
        for _ in range(calls):
            result = compiled(case.p, case.y0)
        jax.block_until_ready(result)
        return time.perf_counter() - began
    timed = common.measure(options, sample)
    gap = common.gap(case.solve_file["y1"], y1)
    common.line(system, case.name, "forward", len(case.y0), timed, evals, float("nan"), gap)


def time_training(case, compiled):
    moving, kept, loss, steps = compiled(case.moving, case.start(), case.still, case.x, case.labels)
    state = [moving, kept]
    loss = float(loss)

    def sample(calls):
        began = time.perf_counter()
        for _ in range(calls):
            state[0], state[1], _, _ = compiled(state[0], state[1], case.still, case.x, case.labels)
        jax.block_until_ready(state)
        return time.perf_counter() - began
    timed = common.measure(options, sample)
    gap = common.gap(case.train["loss"], [loss])
    common.line(system, case.name, "train", len(case.x), timed, (evals_of(case, steps), None), loss, gap)


def jobs(case):
    """What is timed, with the arguments that it is compiled for."""
    return [(time_forward, case.forward, (case.p, case.y0)),
            (time_training, case.step, (case.moving, case.start(), case.still, case.x, case.labels))]


def compiled_jobs():
    """Compiles everything at once, on all cores, before anything is timed."""
    def compile(name, measure, function, arguments):
        try:
            return name, measure, jax.jit(function).lower(*arguments).compile()
        except Exception as reason:
            return name, None, reason
    with ThreadPoolExecutor(max(1, min(10, os.cpu_count() or 1))) as pool:
        cases = {name: Case(name) for name in options.cases}
        waiting = [pool.submit(compile, name, *job) for name in options.cases for job in jobs(cases[name])]
        return cases, [job.result() for job in waiting]


def count_all():
    """Writes {case: [evaluations forward, evaluations in the whole step less those]}. The two that choose a
    first step are not seen by the counter and are added."""
    counts = {}

    def count(name):
        counter = Counter()
        case = Case(name, counter)
        arguments = (case.moving, case.still, case.x, case.labels)
        jax.block_until_ready(jax.jit(case.loss)(*arguments))
        seen, unseen = counter.take(), 0 if case.spec["tolerance"] is None else 2
        jax.block_until_ready(jax.jit(jax.grad(case.loss, has_aux=True))(*arguments))
        forward, backward = seen + unseen, counter.take() - seen
        counts[name] = [forward, backward + (unseen if case.spec["gradient"] == "adjoint" else 0)]
        steps = int(jax.jit(case.loss)(*arguments)[1])
        counter.take()
        if forward != evals_of(case, steps):
            raise ValueError("%d evaluations in %d steps, expected %d" % (forward, steps, evals_of(case, steps)))
    for name in options.cases:
        common.attempt(system, name, count, name)
        with open(options.counts, "w") as file:  # after each, lest time runs out
            json.dump(counts, file)


def main():
    if options.count:
        count_all()
        return
    print("fact\t%s\tjax %s, diffrax %s, %s, %s" % (system, jax.__version__, diffrax.__version__,
                                                   jax.devices()[0].device_kind, options.math), flush=True)
    if options.device == "cuda" and jax.default_backend() == "cpu":
        common.skip(system, "-", "jax %s sees no card" % jax.__version__)
        sys.exit(3)
    cases, jobs = compiled_jobs()
    for name, measure, compiled in jobs:
        if measure is None:
            common.skip(system, name, "%s: %s" % (type(compiled).__name__, compiled))
        else:
            common.attempt(system, name, measure, cases[name], compiled)


main()
