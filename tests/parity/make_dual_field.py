#!/usr/bin/python3
"""Writes dual_field.safetensors: a small field's derivatives along directions, by JAX in float64.

f(t, y) = W2 tanh(W1 [t, y] + b1) + b2 of three samples of four numbers, at t = 0.3: y, t, param/*.
  dy, dy_dot              f and its jvp along y_dot, t_dot
  y_bar, t_bar, bar/*     the gradients of <dy_bar, f>
  y_bar_dot, t_bar_dot, bar_dot/*  the derivatives of these along y_dot, t_dot, dy_bar_dot
  trace                   the divergence of f, of each sample
  flow/y, flow/l          five steps of Euler's method to t = 1 of y' = f, l' = e^T J e (e of +-1), from
                          y and 0: what a continuous normalizing flow integrates
  flow/grad/*, flow/y0    the gradient of sum(l) + sum(y^2) / 2 at the end by parameters and by y(0)
Needs JAX. Gives the same numbers again, but for rounding.
"""
import json
import os
import struct

import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)
OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "dual_field.safetensors")
STEPS, START, END = 5, 0.3, 1.0


def write(path, tensors):
    header, at = {}, 0
    for name, x in tensors.items():
        header[name] = {"dtype": "F64", "shape": list(x.shape), "data_offsets": [at, at + x.nbytes]}
        at += x.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for x in tensors.values():
            file.write(np.ascontiguousarray(x, dtype="<f8").tobytes())


def f(theta, t, y):
    x = jnp.concatenate([jnp.broadcast_to(t, (y.shape[0], 1)), y], axis=1)
    hidden = jnp.tanh(x @ theta["one.weight"].T + theta["one.bias"])
    return hidden @ theta["two.weight"].T + theta["two.bias"]


def backward(theta, t, y, dy_bar):
    return jax.grad(lambda p, s, z: jnp.sum(dy_bar * f(p, s, z)), argnums=(0, 1, 2))(theta, t, y)


def flow(theta, y, e):
    h, l = (END - START) / STEPS, jnp.zeros(y.shape[0])
    for k in range(STEPS):
        t = jnp.array([START + k * h])
        dy, dy_dot = jax.jvp(lambda z: f(theta, t, z), (y,), (e,))
        y, l = y + h * dy, l + h * jnp.sum(e * dy_dot, axis=1)
    return y, l


def end(theta, y, e):
    y, l = flow(theta, y, e)
    return jnp.sum(l) + jnp.sum(y**2) / 2


def main():
    rng = np.random.default_rng(5)
    y, y_dot, dy_bar, dy_bar_dot = (rng.standard_normal((3, 4)) for _ in range(4))
    t, t_dot, e = np.array([START]), np.array([0.7]), rng.choice([-1.0, 1.0], (3, 4))
    theta = {"one.weight": rng.standard_normal((8, 5)) / 2, "one.bias": rng.standard_normal(8) / 2,
             "two.weight": rng.standard_normal((4, 8)) / 2, "two.bias": rng.standard_normal(4) / 2}
    out = {"y": y, "t": t, "y_dot": y_dot, "t_dot": t_dot, "dy_bar": dy_bar,
           "dy_bar_dot": dy_bar_dot, "e": e}
    out.update({"param/" + name: x for name, x in theta.items()})
    out["dy"], out["dy_dot"] = jax.jvp(lambda s, z: f(theta, s, z), (t, y), (t_dot, y_dot))
    bars, dots = jax.jvp(lambda s, z, b: backward(theta, s, z, b), (t, y, dy_bar),
                         (t_dot, y_dot, dy_bar_dot))
    for suffix, (grads, t_bar, y_bar) in (("", bars), ("_dot", dots)):
        out["y_bar" + suffix], out["t_bar" + suffix] = y_bar, t_bar
        out.update({"bar" + suffix + "/" + name: x for name, x in grads.items()})
    jacobian = jax.vmap(jax.jacfwd(lambda z: f(theta, t, z[None])[0]))(jnp.array(y))
    out["trace"] = jnp.trace(jacobian, axis1=1, axis2=2)
    out["flow/y"], out["flow/l"] = flow(theta, y, e)
    grads, out["flow/y0"] = jax.grad(end, argnums=(0, 1))(theta, jnp.array(y), e)
    out.update({"flow/grad/" + name: x for name, x in grads.items()})
    write(OUT, {name: np.asarray(x, dtype=np.float64) for name, x in out.items()})


main()
