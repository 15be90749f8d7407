#!/usr/bin/env python3
"""PyTorch beside Odeon, one sample after another as peers.py asks for them: by torchdiffeq, by torchdiffeq with a
field that is compiled, or by torchode, where every sample of a batch has steps of its own."""
import sys

import peer

options = peer.options(__doc__, ["torch", "torch.compile", "torchode"])
peer.need("numpy", "torch", "torchode" if options.system == "torchode" else "torchdiffeq")
import torch

torch.set_num_threads(options.threads)
import common
import models
import torch_case


class Case(torch_case.Case):
    """The same with a field that counts, whatever is made of its inside."""
    def f(self, training):
        inner = models.field(torch_case.Operators, self.name, self.p, training)
        if options.system == "torch.compile":
            inner = torch.compile(inner, dynamic=False)

        def f(t, y):
            self.evals += 1
            return inner(t, y)
        return f


def by_torchode(case):
    """integrate(f, y, gradient) for Case.loss; states are rows of numbers there."""
    import torchode
    rtol, atol = models.tolerances(case.name)

    def integrate(f, y, _):
        shape, n = y.shape, y.shape[0]
        term = torchode.ODETerm(lambda t, z: f(t, z.reshape(shape)).reshape(n, -1))
        solver = torchode.AutoDiffAdjoint(torchode.Dopri5(term=term),
                                          torchode.IntegralController(atol=atol, rtol=rtol, term=term))
        problem = torchode.InitialValueProblem(y0=y.reshape(n, -1), t_start=torch.zeros(n), t_end=torch.ones(n))
        return solver.solve(problem).ys[:, -1].reshape(shape)
    return integrate


def integrator(case):
    if options.system != "torchode":
        return case.integrate
    if case.name in "cs":
        raise ValueError("not with torchode: a fixed step over the whole batch, or many times in one window")
    return by_torchode(case)


def forward(case):
    f, integrate = case.f(False), integrator(case)

    def call():
        with torch.no_grad():
            return integrate(f, case.y0, "direct")
    call()  # compiles
    case.evals = 0
    y1 = call()
    return call, (len(case.y0), case.evals, 0, common.gap(case.solve["y1"], y1.numpy()))


def train(case):
    optimizer, f, integrate = case.optimizer(), case.f(True), integrator(case)
    evals = [0, 0]
    gradient = "direct" if options.system == "torchode" else case.spec["gradient"]

    def step():
        optimizer.zero_grad(set_to_none=True)
        case.evals = 0
        loss = case.loss(lambda g, y: integrate(g, y, gradient), f)
        evals[0], case.evals = case.evals, 0
        loss.backward()
        evals[1] = case.evals
        optimizer.step()
        return loss
    loss = step().item()
    return step, (len(case.x), *evals, common.gap(case.train["loss"], [loss]))


def test(case):
    """All samples of the test split, in batches, from memory; the loss is their mean."""
    split = common.read("%s/%s-test.safetensors" % (options.files, case.name))
    x, labels, batch = torch.from_numpy(split["x"]), torch.from_numpy(split["y"]), len(case.x)
    f, integrate = case.f(False), integrator(case)

    def call():
        case.evals, total = 0, torch.zeros(())
        with torch.no_grad():
            for first in range(0, len(x), batch):
                case.x, case.labels = x[first:first + batch], labels[first:first + batch]
                total += len(case.x) * case.loss(lambda _, y: integrate(f, y, "direct"), f)
        return total.item() / len(x)
    loss = call()
    return call, (len(x), case.evals, 0, common.gap(split["loss"], [loss]))


def prepare(name, what):
    case = Case(options, name, torch.device("cpu"))
    return {"forward": forward, "train": train, "test": test}[what](case)


peer.say("fact", "torch %s, %s" % (torch.__version__, "torchode" if options.system == "torchode" else "torchdiffeq"))
peer.serve(prepare)
