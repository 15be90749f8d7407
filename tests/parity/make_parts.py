#!/usr/bin/python3
"""Writes further networks/*.safetensors, as make_networks.py does: of networks that put together what
those of conf/ leave out, containers in one another and equations beside a network.

  PYTHONPATH=FOLDER/torchdiffeq-0.2.5-py3-none-any.whl tests/parity/make_parts.py [NAME ...]
"""
import sys

import torch
import torch.nn.functional as F
from torch import nn

sys.dont_write_bytecode = True  # no cache among the fixtures
from make_networks import CLASSES, Case, Ode, adaptive, fixed, odeint, record, rk4, run


class Centre(nn.Module):
    def forward(self, x):
        return (x - 0.2) / 0.7


class Branches(nn.Module):
    """The sum of what chains make of the same input, at the same time in a field."""
    def __init__(self, *chains):
        super().__init__()
        self.chains = nn.ModuleList(nn.ModuleList(chain) for chain in chains)

    def forward(self, *arguments):
        t, x = arguments if len(arguments) == 2 else (None, *arguments)
        return sum(run(chain, t, x) for chain in self.chains)


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


def physics(layers, solve):
    known = layers.enter("ode.both.known", Known())
    rest = [layers.dense("ode.both.rest", 2, 4, time="first"), nn.Tanh(), layers.dense("ode.both.rest.dense", 4, 2)]
    return [Ode([TimedBranches([known], rest)], solve)]


def nesterov(lr):
    return lambda p: torch.optim.SGD(p, lr, momentum=0.9, nesterov=True, weight_decay=1e-2)


CASES = {
    "containers": lambda: Case(containers, adaptive(odeint, 1e-5, first_step=0.3), (4,), optimizer=nesterov(1e-1)),
    "physics": lambda: Case(physics, fixed(rk4, [1 / 3] * 3), (2,), labels=(2,), loss=F.mse_loss,
                            optimizer=nesterov(1e-2)),
}


if __name__ == "__main__":
    record(CASES)
