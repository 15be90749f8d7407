#!/usr/bin/python3
"""Writes further networks/*.safetensors, as make_networks.py does: of networks that put together what
those of conf/ leave out: containers in one another, equations beside a network, layers of images, and
the first of them with equal steps of every integrator; dynamics with fixed steps, or tolerances of their
own for each component. Pairs have the coefficients of solvers.safetensors.

  PYTHONPATH=FOLDER/torchdiffeq-0.2.5-py3-none-any.whl tests/parity/make_parts.py [NAME ...]
"""
import os
import sys

import torch
import torch.nn.functional as F
from torch import nn

sys.dont_write_bytecode = True  # no cache among the fixtures
from make_model_b import read
from make_networks import (CLASSES, DYNAMICS, FOLDER, TIMES, Case, Ode, adaptive, fixed, global_pool, odeint, record, rk4, run,
                           spiral)


PAIRS = read(os.path.join(FOLDER, "..", "solvers.safetensors"))[1]
METHODS = {
    "euler": ([[0]], [1]),
    "midpoint": ([[0, 0], [1 / 2, 0]], [0, 1]),
    "modified_euler": ([[0, 0], [1, 0]], [1 / 2, 1 / 2]),
    "heun3": ([[0, 0, 0], [1 / 3, 0, 0], [0, 2 / 3, 0]], [1 / 4, 0, 3 / 4]),
    "rk4_38": ([[0] * 4, [1 / 3, 0, 0, 0], [-1 / 3, 1, 0, 0], [1, -1, 1, 0]], [1 / 8, 3 / 8, 3 / 8, 1 / 8]),
}
METHODS.update((name, (PAIRS["tableau/%s/A" % name].tolist(), PAIRS["tableau/%s/b" % name].tolist()))
               for name in ("adaptive_heun", "fehlberg2", "bosh3", "dopri5", "tsit5", "dopri8"))
ADAMS = {  # newest derivative first
    1: [1], 2: [3 / 2, -1 / 2], 3: [23 / 12, -16 / 12, 5 / 12], 4: [55 / 24, -59 / 24, 37 / 24, -9 / 24],
    5: [1901 / 720, -2774 / 720, 2616 / 720, -1274 / 720, 251 / 720]}


def runge_kutta(a, b, steps):
    """Where the last stage is the slope at the end it is the next step's first."""
    def solve(f, y, times):
        h, k = 1 / steps, []
        for i in range(steps):
            k = k[-1:] if a[-1] == b and b[-1] == 0 else []
            for row in a[len(k):]:
                k.append(f((i + sum(row)) * h, y + h * sum(w * x for w, x in zip(row, k))))
            y = y + h * sum(w * x for w, x in zip(b, k))
        return y
    return solve


def through(points):
    """One step of rk4 from each point to the next; y at TIMES, which are among them."""
    def solve(f, y, times):
        out = [y]
        for t, end in zip(points, points[1:]):
            y = rk4(f, t, end - t, y)
            out += [y] if end in TIMES else []
        return torch.stack(out, 1)
    return solve


def adams_bashforth(order, steps):
    """Started by the classic Runge-Kutta method."""
    def solve(f, y, times):
        h, past = 1 / steps, []
        for i in range(steps):
            past = [f(i * h, y)] + past[:order - 1]
            if len(past) < order:
                k2 = f(i * h + h / 2, y + h / 2 * past[0])
                k3 = f(i * h + h / 2, y + h / 2 * k2)
                y = y + h / 6 * (past[0] + 2 * k2 + 2 * k3 + f(i * h + h, y + h * k3))
            else:
                y = y + h * sum(w * k for w, k in zip(ADAMS[order], past))
        return y
    return solve


class Centre(nn.Module):
    def forward(self, x):
        return (x - 0.2) / 0.7


class Mirror(nn.Module):
    def forward(self, x):
        return x.flip(-1) if self.training else x


class Scale(nn.Module):
    def forward(self, x):
        return 1.7 * x - 0.2


class Branches(nn.Module):
    """The sum of what chains make of the same input, at the same time in a field."""
    def __init__(self, *chains):
        super().__init__()
        self.chains = nn.ModuleList(nn.ModuleList(chain) for chain in chains)

    def forward(self, *arguments):
        t, x = arguments if len(arguments) == 2 else (None, *arguments)
        return sum(run(chain, t, x) for chain in self.chains)


class Gate(Branches):
    """The product of two of them."""
    def forward(self, x):
        return run(self.chains[0], None, x) * run(self.chains[1], None, x)


class Joined(Branches):
    def forward(self, x):
        return torch.cat([run(chain, None, x) for chain in self.chains], 1)


class Pick(nn.Module):
    def forward(self, x):
        return x[:, [8, 0, 3, 5]]


class SecondOrder(Branches):
    """y'' of a state (y, y'): the first chain makes it."""
    timed = True

    def forward(self, t, x):
        return torch.cat([x[:, x.shape[1] // 2:], run(self.chains[0], t, x)], 1)


class TimedBranches(Branches):
    timed = True


class Known(nn.Module):
    """Prey x and predators y whose meetings come and go; a and d are learnt."""
    timed = True

    def __init__(self):
        super().__init__()
        self.a, self.d = nn.Parameter(torch.tensor([0.5])), nn.Parameter(torch.tensor([0.2]))

    def forward(self, t, state):
        x, y = state[:, :1], state[:, 1:]
        meetings = 0.3 * x * y * (torch.sin(torch.as_tensor(t)) + 2)
        return torch.cat([self.a * x - meetings, self.d * x * y - y], 1)


def containers(layers, solve):
    row = [layers.dense("row.0.dense", 4, 5), nn.Sigmoid(), layers.dense("row.1.dense", 5, 5), nn.Sigmoid()]
    branches = Branches([nn.Identity()], [layers.dense("branches.bent", 5, 5), nn.Tanh()])
    block = TimedBranches([nn.Identity()], [layers.dense("ode.block.dense", 5, 5, time="last"), nn.Softplus()])
    return [Centre()] + row + [branches, Ode([block], solve), layers.dense("head", 5, CLASSES)]


def joined(layers, solve):
    gate = Gate([layers.dense("gate.a", 4, 6), nn.Tanh()], [layers.dense("gate.b", 4, 6), nn.Sigmoid()])
    join = Joined([layers.dense("join.a", 6, 3), nn.SiLU()], [nn.Identity()])
    second = SecondOrder([layers.dense("ode.second.dense", 4, 2, time="last"), nn.Tanh()])
    return [gate, join, Pick(), Ode([second], solve), layers.dense("head", 4, CLASSES)]


def physics(layers, solve):
    known = layers.enter("ode.both.known", Known())
    rest = [layers.dense("ode.both.rest", 2, 4, time="first"), nn.Tanh(), layers.dense("ode.both.rest.dense", 4, 2)]
    return [Ode([TimedBranches([known], rest)], solve)]


def images(layers, solve):
    return [Mirror(), Scale(), layers.conv("conv", 3, 4, 3), layers.batch("conv.batchnorm", 4), nn.Tanh(),
            nn.MaxPool2d(3, 2, 1)] + global_pool() + [layers.dense("head.dense", 4, CLASSES)]


def nesterov(lr):
    return lambda p: torch.optim.SGD(p, lr, momentum=0.9, nesterov=True, weight_decay=1e-2)


HALVES = [0.0] + [t for a, b in zip(TIMES, TIMES[1:]) for t in ((a + b) / 2, b)]

CASES = {
    "containers": lambda: Case(containers, adaptive(odeint, 1e-5, first_step=0.3), (4,), optimizer=nesterov(1e-1)),
    "joined": lambda: Case(joined, fixed(rk4, [1 / 3] * 3), (4,), optimizer=nesterov(1e-1)),
    "physics": lambda: Case(physics, fixed(rk4, [1 / 3] * 3), (2,), labels=(2,), loss=F.mse_loss,
                            optimizer=nesterov(1e-2)),
    "spiral_steps": lambda: Case(spiral, through(HALVES), (2,), first=False, **DYNAMICS),
    "spiral_sizes": lambda: Case(spiral, through([0, 0.1, 0.2, 0.25, 0.4, 0.5, 0.6]), (2,), first=False, **DYNAMICS),
    "spiral_tolerances": lambda: Case(spiral, adaptive(odeint, torch.tensor([1e-3, 1e-5]), first_step=0.01), (2,),
                                      first=False, **dict(DYNAMICS, gain=2)),
    "images": lambda: Case(images, None, (3, 8, 8), optimizer=lambda p: torch.optim.Adam(p, 1e-2)),
}
CASES.update(("steps_" + name, lambda a=a, b=b: Case(containers, runge_kutta(a, b, 3), (4,),
                                                     optimizer=nesterov(1e-1)))
             for name, (a, b) in METHODS.items())
CASES.update(("steps_adams_bashforth_%d" % order, lambda order=order: Case(
    containers, adams_bashforth(order, 6), (4,), optimizer=nesterov(1e-1))) for order in (1, 2, 3, 4, 5))


if __name__ == "__main__":
    record(CASES)
