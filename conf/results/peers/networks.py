#!/usr/bin/env python3
"""Trains the networks of conf/ that learn dynamics with PyTorch and torchdiffeq beside Odeon, in float64: from the
weights that Odeon starts with, on the same batches, with Adam of the same rate, as many steps.

  networks.py [--odeon build/odeon] [--data FOLDER] [--steps N] [NAME ...]

prints a row of conf/results/dynamics.md each: steps, the loss of the last step by both, and the largest relative
difference in all of them. Adaptive solves have tolerances of 1e-10, so that what they differ by is no error of theirs.
What Odeon draws at random the peer computes by itself, of Philox. Needs PyTorch and torchdiffeq.
"""
import os
import struct
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torchdiffeq import odeint

import common

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
TIGHT = dict(rtol=1e-10, atol=1e-10)


# ---- parts ----

def line(p, path, x):
    return x @ p[path + ".weight"].T + p[path + ".bias"]


def row(p, path, x, act, n):
    """Dense layers path, path.dense, path.dense_2, ... with act between them; or path.dense is the first."""
    paths = [path + end for end in [""] + [".dense"] + [".dense_%d" % i for i in range(2, n + 1)]]
    for i, at in enumerate([at for at in paths if at + ".weight" in p][:n]):
        x = line(p, at, x)
        x = act(x) if i + 1 < n else x
    return x


def solve(f, y, t):
    """y at all times t [T], which all samples have in common: [B,T,...]."""
    return odeint(f, y, t - t[0], method="dopri5", **TIGHT).transpose(0, 1)


def solve_own(f, y, t):
    """y at times t [B,T] of each sample's own, an interval after the other, scaled to [0,1]."""
    out = [y]
    for i in range(t.shape[1] - 1):
        h = (t[:, i + 1] - t[:, i])[:, None]
        if h.abs().max() > 0:
            scaled = lambda s, y: h * f(t[:, i:i + 1] + s * h, y, i)
            y = odeint(scaled, y, torch.tensor([0.0, 1.0]), method="dopri5", **TIGHT)[1]
        out.append(y)
    return torch.stack(out, 1)


def leapfrog(velocity, force, y, times, size):
    out, n = [y], y.shape[1] // 2
    q, p = y[:, :n], y[:, n:]
    for t0, t1 in zip(times, times[1:]):
        steps = round(float(t1 - t0) / size)
        h = float(t1 - t0) / steps
        for _ in range(steps):
            p = p + h / 2 * force(q)
            q = q + h * velocity(p)
            p = p + h / 2 * force(q)
        out.append(torch.cat([q, p], 1))
    return torch.stack(out, 1)


def unit(p, path, x, h):
    """PyTorch's GRU unit."""
    return torch.gru_cell(x, h, *(p["%s.%s" % (path, name)] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")))


def masked(error, length):
    """The mean of error [B,T,D] over the rows that are a series' own."""
    own = torch.arange(error.shape[1])[None, :] < length[:, None]
    return (error * own[..., None]).sum() / (own.sum() * error.shape[2])


# ---- systems: the data, and the loss of a batch of it, given parameters p ----

class Case:
    """ini, overrides: what Odeon trains. n samples in batches of batch; loss(p, index, epoch, step)."""
    ini, lr, batch, steps, overrides, without = None, 1e-2, None, 30, (), None

    def train(self, odeon):
        words = ["run.dtype=float64", "run.workers=1", "run.seed=1", "run.checkpoint_seconds=1e9", "data.shuffle=no",
                 "data.drop_last=no", "data.batch=%d" % (self.batch or self.n), "run.iterations=%d" % self.steps]
        words += list(self.overrides) + ["train.optimizer=adam(lr=%r)" % self.lr]
        _, start = common.train(odeon, self.ini, words + ["run.iterations=1", "train.optimizer=sgd(lr=1e-300)"], self.without)
        losses, _ = common.train(odeon, self.ini, words, self.without)
        return start, losses

    def repeat(self, start):
        p = {name: torch.tensor(value, requires_grad=True) for name, value in start.items()}
        optimizer, losses, batch = torch.optim.Adam(p.values(), self.lr), [], self.batch or self.n
        per_epoch = -(-self.n // batch)
        for step in range(self.steps):
            first = step % per_epoch * batch
            loss = self.loss(p, torch.arange(first, min(first + batch, self.n)), step // per_epoch + 1, step + 1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses


class Windows(Case):
    """Windows of a table; loss = mse of the states along a field."""
    table, values, controls, settings, limit = None, (), (), {}, None

    def __init__(self):
        data = common.table(self.table)
        names = list(self.values) + list(self.controls)
        t, x, length = common.windows(data, names, "t", **self.settings)
        t, x, length = (a[:self.limit] for a in (t, x, length))
        self.t, self.x, self.length, self.n = torch.tensor(t), torch.tensor(x[..., :len(self.values)]), \
            torch.tensor(length), len(x)
        self.u = torch.tensor(x[..., len(self.values):])
        every = (data["t"][-1] - data["t"][0]) / (len(data["t"]) - 1)
        if np.abs(np.diff(data["t"]) - every).max() < 2e-3 * every:
            self.t = every * torch.arange(x.shape[1]).expand(len(x), -1)  # equally far apart, up to digits

    def loss(self, p, i, epoch, step):
        states = solve(lambda t, y: self.field(p, y), self.x[i, 0], self.t[i[0]])
        return ((states - self.x[i]) ** 2).mean()


BLOCK = ("model.ode.rtol=1e-10", "model.ode.atol=1e-10")


class Weather(Windows):
    ini, table, values, settings, lr, batch = "figures/weather", "figures/weather", ("rain", "high", "low", "wind"), \
        dict(window=8), 5e-3, 16
    overrides = BLOCK

    def field(self, p, y):
        return row(p, "ode.field", y, torch.tanh, 3)


class HareLynxGrey(Case):
    ini, lr, n, steps = "hare_lynx_grey", 2e-2, 1, 15
    overrides = BLOCK

    def __init__(self):
        data = common.table("hare_lynx")
        self.t = torch.tensor(data["year"])
        self.x = torch.tensor(np.stack([data["log_hare"], data["log_lynx"]], 1))

    def field(self, p, y):
        a, b, c, d = (F.softplus(p["ode.f.known." + name]) for name in "abcd")
        known = torch.cat([a - b * y[:, 1:].exp(), d * y[:, :1].exp() - c], 1)
        return known + 0.1 * row(p, "ode.f.rest", y, torch.tanh, 2)

    def loss(self, p, i, epoch, step):
        states = solve(lambda t, y: self.field(p, y), torch.cat([p["start.value0"], p["start.value1"]])[None], self.t)
        return ((states - self.x) ** 2).mean()


class MissingPhysics(Windows):
    ini, table, values, settings = "missing_physics", "missing_physics", ("x", "y"), dict(window=6)
    overrides = BLOCK

    def field(self, p, y):
        return y * torch.tensor([1.3, -1.8]) + row(p, "ode.f.unknown", y, torch.tanh, 4)


class Hamiltonian(Windows):
    ini, table, values, lr, batch = "hamiltonian", "hamiltonian", ("q", "p"), 2e-2, 32
    settings = dict(window=16, stride=3, series="swing")

    def energy(self, p):
        c = {name: p["ode.energy." + name] for name in
             ["m"] + [kind + i for kind in "awb" for i in "1234"]}
        force = lambda q: -sum(c["a" + i] * c["w" + i] * torch.tanh(c["w" + i] * q + c["b" + i]) for i in "1234")
        return lambda v: v / c["m"], force

    def loss(self, p, i, epoch, step):
        states = leapfrog(*self.energy(p), self.x[i, 0], self.t[i[0]], 0.05)
        return ((states - self.x[i]) ** 2).mean()


class HamiltonianNetwork(Hamiltonian):
    ini, lr, overrides = "hamiltonian_network", 1e-2, ("train.schedule=constant",)

    def energy(self, p):
        def slope(path):
            """The derivative of a network of one number, by PyTorch."""
            def f(x):
                x = x if x.requires_grad else x.clone().requires_grad_()
                return torch.autograd.grad(row(p, path, x, torch.tanh, 2).sum(), x, create_graph=True)[0]
            return f
        force = slope("ode.energy.H.V")
        return slope("ode.energy.H.T"), lambda q: -force(q)


class Turns(Windows):
    """z' = F(z) u'(t), u the cubic whose slopes are backward differences (Kidger and others, 2020)."""
    ini, table, values, controls, limit = "turns", "turns", ("kind",), ("x", "y"), 16
    settings, steps = dict(window=24, series="series", pad=True, clock="series"), 8
    overrides = ("data.split=rows", "data.test_fraction=0", "data.limit=16") + BLOCK

    def states(self, p, z, i):
        t, u = self.t[i], self.u[i]
        h = t[:, 1:] - t[:, :-1]
        h = torch.where(h > 0, h, torch.ones_like(h))[..., None]
        d = (u[:, 1:] - u[:, :-1]) / h
        before = torch.cat([d[:, :1], d[:, :-1]], 1)

        def f(time, z, k):
            s = (time - t[:, k:k + 1]) / h[:, k]
            slope = (6 * s - 6 * s ** 2) * d[:, k] + (1 - 4 * s + 3 * s ** 2) * before[:, k] + (3 * s ** 2 - 2 * s) * d[:, k]
            a = torch.tanh(line(p, "ode.b", torch.tanh(line(p, "ode.a", z))))
            return (a.reshape(len(z), 6, 2) * slope[:, None, :]).sum(-1)
        return solve_own(f, z, t)

    def loss(self, p, i, epoch, step):
        z = torch.cat([p["start.%s0" % name] for name in "abcdef"]).expand(len(i), 6)
        error = (line(p, "head", self.states(p, z, i)) - torch.nan_to_num(self.x[i])) ** 2
        known = ~torch.isnan(self.x[i]) & (torch.arange(24)[None, :, None] < self.length[i][:, None, None])
        return error[known].mean()


class TurnsWords(Turns):
    ini, table, values = "turns_words", "turns_words", ("x", "y")

    def __init__(self):
        super().__init__()
        data = common.table(self.table)
        word = dict(zip(data["series"], data["turn"]))
        names = sorted(set(word.values()))
        self.label = torch.tensor([names.index(word[s]) for s in dict.fromkeys(data["series"])])

    def loss(self, p, i, epoch, step):
        z = self.states(p, line(p, "start", self.x[i, 0]), i)
        return F.cross_entropy(line(p, "head", z[:, -1]), self.label[i])


class TurnsAttention(TurnsWords):
    ini, lr, values, controls, limit = "turns_attention", 5e-3, ("x", "y", "t"), (), None
    overrides, without = ("data.split=rows", "data.test_fraction=0", "model.ode.integrator=rk4_38"), "epoch_samples"

    def attention(self, p, x, own):
        path = "ode.field.rows."
        return F.multi_head_attention_forward(
            *[x.transpose(0, 1)] * 3, 16, 2, p[path + "in_proj_weight"], p[path + "in_proj_bias"], None, None, False, 0.0,
            p[path + "out_proj_weight"], p[path + "out_proj_bias"], key_padding_mask=~own, need_weights=False)[0].transpose(0, 1)

    def loss(self, p, i, epoch, step):
        own = torch.arange(24)[None, :] < self.length[i][:, None]

        def field(t, x):
            each = line(p, "ode.field.each.out", torch.tanh(line(p, "ode.field.each.in", x)))
            return self.attention(p, x, own) + each
        x = odeint(field, line(p, "embed", self.x[i]), torch.linspace(0, 1, 5), method="rk4")[-1]
        return F.cross_entropy(line(p, "head", x[:, 0]), self.label[i])


class GruOde(Windows):
    ini, table, values, settings, batch = "gru_ode", "pendulum", ("angle", "speed"), dict(window=10), 16
    overrides = ("train.schedule=constant", "data.test_fraction=0")

    def field(self, p, h):
        gate = torch.sigmoid(line(p, "rnn.f.gate", h))
        kept = torch.sigmoid(line(p, "rnn.f.pull.new.kept.gate", h)) * h
        return gate * (torch.tanh(line(p, "rnn.f.pull.new.out", kept)) - h)

    def loss(self, p, i, epoch, step):
        h, forecasts = torch.zeros(len(i), 16), []
        for k in range(10):
            size = (self.t[i, k] - self.t[i, k - 1])[:, None] / 2 if k > 0 else None
            for _ in range(2 if k > 0 else 0):
                h = h + size * self.field(p, h + size / 2 * self.field(p, h))
            forecasts.append(line(p, "head", h))
            h = unit(p, "rnn", self.x[i, k], h)
        return ((torch.stack(forecasts, 1) - self.x[i]) ** 2).mean()


def gaussian(p, latent, path, epoch, step):
    """A draw, and the divergence from the normal distribution, of [B,2L]."""
    half = latent.shape[1] // 2
    mean, log_variance = latent[:, :half], latent[:, half:]
    e = torch.tensor(common.normal(common.noise_key(path, epoch, step), mean.numel())).reshape(mean.shape)
    return mean + (log_variance / 2).exp() * e, ((mean ** 2 + log_variance.exp() - 1 - log_variance) / 2).sum(1)


def negative_likelihood(error, deviation=0.1):
    """Of each number whose error is given."""
    return error ** 2 / (2 * deviation ** 2) + np.log(deviation) + np.log(2 * np.pi) / 2


class EcgLatent(Windows):
    ini, table, values, controls, lr, batch = "ecg_latent", "ecg_latent", ("ecg",), ("seen",), 3e-3, 31
    settings, steps = dict(window=40, series="beat", pad=True), 20
    overrides = ("train.schedule=constant", "data.split=rows", "data.test_fraction=0") + BLOCK

    def encode(self, p, i):
        """Backward over the rows that are seen; Euler's method from one to the next."""
        h, last, features = torch.zeros(len(i), 24), None, torch.cat([self.x, self.t[..., None], self.u], 2)[i]
        begun = torch.zeros(len(i), 1, dtype=torch.bool)
        first = torch.where(self.own(i) & (self.u[i, :, 0] != 0), torch.arange(40), 40).min(1).values
        for k in range(39, -1, -1):
            own, seen = self.own(i)[:, k:k + 1], (self.own(i) & (self.u[i, :, 0] != 0))[:, k:k + 1]
            if k < 39:
                size = (self.t[i, k] - self.t[i, k + 1])[:, None]
                moved = h + size * line(p, "encoder.field.dense", torch.tanh(line(p, "encoder.field", h)))
                h = torch.where(begun & own & (k >= first)[:, None], moved, h)
            h = torch.where(seen, unit(p, "encoder", features[:, k], h), h)
            begun = begun | seen
        return line(p, "encoder.dense", h)

    def own(self, i):
        return torch.arange(40)[None, :] < self.length[i][:, None]

    def loss(self, p, i, epoch, step):
        z, divergence = gaussian(p, self.encode(p, i), "z", epoch, step)
        f = lambda t, z, k: line(p, "ode.field.dense", torch.tanh(line(p, "ode.field", z)))
        states = solve_own(f, z, self.t[i])
        error = row(p, "decoder", states, torch.tanh, 2) - self.x[i]
        return (negative_likelihood(error)[..., 0] * self.own(i)).sum() / len(i) + divergence.mean()


class SpiralLatent(Case):
    ini, lr, batch, n, steps = "spiral_latent", 5e-3, 50, 981, 15
    overrides = BLOCK

    def __init__(self):
        from scipy.integrate import solve_ivp
        a, t = np.array([[-0.1, 2.0], [-2.0, -0.1]]), np.linspace(0, 25, 1000)
        y = solve_ivp(lambda t, y: y ** 3 @ a, (0, 25), [2.0, 0.0], "DOP853", t, rtol=1e-12, atol=1e-13).y.T
        self.x = torch.tensor(np.stack([y[i:i + 20] for i in range(self.n)]))
        self.t = torch.tensor(t[:20])

    def loss(self, p, i, epoch, step):
        h = torch.zeros(len(i), 32)
        for k in range(19, -1, -1):
            h = unit(p, "encoder", self.x[i, k], h)
        z, divergence = gaussian(p, line(p, "encoder.dense", h), "z", epoch, step)
        states = solve(lambda t, z: row(p, "ode.field", z, torch.tanh, 2), z, self.t)
        error = row(p, "decoder", states, torch.tanh, 2) - self.x[i]
        return negative_likelihood(error).sum() / len(i) + divergence.mean()


def points_case(case, x):
    """Odeon reads the points of a table, since they are the peer's."""
    path = os.path.join(os.environ.get("TMPDIR", "/tmp"), "odeon-peer-points-%d.csv" % os.getpid())
    np.savetxt(path, x, "%.17g", ",", header="a,b", comments="")
    case.x, case.n, case.remove = torch.tensor(x), len(x), path
    case.overrides = tuple(case.overrides) + (
        "data.dataset=csv(path=%s, inputs=a b, label=a, test_fraction=0)" % path, "train.schedule=constant")


class MoonsCnf(Case):
    ini, lr, batch, steps = "moons_cnf", 5e-3, 250, 12
    overrides = BLOCK + ("model.ode.count_integrals=yes",)

    def __init__(self):
        r = np.random.default_rng(7)
        angle, upper = r.uniform(0, np.pi, 750), np.arange(750) % 2 == 0
        x = np.where(upper[:, None], np.stack([np.cos(angle), np.sin(angle)], 1),
                     np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], 1)) + r.normal(0, 0.08, (750, 2))
        points_case(self, x)

    def loss(self, p, i, epoch, step):
        def field(t, state):
            y = state[0] if state[0].requires_grad else state[0].clone().requires_grad_()
            f = row(p, "ode.f.hidden", torch.cat([y, t.expand(len(y), 1)], 1), torch.tanh, 3)
            rows = [torch.autograd.grad(f[:, k].sum(), y, create_graph=True)[0] for k in range(2)]
            return f, rows[0][:, 0] + rows[1][:, 1], (f ** 2).sum(1), sum((r ** 2).sum(1) for r in rows)
        zero = torch.zeros(len(i))
        z, divergence, kinetic, frobenius = (
            s[1] for s in odeint(field, (self.x[i], zero, zero, zero), torch.tensor([0.0, 1.0]), method="dopri5", **TIGHT))
        log_density = -(z ** 2).sum(1) / 2 - np.log(2 * np.pi) + divergence
        return (-log_density + 0.01 * kinetic + 0.01 * frobenius).mean()


class RingsFlowMatching(Case):
    ini, lr, batch = "rings_flow_matching", 4e-3, 256

    def __init__(self):
        r = np.random.default_rng(7)
        n = self.batch * self.steps
        radius, angle = np.where(np.arange(n) % 2, r.uniform(0.6, 0.8, n), r.uniform(1.8, 2, n)), r.uniform(0, 2 * np.pi, n)
        points_case(self, radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1))

    def velocity(self, p, x):
        return row(p, "flow.hidden", x, F.silu, 4)

    def loss(self, p, i, epoch, step):
        x1, key = self.x[i], common.noise_key("flow", epoch, step)
        x0 = torch.tensor(common.normal(key, x1.numel())).reshape(x1.shape)
        t = torch.tensor(common.uniform(key ^ 0x9E3779B97F4A7C15, len(x1)))[:, None]
        u = x1 - x0
        return ((self.velocity(p, torch.cat([x0 + t * u, t], 1)) - u) ** 2).mean()


class MnistFlowMatching(RingsFlowMatching):
    ini, lr, batch, steps = "mnist_flow_matching", 1e-3, 128, 10

    def __init__(self):
        import gzip
        name = os.path.join(OPTIONS.data, "train-images-idx3-ubyte")
        opened = gzip.open(name + ".gz") if os.path.exists(name + ".gz") else open(name, "rb")
        with opened as file:
            _, n, height, width = struct.unpack(">4i", file.read(16))
            self.n = self.batch * self.steps
            pixels = np.frombuffer(file.read(self.n * height * width), np.uint8).reshape(self.n, -1)
        self.x = torch.tensor((pixels / 255.0 - 0.5) / 0.5)
        self.overrides = ("train.schedule=constant", "data.path=" + OPTIONS.data, "data.limit=%d" % self.n,
                          "data.test_limit=1000")

    def velocity(self, p, x):
        return line(p, "flow.velocity.linear", x) + row(p, "flow.velocity.hidden", x, F.silu, 4)

    def repeat(self, start):
        """As clip_norm = 1 has it."""
        step = torch.optim.Adam.step

        def clipped(optimizer, *rest):
            torch.nn.utils.clip_grad_norm_([p for group in optimizer.param_groups for p in group["params"]], 1.0)
            return step(optimizer, *rest)
        torch.optim.Adam.step = clipped
        try:
            return super().repeat(start)
        finally:
            torch.optim.Adam.step = step


CASES = {case.ini.split("/")[-1]: case for case in (
    Weather, HareLynxGrey, MissingPhysics, Hamiltonian, HamiltonianNetwork, Turns, TurnsWords, TurnsAttention, GruOde,
    EcgLatent, SpiralLatent, MoonsCnf, RingsFlowMatching, MnistFlowMatching)}


def main():
    for name in OPTIONS.names:
        CASES[name].steps = OPTIONS.steps or CASES[name].steps
        case = CASES[name]()
        try:
            start, ours = case.train(OPTIONS.odeon)
            theirs = case.repeat(start)
        finally:
            if getattr(case, "remove", None):
                os.remove(case.remove)
        gap = max(abs(a - b) / abs(b) for a, b in zip(ours, theirs))
        print("| %s | %d | %.10g | %.10g | %.1e |" % (name, case.steps, ours[-1], theirs[-1], gap), flush=True)


if __name__ == "__main__":
    OPTIONS = common.options(__doc__, list(CASES), steps=True)
    main()
