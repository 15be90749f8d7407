#!/usr/bin/python3
"""Writes rk4x1/* and rk4x2000/* of model_b.safetensors, from the param/*, x and labels in it.

One step of the classic Runge-Kutta method, differentiated by PyTorch: logits, loss, gradients; and
logits and loss of 2000 steps, which those of 4000 differ from by less than 1e-9.

  tests/parity/make_model_b.py
"""
import json
import os
import struct
import sys

import numpy as np
import torch
import torch.nn.functional as F

sys.dont_write_bytecode = True  # no cache among the fixtures
from make_fashion_losses import forward, write

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "model_b.safetensors")
NAMES = {"conv": "0", "ode.in": "3.f.l1", "ode.middle": "3.f.l2", "ode.out": "3.f.l3", "head": "4"}


def read(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    meta = header.pop("__metadata__")
    return meta, {name: np.frombuffer(data[slice(*entry["data_offsets"])]).reshape(entry["shape"])
                  for name, entry in header.items()}


def main():
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    meta, tensors = read(FILE)
    tensor = lambda name: torch.from_numpy(tensors[name].copy())
    p = {ours + kind: tensor("param/" + theirs + kind).requires_grad_()
         for ours, theirs in NAMES.items() for kind in (".weight", ".bias")}
    for steps in (1, 2000):
        logits = forward(p, tensor("x"), steps)
        loss = F.cross_entropy(logits, tensor("labels").long())
        tensors["rk4x%d/logits" % steps] = logits.detach().numpy()
        tensors["rk4x%d/loss" % steps] = loss.detach().numpy().reshape(1)
        if steps == 1:
            for name, gradient in zip(p, torch.autograd.grad(loss, list(p.values()))):
                layer, kind = name.rsplit(".", 1)
                tensors["rk4x1/grad/%s.%s" % (NAMES[layer], kind)] = gradient.contiguous().numpy()
    write(FILE, tensors, meta)


if __name__ == "__main__":
    main()
