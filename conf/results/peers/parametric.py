#!/usr/bin/env python3
"""Fits the constants of the systems of conf/ whose equations are known with SciPy's least_squares beside Odeon's runs.

  parametric.py [--odeon build/odeon] [NAME ...]

prints a row of conf/results/dynamics.md each: what Odeon's run of the INI as it stands ends with, what least_squares
finds from the same start on the same windows, and of both the root mean square of the residuals, as SciPy computes
them. Solves are SciPy's at 1e-10 (or closed forms, or, of hamiltonian, the INI's own steps). Needs SciPy.
"""
import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import least_squares

import common


def solve(f, y, t, method="DOP853", rtol=1e-10, atol=1e-11):
    """States [B,T,D] at times t [B,T] of each sample's own, all at once; f(t [B], y [B,D]) -> [B,D]."""
    out, shape = [y], y.shape
    for i in range(t.shape[1] - 1):
        h = t[:, i + 1] - t[:, i]
        slope = lambda s, z: (h[:, None] * f(t[:, i] + s * h, z.reshape(shape))).ravel()
        y = solve_ivp(slope, (0, 1), y.ravel(), method, rtol=rtol, atol=atol).y[:, -1].reshape(shape)
        out.append(y)
    return np.stack(out, 1)


def softplus(w):
    return np.logaddexp(0, w)


def sigmoid(w):
    return 1 / (1 + np.exp(-w))


class System:
    """names: of the constants, as they are shown; start: where the INI begins; of_weights: from Odeon's weights;
    residuals(c): of the training windows, of those numbers that count."""
    settings, values, columns = {}, (), ()

    def windows(self, table, time="t"):
        data = common.table(table)
        return common.windows(data, list(self.values), time, **self.settings)

    def of_weights(self, w):
        return [w["%s.%s" % (self.path, name)][0] for name in self.names]

    def fit(self):
        return least_squares(self.residuals, self.start, x_scale=np.abs(self.start), xtol=1e-12, ftol=1e-14, gtol=1e-14).x


class HareLynx(System):
    names, start = ("a", "b", "c", "d", "log hare", "log lynx"), (0.5, 0.02, 0.8, 0.02, 3.4, 1.4)

    def __init__(self):
        data = common.table("hare_lynx")
        self.t, self.x = data["year"], np.stack([data["log_hare"], data["log_lynx"]], 1)

    def of_weights(self, w):
        return [softplus(w["ode.f." + name][0]) for name in "abcd"] + [w["start.value%d" % i][0] for i in (0, 1)]

    def residuals(self, k):
        a, b, c, d = k[:4]
        f = lambda t, y: [a - b * np.exp(y[1]), d * np.exp(y[0]) - c]
        done = solve_ivp(f, (self.t[0], self.t[-1]), k[4:], "DOP853", self.t, rtol=1e-10, atol=1e-11)
        return (done.y.T - self.x).ravel()


class Pendulum(System):
    names, start, path, values, settings = ("k", "c"), (1, 0.5), "ode.f", ("angle", "speed"), dict(window=10)

    def __init__(self):
        self.t, self.x, _ = self.windows("pendulum")

    def residuals(self, k):
        f = lambda t, y: np.stack([y[:, 1], -k[0] * np.sin(y[:, 0]) - k[1] * y[:, 1]], 1)
        return (solve(f, self.x[:, 0], self.t) - self.x).ravel()


class Doses(System):
    """In closed form between doses."""
    names, start, path = ("ka", "ke", "V"), (0.5, 0.3, 25), "ode.body"

    def __init__(self):
        data = common.table("doses")
        self.subjects = [[data[key][data["subject"] == s] for key in ("t", "gut", "blood", "dose")]
                         for s in np.unique(data["subject"])]

    def of_weights(self, w):
        return softplus(np.array(super().of_weights(w)))

    def residuals(self, k):
        ka, ke, volume = k
        out = []
        for t, first, observed, dose in self.subjects:
            gut, blood, now, given = first[0], observed[0], 0.0, 12.0
            for i, end in enumerate(t):
                while now < end or (now == end and given <= end):
                    to = min(end, given)
                    x, y = np.exp(-ke * (to - now)), np.exp(-ka * (to - now))
                    blood, gut, now = blood * x + ka / volume * gut / (ka - ke) * (x - y), gut * y, to
                    if now == given:
                        gut, given = gut + dose[np.searchsorted(t, now, "right") - 1], given + 12
                    elif now == end:
                        break
                out += [blood - observed[i]] + ([gut - first[i]] if i == 0 else [])
        return np.array(out)


class ForcedPendulum(System):
    names, start, path = ("k", "c", "b"), (1, 1, 1), "ode.f"
    values, settings = ("angle", "speed", "torque"), dict(window=21, series="series")

    def __init__(self):
        data = common.table("forced_pendulum")
        keep = np.zeros(len(data["t"]), bool)
        for s in np.unique(data["series"]):
            rows = np.flatnonzero(data["series"] == s)
            keep[rows[:len(rows) - round(0.25 * len(rows))]] = True
        self.t, x, _ = common.windows({name: column[keep] for name, column in data.items()}, list(self.values), "t",
                                      **self.settings)
        self.x, self.u = x[..., :2], x[..., 2]

    def residuals(self, k):
        def f(t, y):
            i = np.clip((t[0] / 0.1 + 1e-9).astype(int), 0, 19)
            u = self.u[:, i] + (self.u[:, i + 1] - self.u[:, i]) * (t / 0.1 - i)
            return np.stack([y[:, 1], -k[0] * np.sin(y[:, 0]) - k[1] * y[:, 1] + k[2] * u], 1)
        return (solve(f, self.x[:, 0], self.t) - self.x).ravel()


class RobertsonRates(System):
    names, start, path = ("ln k1", "ln k2", "ln k3"), (-2.3, 16.1, 10.3), "kinetics.rates"

    def __init__(self):
        data = common.table("robertson_rates")
        self.t, self.x = data["t"], np.stack([data[name] for name in "abc"], 1)

    def of_weights(self, w):
        return [w["kinetics.rates.l%d" % i][0] for i in (1, 2, 3)]

    def residuals(self, k):
        k1, k2, k3 = np.exp(k)

        def f(t, y):
            a, b, c = y
            return [-k1 * a + 1e-4 * k3 * b * c, 1e4 * k1 * a - k3 * b * c - 1e-4 * k2 * b * b, 1e-8 * k2 * b * b]
        return (solve_ivp(f, (self.t[0], self.t[-1]), self.x[0], "Radau", self.t, rtol=1e-9, atol=1e-12).y.T - self.x).ravel()


class BouncingBall(System):
    """In closed form from bounce to bounce."""
    names, start, values, settings = ("g", "restitution"), (9, 0.6), ("h", "v"), dict(window=6, series="ball")

    def __init__(self):
        self.t, self.x, _ = self.windows("bouncing_ball")

    def of_weights(self, w):
        return [w["ode.flight.g"][0], sigmoid(w["ode.reset.e"][0])]

    def residuals(self, k):
        g, e = k
        out = np.empty_like(self.x)
        for n, (t, x) in enumerate(zip(self.t, self.x)):
            h, v, now = x[0, 0], x[0, 1], 0.0
            for i, at in enumerate(t):
                fall = (v + np.sqrt(v * v + 2 * g * h)) / g
                while now + fall <= at:
                    h, v, now = 0.0, -e * (v - g * fall), now + fall
                    fall = 2 * v / g
                s = at - now
                out[n, i] = h + v * s - g * s * s / 2, v - g * s
        return (out - self.x).ravel()


class Hamiltonian(System):
    names = ("m",) + tuple(kind + i for kind in "awb" for i in "1234")
    start = (1.5, 1, 1, -1, -1, 1, 1, 0.7, 0.7, 0.5, -0.5, 2, -2)
    path, values, settings = "ode.energy", ("q", "p"), dict(window=16, stride=3, series="swing")

    def __init__(self):
        self.t, self.x, _ = self.windows("hamiltonian")

    def residuals(self, k):
        m, a, w, b = k[0], k[1:5], k[5:9], k[9:13]
        force = lambda q: -(a * w * np.tanh(w * q[:, None] + b)).sum(1)
        q, p, h, out = self.x[:, 0, 0], self.x[:, 0, 1], 0.05, [self.x[:, 0]]
        for _ in range(15):
            for _ in range(2):
                p = p + h / 2 * force(q)
                q = q + h * p / m
                p = p + h / 2 * force(q)
            out.append(np.stack([q, p], 1))
        return (np.stack(out, 1) - self.x).ravel()


SYSTEMS = {"hare_lynx": HareLynx, "pendulum": Pendulum, "doses": Doses, "forced_pendulum": ForcedPendulum,
           "robertson_rates": RobertsonRates, "bouncing_ball": BouncingBall, "hamiltonian": Hamiltonian}


def main(options):
    for name in options.names:
        system = SYSTEMS[name]()
        _, weights = common.train(options.odeon, name, [])
        ours, theirs = np.array(system.of_weights(weights)), system.fit()
        rms = [np.sqrt(np.mean(system.residuals(c) ** 2)) for c in (ours, theirs)]
        shown = list(zip(system.names, ours, theirs))[:6]
        print("| %s | %s | %s | %.6g | %.6g |" % (
            name, ", ".join("%s %.8g" % (n, a) for n, a, _ in shown), ", ".join("%.8g" % b for _, _, b in shown), *rms),
            flush=True)


if __name__ == "__main__":
    main(common.options(__doc__, list(SYSTEMS)))
