#!/usr/bin/python3
"""Writes torchdiffeq_runs.safetensors: what torchdiffeq does for one ODE block, forward and backward.

odeint_adjoint with dopri5 on [0,1] in float64, for the fields of a_smooth and d_iris_smooth with the
parameters, y0 and cot of those files; the backward solve with the norm that torchdiffeq has by default
("full") and with its seminorm. Needs PyTorch and NumPy (python3-torch, python3-numpy) and torchdiffeq
0.2.5 of the Python index:

  /usr/bin/python3 -m pip download torchdiffeq==0.2.5 --no-deps --dest FOLDER
  PYTHONPATH=FOLDER/torchdiffeq-0.2.5-py3-none-any.whl tests/parity/make_torchdiffeq_runs.py

FIELD/TOLERANCE/ holds y1, and of the forward solve evals and steps (rows t, h, accepted);
FIELD/TOLERANCE/NORM/ holds evals and steps of the backward one (t falls, h is positive) and the
gradients of sum(y(1) * cot), grad_y0 and grad_param/PATH.
"""
import os
import sys
import types

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

sys.dont_write_bytecode = True  # no cache among the fixtures
from make_fashion_losses import write
from make_model_b import read

try:
    import scipy.integrate  # torchdiffeq imports it for solvers that are not used here
except ImportError:
    sys.modules["scipy"] = types.ModuleType("scipy")
    sys.modules["scipy.integrate"] = types.ModuleType("scipy.integrate")
    sys.modules["scipy.integrate"].solve_ivp = None
from torchdiffeq import odeint_adjoint

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "torchdiffeq_runs.safetensors")


class Norms(nn.Module):
    """Norm, softplus, convolution, the same norm again."""
    def __init__(self):
        super().__init__()
        self.gn, self.conv = nn.GroupNorm(3, 3), nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, t, y):
        return self.gn(self.conv(F.softplus(self.gn(y))))


class Iris(nn.Module):
    """Three dense layers, time the first input."""
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2, self.fc3 = nn.Linear(7, 10), nn.Linear(10, 10), nn.Linear(10, 6)

    def forward(self, t, y):
        y = torch.cat([torch.ones_like(y[:, :1]) * t, y], 1)
        return self.fc3(F.softplus(self.fc2(F.softplus(self.fc1(y)))))


class Watch(nn.Module):
    """Counts evaluations and lists the steps of both solves."""
    def __init__(self, f):
        super().__init__()
        self.f, self.evals, self.steps, self.backward_steps = f, 0, [], []

    def forward(self, t, y):
        self.evals += 1
        return self.f(t, y)

    def callback_accept_step(self, t, y, h):
        self.steps.append([float(t), float(h), 1.0])

    def callback_reject_step(self, t, y, h):
        self.steps.append([float(t), float(h), 0.0])

    def callback_accept_step_adjoint(self, t, y, h):
        self.backward_steps.append([float(t), float(h), 1.0])

    def callback_reject_step_adjoint(self, t, y, h):
        self.backward_steps.append([float(t), float(h), 0.0])


def solve(field, y0, cot, tolerance, norm):
    """Evaluations of both solves, the watched field, y(1), the gradients of y0 and the parameters."""
    watch, y0 = Watch(field), y0.clone().requires_grad_()
    options = {} if norm == "full" else {"norm": norm}
    y1 = odeint_adjoint(watch, y0, torch.tensor([0.0, 1.0]), rtol=tolerance, atol=tolerance,
                        method="dopri5", adjoint_options=options)[1]
    forward = watch.evals
    gradients = torch.autograd.grad((y1 * cot).sum(), [y0] + list(field.parameters()))
    return (forward, watch.evals - forward), watch, y1, gradients


def record(tensors, name, field, tolerance):
    given = {key: torch.from_numpy(value.copy()) for key, value in read(os.path.join(HERE, name + ".safetensors"))[1].items()}
    field.load_state_dict({key: given["param/" + key] for key in field.state_dict()})
    tag = "%s/%g/" % (name, tolerance)
    for norm in ("full", "seminorm"):
        evals, watch, y1, gradients = solve(field, given["y0"], given["cot"], tolerance, norm)
        tensors[tag + "y1"] = y1.detach().numpy()
        tensors[tag + "evals"] = np.array([float(evals[0])])
        tensors[tag + "steps"] = np.array(watch.steps)
        tensors[tag + norm + "/evals"] = np.array([float(evals[1])])
        tensors[tag + norm + "/steps"] = np.array(watch.backward_steps)
        tensors[tag + norm + "/grad_y0"] = gradients[0].numpy()
        for (key, _), gradient in zip(field.named_parameters(), gradients[1:]):
            tensors[tag + norm + "/grad_param/" + key] = gradient.contiguous().numpy()
        print("%s%s: evaluations %d and %d, steps %d and %d, rejected %d and %d" % (
            tag, norm, *evals, len(watch.steps), len(watch.backward_steps),
            *(sum(row[2] == 0 for row in rows) for rows in (watch.steps, watch.backward_steps))))


def main():
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    tensors = {}
    for tolerance in (1e-1, 1e-3, 1e-5):
        record(tensors, "a_smooth", Norms(), tolerance)
    for tolerance in (1e-3, 1e-5):
        record(tensors, "d_iris_smooth", Iris(), tolerance)
    write(OUT, tensors)


if __name__ == "__main__":
    main()
