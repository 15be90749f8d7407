#!/usr/bin/python3
"""Writes controls.safetensors: paths between observations, and neural controlled differential equations.

x [B,N,C] at times t [N]. KIND (linear, hermite, natural) has KIND/value and KIND/slope [B,when,C] at
the times `when`, none of them a knot; natural also KIND/knot_slopes [B,N,C]. hermite has slopes that
are backward differences. cde/KIND: z' = tanh(V2 tanh(V1 z + c1) + c2) x'(t), the matrix [H,C] row by
row, from cde/z0 [B,H] by classic Runge-Kutta, two steps an interval: cde/KIND/out [B,H] and the
gradients of sum(out * cde/cot), cde/KIND/grad_*. Needs PyTorch and SciPy; gives the same bytes again.
"""
import os
import sys

import numpy as np
import torch
from scipy.interpolate import CubicHermiteSpline, CubicSpline

sys.dont_write_bytecode = True  # no cache among the fixtures
from make_fashion_losses import write

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "controls.safetensors")
B, N, C, H, W = 3, 7, 2, 4, 5


def path(kind, t, x):
    """The path of one channel as a polynomial of SciPy."""
    d = np.diff(x) / np.diff(t)
    if kind == "natural":
        return CubicSpline(t, x, bc_type="natural")
    if kind == "hermite":
        return CubicHermiteSpline(t, x, np.concatenate([d[:1], d]))
    return CubicSpline(t, x)  # of which the linear one needs nothing


def at(kind, t, x, when, order):
    if kind == "linear":
        i = np.clip(np.searchsorted(t, when) - 1, 0, len(t) - 2)
        d = np.diff(x) / np.diff(t)
        return d[i] if order else x[i] + d[i] * (when - t[i])
    return path(kind, t, x)(when, order)


def solve(w, z, slopes, t):
    """slopes(u) [B,C]: x' inside of the interval that the step is in."""
    def f(u, z):
        a = torch.tanh(torch.tanh(z @ w["V1"].T + w["c1"]) @ w["V2"].T + w["c2"])
        return (a.reshape(B, H, C) * torch.from_numpy(slopes(u))[:, None, :]).sum(-1)
    for i in range(N - 1):
        h = (t[i + 1] - t[i]) / 2
        for u in (t[i], t[i] + h):
            k1 = f(u, z)
            k2 = f(u + h / 2, z + h / 2 * k1)
            k3 = f(u + h / 2, z + h / 2 * k2)
            k4 = f(u + h, z + h * k3)
            z = z + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return z


def main():
    r = np.random.default_rng(21)
    t = np.cumsum(r.uniform(0.2, 1.3, N)) - 0.5
    x = r.normal(size=(B, N, C)).cumsum(1) * 0.6
    when = np.sort(r.uniform(t[0], t[-1], 9))
    out = {"t": t, "x": x, "when": when}
    for kind in ("linear", "hermite", "natural"):
        for name, order in (("value", 0), ("slope", 1)):
            out["%s/%s" % (kind, name)] = np.array(
                [[at(kind, t, x[b, :, c], when, order) for c in range(C)] for b in range(B)]).transpose(0, 2, 1)
    out["natural/knot_slopes"] = np.array(
        [[path("natural", t, x[b, :, c])(t, 1) for c in range(C)] for b in range(B)]).transpose(0, 2, 1)
    shapes = {"V1": (W, H), "c1": (W,), "V2": (H * C, W), "c2": (H * C,), "z0": (B, H)}
    for name, shape in shapes.items():
        out["cde/" + name] = r.normal(size=shape) / 2
    out["cde/cot"] = r.normal(size=(B, H))
    for kind in ("hermite", "natural"):
        w = {k: torch.from_numpy(out["cde/" + k]).requires_grad_() for k in shapes}

        def slopes(u, kind=kind):
            return np.array([[at(kind, t, x[b, :, c], u, 1) for c in range(C)] for b in range(B)])
        end = solve(w, w["z0"], slopes, t)
        (end * torch.from_numpy(out["cde/cot"])).sum().backward()
        out["cde/%s/out" % kind] = end.detach().numpy()
        for name in shapes:
            out["cde/%s/grad_%s" % (kind, name)] = w[name].grad.numpy()
    write(OUT, {k: np.ascontiguousarray(v) for k, v in sorted(out.items())})


main()
