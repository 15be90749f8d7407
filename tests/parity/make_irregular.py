#!/usr/bin/python3
"""Writes irregular.safetensors: recurrent units over uneven series with rows that do not count.

x [B,T,D], t [B,T] and mask [B,T,D] are series of the lengths `length` [B], filled up to T rows, of which
some in between are unobserved. A case NAME has NAME/param/*, NAME/out, a cotangent NAME/cot, and the
gradients of sum(out * cot), NAME/grad_x and NAME/grad_param/*. Each sample is computed by itself from
the rows of its own alone, row by row, as algorithm 1 of Rubanova, Chen, Duvenaud 2019, with PyTorch's
GRUCell at the rows that are observed and Runge-Kutta steps of the field V2 tanh(V1 (h, t) + c1) + c2
between two rows; it begins with 0 at the first observation that is read and ends with the last one.
Needs PyTorch; gives the same bytes again.
"""
import os
import sys

import numpy as np
import torch

sys.dont_write_bytecode = True  # no cache among the fixtures
from make_fashion_losses import write

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "irregular.safetensors")
B, T, D, H, W = 3, 6, 2, 3, 4
LENGTH = (6, 3, 5)
TABLES = {
    "euler": ([[]], [1.0]),
    "midpoint": ([[], [0.5]], [0.0, 1.0]),
    "rk4": ([[], [0.5], [0.0, 0.5], [0.0, 0.0, 1.0]], [1 / 6, 1 / 3, 1 / 3, 1 / 6]),
}
#        name: method or none, substeps, backward, output
CASES = {"gru": (None, 1, False, "last"), "gru_backward": (None, 1, True, "all"),
         "euler": ("euler", 1, True, "last"), "rk4": ("rk4", 2, True, "all"),
         "midpoint": ("midpoint", 3, False, "last"), "before": ("euler", 2, False, "before")}


def field(p, t, h):
    u = torch.cat([h, t.reshape(1)])
    return p["V2"] @ torch.tanh(p["V1"] @ u + p["c1"]) + p["c2"]


def move(p, method, substeps, t0, t1, h):
    a, b = TABLES[method]
    size = (t1 - t0) / substeps
    for k in range(substeps):
        slopes = []
        for row in a:
            stage = h + sum((size * c * s for c, s in zip(row, slopes)), torch.zeros(H))
            slopes.append(field(p, t0 + (k + sum(row)) * size, stage))
        h = h + sum(size * c * s for c, s in zip(b, slopes))
    return h


def one(p, case, x, t, seen):
    """A series of its own rows. Rows outside of the observations give what the state is there."""
    method, substeps, backward, output = case
    cell = torch.nn.GRUCell(D, H)
    names = {"weight_ih": p["weight_ih"], "weight_hh": p["weight_hh"], "bias_ih": p["bias_ih"], "bias_hh": p["bias_hh"]}
    rows = list(range(len(t)))
    rows = rows[::-1] if backward else rows
    known = [i for i, r in enumerate(rows) if seen[r]]
    h, out = torch.zeros(H), [None] * len(t)
    for i, r in enumerate(rows):
        if method and known and known[0] < i <= known[-1]:
            h = move(p, method, substeps, t[rows[i - 1]], t[r], h)
        if output == "before":
            out[r] = h
        if seen[r]:
            h = torch.func.functional_call(cell, names, (x[r:r + 1], h[None]))[0]
        if output == "all":
            out[r] = h
    return h if output == "last" else torch.stack(out)


def main():
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    torch.manual_seed(22)
    x, t = torch.randn(B, T, D), torch.cumsum(0.1 + torch.rand(B, T), 1)
    mask = torch.ones(B, T, D)
    mask[0, 2] = mask[2, 1] = mask[2, 0] = 0.0  # nothing is seen in these rows
    mask[0, 4, 1] = 0.0
    for b, n in enumerate(LENGTH):
        mask[b, n:] = 0.0
        x[b, n:] = x[b, n - 1]
    tensors = {"x": x.numpy().copy(), "t": t.numpy(), "mask": mask.numpy(), "length": np.array(LENGTH, dtype="float64")}
    for name, case in CASES.items():
        shapes = {"weight_ih": (3 * H, D), "weight_hh": (3 * H, H), "bias_ih": (3 * H,), "bias_hh": (3 * H,)}
        if case[0]:
            shapes.update({"V1": (W, H + 1), "c1": (W,), "V2": (H, W), "c2": (H,)})
        p = {k: (torch.randn(s) / 2).requires_grad_() for k, s in shapes.items()}
        z = x.clone().requires_grad_()
        out, cot = [], torch.zeros(B, H) if case[3] == "last" else torch.zeros(B, T, H)
        for b, n in enumerate(LENGTH):
            y = one(p, case, z[b, :n], t[b, :n], mask[b, :n].sum(1) > 0)
            padded = y if y.ndim == 1 else torch.cat([y, torch.zeros(T - n, H)])
            cot[b] = torch.randn(padded.shape) * (1 if y.ndim == 1 else (torch.arange(T) < n)[:, None])
            out.append(padded)
        out = torch.stack(out)
        (out * cot).sum().backward()
        tensors[name + "/out"], tensors[name + "/cot"] = out.detach().numpy(), cot.numpy()
        tensors[name + "/grad_x"] = z.grad.numpy()
        for key, value in p.items():
            tensors["%s/param/%s" % (name, key)] = value.detach().numpy()
            tensors["%s/grad_param/%s" % (name, key)] = value.grad.numpy()
    write(OUT, {k: np.ascontiguousarray(v) for k, v in tensors.items()})


main()
