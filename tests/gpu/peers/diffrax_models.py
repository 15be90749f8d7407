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
from jax_case import Case, evals_of

jax.config.update("jax_default_matmul_precision", "tensorfloat32" if options.math == "tf32" else "highest")


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
        cases = {name: Case(options, name) for name in options.cases}
        waiting = [pool.submit(compile, name, *job) for name in options.cases for job in jobs(cases[name])]
        return cases, [job.result() for job in waiting]


def count_all():
    """Writes {case: [evaluations forward, evaluations in the whole step less those]}. The two that choose a
    first step are not seen by the counter and are added."""
    counts = {}

    def count(name):
        counter = Counter()
        case = Case(options, name, counter)
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
