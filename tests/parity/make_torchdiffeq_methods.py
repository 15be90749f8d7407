#!/usr/bin/python3
"""Writes torchdiffeq_methods.safetensors: the integrators that torchdiffeq has, as it computes them.

For bosh3, dopri8, adaptive_heun and fehlberg2 the coefficients, tableau/ID/A, b, c, b_minus_bhat, and
one step of size 0.2 from t = 0.1 of two small ODEs, onestep/ID/ODE/y1, err. For the methods of fixed
steps (euler, midpoint, heun2, heun3, rk4, which is the 3/8 rule) ten steps on [0,2], fixed/ID/ODE.
For bosh3 and dopri8 whole solves on [0,1] of the fields of a_smooth and d_iris_smooth, which end in a
step that is cut short (step_t): FIELD/ID/TOLERANCE/y1, evals, steps (rows t, h, accepted). No error
ratio of theirs comes nearer to 1 than 1e-6. adaptive_heun and fehlberg2 have no such solves: from its
second step on torchdiffeq starts them with the slope of the last stage, which is not that of y1.

Needs what make_torchdiffeq_runs.py needs, and is called in the same way.
"""
import os
import sys

import numpy as np
import torch

sys.dont_write_bytecode = True  # no cache among the fixtures
from make_fashion_losses import write
from make_model_b import read
from make_torchdiffeq_runs import HERE, Iris, Norms, Watch
from torchdiffeq import odeint
from torchdiffeq._impl import adaptive_heun, bosh3, dopri8, fehlberg2, rk_common

OUT = os.path.join(HERE, "torchdiffeq_methods.safetensors")
TABLEAUX = {"bosh3": bosh3._BOGACKI_SHAMPINE_TABLEAU, "dopri8": dopri8._DOPRI8_TABLEAU,
            "adaptive_heun": adaptive_heun._ADAPTIVE_HEUN_TABLEAU, "fehlberg2": fehlberg2._FEHLBERG2_TABLEAU}


def vanderpol(t, y, perturb=None):
    return torch.stack([y[1], (1 - y[0] * y[0]) * y[1] - y[0]])


def forced(t, y, perturb=None):
    return torch.stack([torch.cos(3 * t) - y[0], y[0] * torch.sin(t)])


ODES = {"vanderpol": (vanderpol, [2.0, 0.0]), "forced": (forced, [0.5, -0.3])}


def record_tableau(tensors, name, tableau):
    stages = len(tableau.alpha) + 1
    a = np.zeros((stages, stages))
    for i, row in enumerate(tableau.beta):
        a[i + 1, :len(row)] = row.numpy()
    tag = "tableau/%s/" % name
    tensors[tag + "A"] = a
    tensors[tag + "b"] = tableau.c_sol.numpy()
    tensors[tag + "c"] = np.concatenate([[0.0], tableau.alpha.numpy()])
    tensors[tag + "b_minus_bhat"] = tableau.c_error.numpy()
    for ode, (f, y0) in ODES.items():
        t0, h, y0 = torch.tensor(0.1), torch.tensor(0.2), torch.tensor(y0)
        y1, _, error, _ = rk_common._runge_kutta_step(f, y0, f(t0, y0), t0, h, t0 + h, tableau)
        tensors["onestep/%s/%s/y1" % (name, ode)] = y1.numpy()
        tensors["onestep/%s/%s/err" % (name, ode)] = error.numpy()


def record_fixed(tensors, name):
    for ode, (f, y0) in ODES.items():
        y = odeint(f, torch.tensor(y0), torch.tensor([0.0, 2.0]), method=name, options={"step_size": 0.2})
        tensors["fixed/%s/%s" % (name, ode)] = y[1].numpy()


def record_solve(tensors, name, field, method, tolerance):
    given = {key: torch.from_numpy(value.copy()) for key, value in read(os.path.join(HERE, name + ".safetensors"))[1].items()}
    field.load_state_dict({key: given["param/" + key] for key in field.state_dict()})
    watch, ratios, compute = Watch(field), [], rk_common._compute_error_ratio
    rk_common._compute_error_ratio = lambda *a: ratios.append(float(compute(*a))) or compute(*a)
    with torch.no_grad():
        y1 = odeint(watch, given["y0"], torch.tensor([0.0, 1.0]), rtol=tolerance, atol=tolerance, method=method,
                    options={"step_t": torch.tensor([1.0])})[1]
    rk_common._compute_error_ratio = compute
    assert min(abs(ratio - 1) for ratio in ratios) > 1e-6
    # torchdiffeq says the size before it cuts the step
    steps = [[t, min(h, 1.0 - t), accepted] for t, h, accepted in watch.steps]
    tag = "%s/%s/%g/" % (name, method, tolerance)
    tensors[tag + "y1"] = y1.numpy()
    tensors[tag + "evals"] = np.array([float(watch.evals)])
    tensors[tag + "steps"] = np.array(steps)
    print("%s: evaluations %d, steps %d, rejected %d" % (tag, watch.evals, len(steps), sum(s[2] == 0 for s in steps)))


def main():
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    tensors = {}
    for name, tableau in TABLEAUX.items():
        record_tableau(tensors, name, tableau)
    for name in ("euler", "midpoint", "heun2", "heun3", "rk4"):
        record_fixed(tensors, name)
    for name, field in (("a_smooth", Norms()), ("d_iris_smooth", Iris())):
        for method, tolerances in (("bosh3", (1e-3, 1e-5)), ("dopri8", (1e-3, 1e-6))):
            for tolerance in tolerances:
                record_solve(tensors, name, field, method, tolerance)
    write(OUT, tensors)


if __name__ == "__main__":
    main()
