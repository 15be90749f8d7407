#!/usr/bin/env python3
"""JAX with diffrax beside Odeon, compiled, one sample after another as peers.py asks for them. With --compile the
cases are compiled on all cores, for later runs to find in the cache."""
import os
from concurrent.futures import ThreadPoolExecutor

import peer

options = peer.options(__doc__, ["diffrax"])
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["EQX_ON_ERROR"] = "nan"  # an error that is raised is a callback, and what has one is not cached
if options.threads == 1:
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
peer.need("numpy", "jax", "diffrax")
import jax

import common
import jax_case

jax.config.update("jax_default_matmul_precision", "highest")
jax.config.update("jax_compilation_cache_dir", os.path.join(options.files, "..", "odeon-peers-jax"))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)


def forward(case):
    compiled = jax.jit(case.forward).lower(case.p, case.y0).compile()
    y1, steps = compiled(case.p, case.y0)
    call = lambda: jax.block_until_ready(compiled(case.p, case.y0))
    return call, (len(case.y0), jax_case.evals_of(case, steps), 0, common.gap(case.solve_file["y1"], y1))


def train(case):
    state = [case.moving, case.start()]
    rest = (case.still, case.x, case.labels)
    compiled = jax.jit(case.step).lower(*state, *rest).compile()

    def step():
        state[0], state[1], loss, steps = jax.block_until_ready(compiled(*state, *rest))
        return loss, steps
    loss, steps = step()
    gap = common.gap(case.train["loss"], [float(loss)])
    return step, (len(case.x), jax_case.evals_of(case, steps), "-", gap)


def prepare(name, what):
    return {"forward": forward, "train": train}[what](jax_case.Case(options, name))


def compile_all(cases):
    def compile(name, what):
        case = jax_case.Case(options, name)
        if what == "train":
            jax.jit(case.step).lower(case.moving, case.start(), case.still, case.x, case.labels).compile()
        elif case.y0 is not None:
            jax.jit(case.forward).lower(case.p, case.y0).compile()
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        list(pool.map(compile, *zip(*[(name, what) for what in ("train", "forward") for name in cases])))


if options.compile:
    compile_all(options.compile)
    raise SystemExit
peer.say("fact", "jax %s, diffrax %s" % (jax.__version__, jax_case.diffrax.__version__))
peer.serve(prepare)
