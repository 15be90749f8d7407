#!/usr/bin/python3
"""Writes steppers.safetensors: BDF2 with variable steps, semi-implicit BDF2, and Stormer and Verlet's method, in NumPy alone.

METHOD/ODE/ has a, y0 [SAMPLES, n], target, and for each of the ways to choose steps below, WAY/y (the
end, or the states at `times`), the loss, mean of (y - target)^2, and its gradients by y0 and by the
parameter a, WAY/grad_y0 and WAY/grad_a:
  equal   equal steps forward
  back    equal steps backward
  short   step_size, whose last step is shorter
  listed  steps of different sizes, WAY/steps [k, 2], as (t, h)
  inside  the same, bdf2 only, read at times within steps off Hermite's cubic

bdf2 is made here of its definition (Hairer, Norsett, Wanner, Solving ODEs I, 2nd ed., III.5): the
parabola through the last two states and the next has the slope f there. Its first step is the
trapezoidal rule's. sbdf2 (Ascher, Ruuth, Wetton, SIAM J. Numer. Anal. 32, 1995) has that slope of the
parabola equal to the stiff term there and to the line through the other term's last two values; its
first step is the semi-implicit Euler's. Newton's iteration goes on for as long as it could change anything. Leapfrog is
kick, drift, kick (Hairer, Lubich, Wanner, Geometric Numerical Integration, 2nd ed., I.1.4), its kicks
at the ends of a step and the drift at its middle where f has t in it. Gradients are complex steps of
1e-30 through the whole recurrence, Newton's iteration included: nothing cancels. Needs NumPy
(python3-numpy) and gives the same bytes again.
"""
import json
import os
import struct

import numpy as np

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "steppers.safetensors")
TINY = 1e-30


def oscillator(a, t, y):
    """Van der Pol's, with its Jacobian."""
    f = [y[1], a * (1 - y[0] ** 2) * y[1] - y[0]]
    return np.array(f), np.array([[0, 1], [-2 * a * y[0] * y[1] - 1, a * (1 - y[0] ** 2)]])


def chase(a, t, y):
    """Stiff for a large a, and t in it."""
    f = [-a * (y[0] - np.sin(t)) + y[1] * y[2], np.cos(t) - y[1] ** 2, y[0] - t * y[2]]
    return np.array(f), np.array([[-a, y[2], y[1]], [0, -2 * y[1], 0], [1, 0, -t]])


def relax_stiff(a, t, y):
    f = [-a * (y[0] - np.sin(t)), -a * (y[1] - y[0] ** 2)]
    return np.array(f), np.array([[-a, 0], [2 * a * y[0], -a]])


def relax_other(a, t, y):
    return np.array([y[1] * np.cos(t), -y[0] * y[1]])


def kepler_drift(a, t, p):
    return p


def kepler_kick(a, t, q):
    return -a * q / np.sqrt(q[0] ** 2 + q[1] ** 2) ** 3


def pendulum_drift(a, t, p):
    return p * (1 + t / 4)


def pendulum_kick(a, t, q):
    return -a * np.sin(q) + np.cos(t)


# ---- methods: states at the ends of all steps, and slopes where they are known ----


def solve_implicit(f, a, t, g, base, y):
    """y = base + g f(t, y)."""
    for _ in range(30):
        slope, jacobian = f(a, t, y)
        change = np.linalg.solve(np.eye(len(y)) - g * jacobian, base + g * slope - y)
        y = y + change
        if np.all(change == 0):
            break
    return y


def bdf2(f, a, steps, y):
    states, slopes = [y], [f(a, steps[0][0], y)[0]]
    for i, (t, h) in enumerate(steps):
        if i == 0:
            g, base = h / 2, y + h / 2 * slopes[0]
        else:
            # Slopes at the last of the nodes -last, 0, h of the three polynomials of Lagrange.
            last = steps[i - 1][1]
            of_before, of_now = h / (last * (last + h)), -(last + h) / (last * h)
            of_next = 1 / (last + h) + 1 / h
            g, base = 1 / of_next, -(of_before * states[-2] + of_now * states[-1]) / of_next
        y = solve_implicit(f, a, t + h, g, base, states[-1] + h * slopes[-1])
        states.append(y)
        slopes.append(f(a, t + h, y)[0])
    return states, slopes


def sbdf2(f, a, steps, y):
    stiff, other = f
    states, others = [y], [other(a, steps[0][0], y)]
    for i, (t, h) in enumerate(steps):
        if i == 0:
            g, base = h, y + h * others[0]
        else:
            last = steps[i - 1][1]
            of_before, of_now = h / (last * (last + h)), -(last + h) / (last * h)
            of_next = 1 / (last + h) + 1 / h
            ahead = others[-1] + h / last * (others[-1] - others[-2])
            g, base = 1 / of_next, (ahead - of_before * states[-2] - of_now * states[-1]) / of_next
        y = solve_implicit(stiff, a, t + h, g, base, states[-1])
        states.append(y)
        others.append(other(a, t + h, y))
    return states, None


def leapfrog(f, a, steps, y):
    drift, kick = f
    states = [y]
    q, p = np.split(y, 2)
    for t, h in steps:
        p = p + h / 2 * kick(a, t, q)
        q = q + h * drift(a, t + h / 2, p)
        p = p + h / 2 * kick(a, t + h, q)
        states.append(np.concatenate([q, p]))
    return states, None


def read(steps, states, slopes, times):
    """The states at times, by the cubics of both ends' states and slopes."""
    found = []
    for time in times:
        i = max(k for k, (t, h) in enumerate(steps) if t <= time)
        t, h = steps[i]
        x = (time - t) / h
        found.append((1 + 2 * x) * (1 - x) ** 2 * states[i] + x ** 2 * (3 - 2 * x) * states[i + 1]
                     + h * x * (1 - x) ** 2 * slopes[i] + h * x ** 2 * (x - 1) * slopes[i + 1])
    return np.array(found)


# ---- steps ----


def equal(t, end, n):
    h = (end - t) / n
    return [(t + i * h, h) for i in range(n)]


def short(t, end, h):
    n = int((end - t) / h)
    return equal(t, t + n * h, n) + [(t + n * h, end - (t + n * h))]


def listed(t, end, n):
    sizes = np.array([1.0 + 0.45 * np.sin(1.7 * i) for i in range(n)])  # ratios from 0.47 to 2.1
    sizes *= (end - t) / sizes.sum()
    starts = t + np.concatenate([[0.0], np.cumsum(sizes)[:-1]])
    sizes[-1] = end - starts[-1]
    return list(zip(starts.tolist(), sizes.tolist()))


TIMES = [0.0, 0.31, 0.77, 1.25]

WAYS = {
    "equal": equal(0.0, 2.0, 40),
    "back": equal(0.5, 0.25, 25),
    "short": short(0.0, 1.25, 0.06),
    "listed": listed(0.0, 1.25, 30),
    "inside": listed(0.0, 1.25, 30),
}

CASES = (
    ("bdf2", "oscillator", bdf2, oscillator, 5.0, [[1.2, -0.4], [-0.6, 0.9]]),
    ("bdf2", "chase", bdf2, chase, 20.0, [[0.3, 1.1, -0.5], [-0.2, 0.8, 0.6]]),
    ("sbdf2", "relax", sbdf2, (relax_stiff, relax_other), 15.0, [[0.4, 0.9], [-0.3, 0.2]]),
    ("leapfrog", "kepler", leapfrog, (kepler_drift, kepler_kick), 1.0,
     [[0.8, 0.1, 0.1, 1.2], [-0.2, 1.1, -0.9, 0.3]]),
    ("leapfrog", "pendulum", leapfrog, (pendulum_drift, pendulum_kick), 1.5, [[0.4, 1.2], [-1.0, 0.7]]),
)


def solve(method, f, way, a, y0):
    steps = WAYS[way]
    states, slopes = method(f, a, steps, y0)
    return read(steps, states, slopes, TIMES) if way == "inside" else states[-1]


def differentiate(method, f, way, a, y0, target):
    """y, the loss and its gradients."""
    runs = [solve(method, f, way, a, y) for y in y0]
    size = np.size(runs)

    def loss(a, i, y):  # sample i's part of it
        d = solve(method, f, way, a, y) - target[i]
        return np.sum(d * d) / size

    grad_y0, grad_a = np.zeros(y0.shape), 0.0
    for i, y in enumerate(y0):
        for k in range(len(y)):
            moved = y.astype(complex)
            moved[k] += 1j * TINY
            grad_y0[i, k] = loss(a, i, moved).imag / TINY
        grad_a += loss(a + 1j * TINY, i, y.astype(complex)).imag / TINY
    total = sum(loss(a, i, y) for i, y in enumerate(y0))
    return np.array(runs), np.array([total]), grad_y0, np.array([grad_a])


def write(path, tensors):
    header, data = {}, b""
    for name, array in sorted(tensors.items()):
        raw = np.ascontiguousarray(array, dtype="<f8").tobytes()
        header[name] = dict(dtype="F64", shape=list(array.shape),
                            data_offsets=[len(data), len(data) + len(raw)])
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def main():
    tensors = {}
    for name, ode, method, f, a, y0 in CASES:
        prefix, y0 = "%s/%s/" % (name, ode), np.array(y0)
        target = np.cos(1.0 + np.arange(y0.size)).reshape(y0.shape)
        tensors.update({prefix + "a": np.array([a]), prefix + "y0": y0, prefix + "target": target})
        for way, steps in WAYS.items():
            if way == "inside" and name != "bdf2":
                continue
            results = differentiate(method, f, way, a, y0, target)
            for what, value in zip(("y", "loss", "grad_y0", "grad_a"), results):
                tensors[prefix + way + "/" + what] = value
            if way in ("listed", "inside"):
                tensors[prefix + way + "/steps"] = np.array(steps)
    write(OUT, tensors)


if __name__ == "__main__":
    main()
