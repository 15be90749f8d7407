#!/usr/bin/python3
"""Writes logits, losses and gradients of model_a.safetensors, from the param/*, x and labels in it.

rk4x1 and rk4x4: steps of the classic Runge-Kutta method, differentiated by PyTorch; adjoint_1e-06 and
direct_1e-06: torchdiffeq's odeint_adjoint and odeint with dopri5. Step sizes are held fixed where
odeint is differentiated, also the first one, whose choice torchdiffeq differentiates like all else
(which moves a gradient by 6e-5 here). adjoint_0.1 is odeint_adjoint as the INI has it; evals are its
evaluations, forward and backward, evals_float32 those of the same in float32. Needs what make_torchdiffeq_runs.py
needs, and PYTHONPATH as it says.

  PYTHONPATH=FOLDER/torchdiffeq-0.2.5-py3-none-any.whl tests/parity/make_model_a.py
"""
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

sys.dont_write_bytecode = True  # no cache among the fixtures
from make_fashion_losses import write
from make_model_b import read
from make_torchdiffeq_runs import odeint_adjoint
from torchdiffeq import odeint
from torchdiffeq._impl import rk_common

rk_common._select_initial_step = torch.no_grad()(rk_common._select_initial_step)

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "model_a.safetensors")


class Field(nn.Module):
    """Norm, ReLU, convolution, the same norm again."""
    def __init__(self):
        super().__init__()
        self.gn, self.conv = nn.GroupNorm(6, 6), nn.Conv2d(6, 6, 3, padding=1)

    def forward(self, t, y):
        return self.gn(self.conv(F.relu(self.gn(y))))


class Block(nn.Module):
    """y(1) from y(0) by solve(f, y)."""
    def __init__(self):
        super().__init__()
        self.f, self.solve = Field(), None

    def forward(self, y):
        return self.solve(self.f, y)


def rk4(steps):
    def solve(f, y):
        h = 1 / steps
        for _ in range(steps):
            k1 = f(0, y)
            k2 = f(0, y + h / 2 * k1)
            k3 = f(0, y + h / 2 * k2)
            k4 = f(0, y + h * k3)
            y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        return y
    return solve


def adaptive(run, tolerance):
    return lambda f, y: run(f, y, torch.tensor([0.0, 1.0]), rtol=tolerance, atol=tolerance, method="dopri5")[1]


def count(net, block, x, labels):
    """Evaluations of the field, forward and backward."""
    evals = []
    hook = block.f.register_forward_hook(lambda *_: evals.append(1))
    loss = F.cross_entropy(net(x), labels)
    forward = len(evals)
    loss.backward()
    hook.remove()
    return np.array([forward, len(evals) - forward], np.float64)


def main():
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    meta, tensors = read(FILE)
    tensor = lambda name: torch.from_numpy(tensors[name].copy())
    block = Block()
    net = nn.Sequential(nn.Conv2d(1, 6, 3), nn.GroupNorm(6, 6), nn.ReLU(), block, nn.AvgPool2d(2), nn.Flatten(),
                        nn.Linear(1014, 10))
    net.load_state_dict({name: tensor("param/" + name) for name in net.state_dict()})
    solvers = {"rk4x1": rk4(1), "rk4x4": rk4(4), "adjoint_1e-06": adaptive(odeint_adjoint, 1e-6),
               "direct_1e-06": adaptive(odeint, 1e-6), "adjoint_0.1": adaptive(odeint_adjoint, 1e-1)}
    for tag, block.solve in solvers.items():
        logits = net(tensor("x"))
        loss = F.cross_entropy(logits, tensor("labels").long())
        tensors[tag + "/logits"] = logits.detach().numpy()
        tensors[tag + "/loss"] = loss.detach().numpy().reshape(1)
        names, parameters = zip(*net.named_parameters())
        for name, gradient in zip(names, torch.autograd.grad(loss, parameters)):
            tensors["%s/grad/%s" % (tag, name)] = gradient.contiguous().numpy()
    x, labels = tensor("x"), tensor("labels").long()
    tensors["adjoint_0.1/evals"] = count(net, block, x, labels)
    tensors["adjoint_0.1/evals_float32"] = count(net.float(), block, x.float(), labels)
    print(tensors["adjoint_0.1/evals"], tensors["adjoint_0.1/evals_float32"])
    write(FILE, tensors, meta)


if __name__ == "__main__":
    main()
