#!/usr/bin/python3
"""Writes adams.safetensors: the Adams-Bashforth methods of order 1 to 5, in NumPy alone.

Two small ODEs from t = 0 to 1.25 in steps of 0.1, of which the last is 0.05, and from 2 down to 0.8 in
12 equal steps: ORDER/ODE/grid, ORDER/ODE/back. The first order - 1 steps are those of the classic
Runge-Kutta method; where the size changes, the method starts again. (torchdiffeq's explicit_adams
starts with lower orders, and so cannot be compared.) Needs
NumPy, and PyTorch for the writer of files that it shares (python3-numpy, python3-torch).
"""
import os
import sys
from fractions import Fraction

import numpy as np

sys.dont_write_bytecode = True  # no cache among the fixtures
from make_fashion_losses import write

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "adams.safetensors")


def weights(order):
    """Integrals over [0,1] of the Lagrange polynomials on the nodes 0, -1, ..., 1 - order."""
    result = []
    for j in range(order):
        polynomial = [Fraction(1)]  # coefficients, lowest first
        for k in range(order):
            if k != j:
                shifted = [Fraction(0)] + polynomial
                scaled = [c * k for c in polynomial] + [Fraction(0)]
                polynomial = [(a + b) / (k - j) for a, b in zip(shifted, scaled)]
        result.append(float(sum(c / (i + 1) for i, c in enumerate(polynomial))))
    return result


def vanderpol(t, y):
    return np.array([y[1], (1 - y[0] ** 2) * y[1] - y[0]])


def forced(t, y):
    return np.array([np.cos(3 * t) - y[0], y[0] * np.sin(t)])


def rk4_step(f, t, h, y):
    k1 = f(t, y)
    k2 = f(t + h / 2, y + h / 2 * k1)
    k3 = f(t + h / 2, y + h / 2 * k2)
    k4 = f(t + h, y + h * k3)
    return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def equal_steps(f, t, h, n, y, order):
    past = []  # newest first
    for i in range(n):
        past.insert(0, f(t + i * h, y))
        if i < order - 1:
            y = rk4_step(f, t + i * h, h, y)
        else:
            y = y + h * sum(w * k for w, k in zip(weights(order), past))
    return y


def main():
    tensors = {}
    for order in range(1, 6):
        for name, f, y0 in (("vanderpol", vanderpol, [2.0, 0.0]), ("forced", forced, [0.5, -0.3])):
            y = equal_steps(f, 0.0, 0.1, 12, np.array(y0), order)
            tensors["%d/%s/grid" % (order, name)] = equal_steps(f, 1.2, 0.05, 1, y, order)
            tensors["%d/%s/back" % (order, name)] = equal_steps(f, 2.0, -0.1, 12, np.array(y0), order)
    write(OUT, tensors)


if __name__ == "__main__":
    main()
