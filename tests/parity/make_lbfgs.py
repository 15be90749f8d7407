#!/usr/bin/python3
"""Writes lbfgs.safetensors: torch.optim.LBFGS in float64, from fixed starts.

  fit/A, fit/y, fit/x0    loss = mean of (tanh(A x) - y)^2
  valley/x0               loss = sum 100 (x_{i+1} - x_i^2)^2 + (1 - x_i)^2
  PROBLEM/CASE            x after each call of step(), the start first
  PROBLEM/CASE/loss       loss at the start of each call
  PROBLEM/CASE/evals      evaluations in each call

Needs PyTorch (python3-torch) and NumPy; equal seeds make equal files.

  tests/parity/make_lbfgs.py
"""
import os
import sys

import numpy as np
import torch

sys.dont_write_bytecode = True  # no cache among the fixtures
from make_fashion_losses import write

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lbfgs.safetensors")
EXACT = dict(tolerance_grad=1e-14, tolerance_change=1e-18)
WOLFE = dict(line_search_fn="strong_wolfe")
CASES = {  # name: (calls, options)
    "calls": (20, dict(max_iter=1, max_eval=30, history_size=5, **EXACT, **WOLFE)),
    "inner": (1, dict(max_iter=20, max_eval=600, history_size=5, **EXACT, **WOLFE)),
    "short": (20, dict(max_iter=1, max_eval=30, history_size=2, **EXACT, **WOLFE)),
    "default": (1, dict(**WOLFE)),
    "few": (6, dict(max_iter=4, history_size=10, lr=0.7, **WOLFE)),
    "plain": (20, dict(max_iter=1, max_eval=30, history_size=5, lr=0.5, **EXACT)),
    "plain_inner": (3, dict(max_iter=6, history_size=3, lr=0.5)),
}


def valley(x):
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def run(loss, start, calls, options):
    x = torch.tensor(start, requires_grad=True)
    optimizer = torch.optim.LBFGS([x], **options)
    path, losses, evals = [start.copy()], [], []

    def closure():
        optimizer.zero_grad()
        value = loss(x)
        value.backward()
        evals[-1] += 1
        return value

    for _ in range(calls):
        evals.append(0)
        losses.append(optimizer.step(closure).item())
        path.append(x.detach().numpy().copy())
    return np.array(path), np.array(losses), np.array(evals, dtype=np.float64)


def main():
    torch.set_default_dtype(torch.float64)
    r = np.random.default_rng(5)
    a, y, x0 = r.normal(size=(9, 4)), r.uniform(-0.8, 0.8, size=9), r.normal(size=4)
    v0 = np.array([-1.2, 1.0, -1.2, 1.0, -1.2]) + 0.1 * r.normal(size=5)
    at, yt = torch.tensor(a), torch.tensor(y)
    tensors = {"fit/A": a, "fit/y": y, "fit/x0": x0, "valley/x0": v0}
    problems = {"fit": (lambda x: ((torch.tanh(at @ x) - yt) ** 2).mean(), x0), "valley": (valley, v0)}
    for problem, (loss, start) in problems.items():
        for case, (calls, options) in CASES.items():
            if problem == "valley" and "plain" in case:
                continue  # steps of a fixed length diverge there
            path, losses, evals = run(loss, start, calls, options)
            key = f"{problem}/{case}"
            tensors.update({key: path, f"{key}/loss": losses, f"{key}/evals": evals})
    write(OUT, tensors)


main()
