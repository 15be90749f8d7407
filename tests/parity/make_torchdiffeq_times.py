#!/usr/bin/python3
"""Writes torchdiffeq_times.safetensors: what torchdiffeq does for output at many times, in float64.

The field, its parameters and y0 [5,6] are those of d_iris_smooth; the loss is sum(y * cot) over all
outputs, y0 among them. Needs what make_torchdiffeq_runs.py needs.

CASE/ holds times [T], cot and y [5,T,6], evals and (adaptive) steps of the forward solve, rows t, h,
accepted; CASE/GRADIENT/ holds evals and steps of the backward pass where there is one (all intervals,
h is positive), grad_y0 and grad_param/PATH. GRADIENT is direct (autograd through odeint with first_step
given), or odeint_adjoint with torchdiffeq's own norm (full) or its seminorm.
"""
import os

import numpy as np
import torch
from make_torchdiffeq_runs import HERE, Iris, Watch
from make_fashion_losses import write
from make_model_b import read
from torchdiffeq import odeint, odeint_adjoint

OUT = os.path.join(HERE, "torchdiffeq_times.safetensors")
FIRST_STEP = 0.05

EVEN, MANY = torch.linspace(0, 1, 6, dtype=torch.float64), torch.linspace(0, 1, 25, dtype=torch.float64)
FALLING = torch.tensor([1.0, 0.9, 0.35, 0.3, -0.5], dtype=torch.float64)
UNEVEN = torch.tensor([0.0, 0.25, 0.5, 0.625, 1.0], dtype=torch.float64)  # on the grid of 1/8
RTOL = torch.tensor([1e-3, 1e-4, 1e-5, 1e-3, 1e-2, 1e-3], dtype=torch.float64)
ATOL = torch.tensor([1e-4, 1e-3, 1e-5, 1e-2, 1e-4, 1e-6], dtype=torch.float64)

# name, times, method, tolerances, options, gradients
CASES = [
    ("even_1e-3", EVEN, "dopri5", (1e-3, 1e-3), {}, ("direct", "full", "seminorm")),
    ("many_1e-3", MANY, "dopri5", (1e-3, 1e-3), {}, ("direct", "full", "seminorm")),
    ("many_1e-5", MANY, "dopri5", (1e-5, 1e-5), {}, ("direct", "full", "seminorm")),
    ("falling_1e-4", FALLING, "dopri5", (1e-4, 1e-4), {}, ("direct", "full", "seminorm")),
    ("rejected_1e-8", UNEVEN, "dopri5", (1e-8, 1e-8), {"first_step": 1.0}, ("direct", "full", "seminorm")),
    ("each", MANY, "dopri5", (RTOL, ATOL), {}, ("direct",)),
    ("euler", UNEVEN, "euler", (1, 1), {}, ("direct", "full")),
    ("midpoint", FALLING, "midpoint", (1, 1), {}, ("direct", "full")),
    ("rk4", UNEVEN, "rk4", (1, 1), {}, ("direct", "full")),
    ("rk4_grid", UNEVEN, "rk4", (1, 1), {"step_size": 0.125}, ("direct", "full")),
]


def solve(field, y0, cot, times, method, tolerance, options, gradient):
    """Evaluations of both passes, the watched field, y, the gradients of y0 and the parameters."""
    watch, y0 = Watch(field), y0.clone().requires_grad_()
    further = {"rtol": tolerance[0], "atol": tolerance[1], "method": method}
    adaptive = method == "dopri5"
    if gradient == "direct":
        options = dict({"first_step": FIRST_STEP} if adaptive else {}, **options)
        y = odeint(watch, y0, times, options=options, **further)
    else:
        norm = {"norm": gradient} if gradient == "seminorm" else {}
        y = odeint_adjoint(watch, y0, times, options=options or None,
                           adjoint_options=dict(options, **norm), **further)
    forward = watch.evals
    gradients = torch.autograd.grad((y.transpose(0, 1) * cot).sum(), [y0] + list(field.parameters()))
    return (forward, watch.evals - forward), watch, y.transpose(0, 1), gradients


def record(tensors, field, y0, seed, name, times, method, tolerance, options, gradients):
    generator = torch.Generator().manual_seed(seed)
    cot = torch.randn(y0.shape[0], len(times), y0.shape[1], generator=generator, dtype=torch.float64)
    tensors[name + "/times"], tensors[name + "/cot"] = times.numpy(), cot.numpy()
    for gradient in gradients:
        evals, watch, y, found = solve(field, y0, cot, times, method, tolerance, options, gradient)
        tag = "%s/%s/" % (name, gradient)
        tensors[tag + "y"] = y.detach().contiguous().numpy()
        tensors[tag + "evals"] = np.array([float(evals[0])])
        tensors[tag + "evals_backward"] = np.array([float(evals[1])])
        if watch.steps:
            tensors[tag + "steps"] = np.array(watch.steps)
        if watch.backward_steps:
            tensors[tag + "steps_backward"] = np.array(watch.backward_steps)
            if times[1] < times[0]:  # a backward pass then counts -t
                tensors[tag + "steps_backward"][:, 0] *= -1
        tensors[tag + "grad_y0"] = found[0].numpy()
        for (key, _), values in zip(field.named_parameters(), found[1:]):
            tensors[tag + "grad_param/" + key] = values.contiguous().numpy()
        print("%s: evaluations %d and %d, steps %d and %d, rejected %d and %d" % (
            tag, *evals, len(watch.steps), len(watch.backward_steps),
            *(sum(row[2] == 0 for row in rows) for rows in (watch.steps, watch.backward_steps))))


def main():
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    given = {key: torch.from_numpy(value.copy())
             for key, value in read(os.path.join(HERE, "d_iris_smooth.safetensors"))[1].items()}
    field, tensors = Iris(), {}
    field.load_state_dict({key: given["param/" + key] for key in field.state_dict()})
    tensors["rtol"], tensors["atol"] = RTOL.numpy(), ATOL.numpy()
    for seed, case in enumerate(CASES):
        record(tensors, field, given["y0"], seed, *case)
    write(OUT, tensors)


if __name__ == "__main__":
    main()
