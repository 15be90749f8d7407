#!/usr/bin/python3
"""Writes fashion_losses.safetensors: ten training losses of conf/fashion_mnist_conv_node.ini in PyTorch.

The network of that INI in float64, its ODE block by two steps of the classic Runge-Kutta method,
differentiated through the steps; AdamW with lr 1e-2 and no decay; batches of 128 in a fixed order.
Needs PyTorch and NumPy (python3-torch, python3-numpy) and Fashion-MNIST (dataset-fashion-mnist).
The file holds param/PATH, the initial weights under the paths that Odeon gives them; order, the
samples of the ten batches; losses, of each batch before its update. Equal seeds make equal files.

  tests/parity/make_fashion_losses.py
"""
import gzip
import json
import os
import struct

import numpy as np
import torch
import torch.nn.functional as F

DATA = "/usr/share/datasets/fashion-mnist"
OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fashion_losses.safetensors")
STEPS, BATCH, SEED = 10, 128, 1
SHAPES = {
    "conv.weight": (3, 1, 3, 3), "conv.bias": (3,),
    "ode.in.weight": (16, 2028), "ode.in.bias": (16,),
    "ode.middle.weight": (16, 16), "ode.middle.bias": (16,),
    "ode.out.weight": (2028, 16), "ode.out.bias": (2028,),
    "head.weight": (10, 2028), "head.bias": (10,),
}


def read_idx(name, dims):
    with gzip.open(os.path.join(DATA, name + ".gz")) as file:
        file.read(4)
        shape = struct.unpack(">%dI" % dims, file.read(4 * dims))
        return np.frombuffer(file.read(), np.uint8).reshape(shape)


def glorot(shape, generator):
    """Uniform on +-sqrt(6 / (inputs + outputs)); biases are zero."""
    w = torch.zeros(shape)
    if len(shape) > 1:
        field = int(np.prod(shape[2:]))
        w.uniform_(-1, 1, generator=generator).mul_((6 / (field * (shape[0] + shape[1]))) ** 0.5)
    return w


def forward(p, x, steps):
    def f(y):
        for name in ("in", "middle", "out"):
            y = F.relu(F.linear(y, p["ode.%s.weight" % name], p["ode.%s.bias" % name]))
        return y

    y, h = F.relu(F.conv2d(x, p["conv.weight"], p["conv.bias"])).flatten(1), 1 / steps
    for _ in range(steps):
        k1 = f(y)
        k2 = f(y + h / 2 * k1)
        k3 = f(y + h / 2 * k2)
        k4 = f(y + h * k3)
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return F.linear(y, p["head.weight"], p["head.bias"])


def train(p, order):
    images, labels = read_idx("train-images-idx3-ubyte", 3), read_idx("train-labels-idx1-ubyte", 1)
    optimizer = torch.optim.AdamW(p.values(), lr=1e-2, weight_decay=0)
    losses = []
    for index in order.reshape(STEPS, BATCH).numpy():
        x = torch.from_numpy(images[index].astype(np.float64) / 255).unsqueeze(1)
        loss = F.cross_entropy(forward(p, x, 2), torch.from_numpy(labels[index].astype(np.int64)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def write(path, tensors, meta=None):
    """A safetensors file of NumPy arrays, float64 or int64."""
    header, data = {} if meta is None else {"__metadata__": meta}, b""
    for name, array in sorted(tensors.items()):
        dtype, raw = {"float64": "F64", "int64": "I64"}[str(array.dtype)], array.tobytes()
        header[name] = dict(dtype=dtype, shape=list(array.shape), data_offsets=[len(data), len(data) + len(raw)])
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def main():
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(SEED)
    p = {name: glorot(shape, generator).requires_grad_() for name, shape in SHAPES.items()}
    order = torch.randperm(60000, generator=generator)[:STEPS * BATCH]
    tensors = {"param/" + name: value.detach().numpy().copy() for name, value in p.items()}
    tensors["order"] = order.numpy()
    tensors["losses"] = np.array(train(p, order))
    write(OUT, tensors)
    print("\n".join("%.17g" % loss for loss in tensors["losses"]))


if __name__ == "__main__":
    main()
