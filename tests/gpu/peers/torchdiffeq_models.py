#!/usr/bin/env python3
"""Times the five models in PyTorch: with torchdiffeq, one call after another; and, on a card, by fixed steps
of as many evaluations that are captured as a CUDA graph.

  torchdiffeq_models.py --files FOLDER [--device cpu] [--math tf32] [...]
"""
import os
import sys
import time

sys.dont_write_bytecode = True
import common
import models

options = common.options(__doc__)
system = options.system or "torchdiffeq"
captured = system + ", captured"
common.need(system, "numpy")
torch = common.need(system, "torch")
from torch_case import Case
cuda = options.device == "cuda"
if cuda and not torch.cuda.is_available():
    common.skip(system, "-", "torch %s sees no card" % torch.__version__)
    sys.exit(3)
torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = options.math == "tf32"
device = torch.device(options.device)


def sampled(call):
    """sample(calls) of common.measure: by events on a card."""
    def by_clock(calls):
        began = time.perf_counter()
        for _ in range(calls):
            call()
        return time.perf_counter() - began

    def by_events(calls):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        torch.cuda.synchronize()
        begin.record()
        for _ in range(calls):
            call()
        end.record()
        end.synchronize()
        return 1e-3 * begin.elapsed_time(end)
    return by_events if cuda else by_clock


def eager_forward(case):
    f = case.f(False)
    call = lambda: case.integrate(f, case.y0, "direct")
    with torch.no_grad():
        y1 = call()
        case.evals = 0
        call()
        evals = case.evals
        timed = common.measure(options, sampled(call))
    gap = common.gap(case.solve["y1"], y1.cpu().numpy())
    common.line(system, case.name, "forward", len(case.y0), timed, (evals, 0), float("nan"), gap)
    return evals


def eager_training(case):
    optimizer = case.optimizer()
    evals = [0, 0]

    def step():
        optimizer.zero_grad(set_to_none=True)
        case.evals = 0
        loss = case.loss(lambda f, y: case.integrate(f, y, case.spec["gradient"]))
        evals[0], case.evals = case.evals, 0
        loss.backward()
        evals[1] = case.evals
        optimizer.step()
        return loss
    loss = step().item()
    first = tuple(evals)
    timed = common.measure(options, sampled(step))
    gap = common.gap(case.train["loss"], [loss])
    common.line(system, case.name, "train", len(case.x), timed, first, loss, gap)
    return first[0]


def capture(call):
    """A graph of what call does, and what it returned; call must not wait for the card."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            call()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = call()
    return graph, result


def captured_forward(case, evals):
    f = case.f(False)
    with torch.no_grad():
        case.evals = 0
        graph, y1 = capture(lambda: case.fixed(f, case.y0, evals))
        graph.replay()
        torch.cuda.synchronize()
        timed = common.measure(options, sampled(graph.replay))
    gap = common.gap(case.solve["y1"], y1.cpu().numpy())
    common.line(captured, case.name, "forward", len(case.y0), timed, (case.evals // 4, 0), float("nan"), gap)


def captured_training(case, evals):
    optimizer = case.optimizer(**({} if case.spec["optimizer"] == "sgd" else dict(capturable=True)))

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = case.loss(lambda f, y: case.fixed(f, y, evals))
        loss.backward()
        optimizer.step()
        return loss
    case.evals = 0
    graph, loss = capture(step)
    graph.replay()
    torch.cuda.synchronize()
    timed = common.measure(options, sampled(graph.replay))
    gap = common.gap(case.train["loss"], [loss.item()])
    common.line(captured, case.name, "train", len(case.x), timed, (case.evals // 4, 0), loss.item(), gap)


def all_of(name):
    evals = {}

    def eager(what, function):
        evals[what] = function(Case(options, name, device))
    common.attempt(system, name, eager, "forward", eager_forward)
    common.attempt(system, name, eager, "train", eager_training)
    for what, function in (("forward", captured_forward), ("train", captured_training)):
        if cuda and what in evals:
            common.attempt(captured, name, lambda: function(Case(options, name, device), evals[what]))


def main():
    common.need(system, "torchdiffeq")
    where = torch.cuda.get_device_name() if cuda else "processor, %d threads" % torch.get_num_threads()
    print("fact\t%s\ttorch %s, %s, %s" % (system, torch.__version__, where, options.math), flush=True)
    if not cuda:
        common.skip(captured, "-", "graphs are captured on a card alone")
    for name in options.cases:
        all_of(name)


main()
