"""Writes hamiltonian.safetensors: a Hamiltonian network with its gradients, by PyTorch in float64.

    python make_hamiltonian.py hamiltonian.safetensors

H(q, p, t) = W3 tanh(W2 tanh(W1 [q, p, t] + b1) + b2) + b3, q and p of two numbers each; the field
(dH/dp, -dH/dq) by autograd, solved by four steps of the classical Runge-Kutta method from samples x
at t = 0 to z at 1; loss the mean of (z - label)^2, and its gradient by the weights and by x.
"""
import json
import struct
import sys

import torch

torch.set_default_dtype(torch.float64)
torch.manual_seed(3)
SAMPLES, N, HIDDEN, STEPS = 5, 2, 7, 4


def field(w, t, y):
    inputs = torch.cat([y, torch.full((y.shape[0], 1), t)], 1)
    hidden = torch.tanh(torch.tanh(inputs @ w["W1"].T + w["b1"]) @ w["W2"].T + w["b2"])
    energy = hidden @ w["W3"].T + w["b3"]
    (g,) = torch.autograd.grad(energy.sum(), y, create_graph=True)
    return torch.cat([g[:, N:], -g[:, :N]], 1)


def solve(w, y):
    h = 1.0 / STEPS
    for i in range(STEPS):
        k1 = field(w, i * h, y)
        k2 = field(w, i * h + h / 2, y + h / 2 * k1)
        k3 = field(w, i * h + h / 2, y + h / 2 * k2)
        k4 = field(w, i * h + h, y + h * k3)
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return y


def save(path, tensors):
    head, body = {}, b""
    for name in sorted(tensors):
        v = tensors[name].detach().numpy().astype("<f8").ravel()
        head[name] = {"dtype": "F64", "shape": [v.size], "data_offsets": [len(body), len(body) + 8 * v.size]}
        body += v.tobytes()
    text = json.dumps(head, separators=(",", ":"))
    text += " " * (-len(text) % 8)
    open(path, "wb").write(struct.pack("<Q", len(text)) + text.encode() + body)


def main():
    w = {"W1": torch.randn(HIDDEN, 2 * N + 1) * 0.5, "b1": torch.randn(HIDDEN) * 0.3,
         "W2": torch.randn(HIDDEN, HIDDEN) * 0.4, "b2": torch.randn(HIDDEN) * 0.3,
         "W3": torch.randn(1, HIDDEN) * 0.6, "b3": torch.randn(1)}
    x = torch.randn(SAMPLES, 2 * N)
    leaves = {**w, "x": x}
    for v in leaves.values():
        v.requires_grad_(True)
    z = solve(w, x * 1.0)
    label = torch.sin(torch.arange(SAMPLES * 2 * N).reshape(SAMPLES, 2 * N) * 1.0)
    loss = ((z - label) ** 2).mean()
    out = {**leaves, "label": label, "z": z, "loss": loss}
    grads = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
    for (name, v), g in zip(leaves.items(), grads):
        out["grad_" + name] = torch.zeros_like(v) if g is None else g  # none of b3
    save(sys.argv[1], out)


if __name__ == "__main__":
    main()
