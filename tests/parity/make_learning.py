#!/usr/bin/python3
"""Writes learning.safetensors: layers without parameters, losses of numbers, RMSprop; PyTorch, float64.

  NAME/x, NAME/out, NAME/cot, NAME/grad_x   max pools, layers of chance, scale; gradient of sum(out * cot)
  loss/x, loss/target, loss/mask            numbers that the losses compare
  loss/NAME, loss/NAME/grad                 the mean over all elements, and its gradient
  loss/NAME/masked, loss/NAME/masked_grad   sum(mask * e) / sum(mask), and its gradient
  loss/mae, loss/mae_masked                 mean of the absolute difference
  rmsprop/w0, rmsprop/grads, rmsprop/NAME   weights, gradients, the weights after each of eight steps

Differences reach from 0 to beyond every beta. What layers of chance draw comes from Philox in NumPy, as
device.h words it, for the key KEY and a batch that begins with sample FIRST. Needs PyTorch (python3-torch)
and NumPy; equal seeds make equal files.

  tests/parity/make_learning.py
"""
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F

sys.dont_write_bytecode = True  # no cache among the fixtures
from make_fashion_losses import write

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "learning.safetensors")

POOLS = {  # name: (shape, kernel, stride, padding)
    "maxpool_2": ((2, 3, 8, 6), 2, 2, 0),
    "maxpool_2_odd": ((2, 3, 7, 5), 2, 2, 0),
    "maxpool_3s2p1": ((2, 2, 9, 11), 3, 2, 1),
    "maxpool_3x2s1x2p1": ((1, 4, 6, 7), (3, 2), (1, 2), (1, 1)),
    "maxpool_ties": ((3, 2, 6, 6), 3, 1, 1),
}
KEY, FIRST = 0x0123456789ABCDEF, 7
CHANCE = {  # name: (shape, what is done to it)
    "dropout_0.3": ((4, 3, 5), lambda x: dropout(x, 0.3)),
    "random_crop_p2": ((6, 2, 5, 4), lambda x: crop(x, 5, 4, 2)),
    "random_crop_3x2": ((6, 2, 5, 4), lambda x: crop(x, 3, 2, 0)),
    "horizontal_flip_0.4": ((9, 2, 3, 4), lambda x: flip(x, 0.4)),
    "scale": ((3, 4), lambda x: -0.5 * x + 3),
}
LOSSES = {
    "mse": lambda x, y: F.mse_loss(x, y, reduction="none"),
    "l1": lambda x, y: F.l1_loss(x, y, reduction="none"),
    "smooth_l1": lambda x, y: F.smooth_l1_loss(x, y, reduction="none"),
    "smooth_l1_beta0.3": lambda x, y: F.smooth_l1_loss(x, y, reduction="none", beta=0.3),
}
OPTIMIZERS = {
    "default": {},
    "lr0.05_alpha0.9_wd0.1": dict(lr=0.05, alpha=0.9, weight_decay=0.1),
    "momentum0.8": dict(momentum=0.8),
    "centered": dict(alpha=0.9, centered=True),
    "all": dict(lr=0.02, alpha=0.95, eps=1e-6, weight_decay=0.01, momentum=0.7, centered=True),
}


def pools(tensors, g):
    for name, (shape, kernel, stride, padding) in POOLS.items():
        x = torch.randn(shape, generator=g)
        if name.endswith("ties"):
            x = x.mul(2).round()  # integers: many windows have several largest
        x.requires_grad_(True)
        out = F.max_pool2d(x, kernel, stride, padding)
        cot = torch.randn(out.shape, generator=g)
        (out * cot).sum().backward()
        tensors.update({name + "/x": x.detach(), name + "/out": out.detach(), name + "/cot": cot,
                        name + "/grad_x": x.grad})


def philox(index):
    """The four words of Philox4x32-10 for counters index."""
    index, low = index.astype(np.uint64), np.uint64(0xFFFFFFFF)
    shift = np.uint64(32)
    v = [index & low, index >> shift, np.zeros_like(index), np.zeros_like(index)]
    keys = [KEY & 0xFFFFFFFF, KEY >> 32]
    for _ in range(10):
        a, b = np.uint64(0xD2511F53) * v[0], np.uint64(0xCD9E8D57) * v[2]
        v = [(b >> shift) ^ v[1] ^ np.uint64(keys[0]), b & low, (a >> shift) ^ v[3] ^ np.uint64(keys[1]), a & low]
        keys = [(keys[0] + 0x9E3779B9) & 0xFFFFFFFF, (keys[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return v


def dropout(x, p):
    size = x[0].numel()
    v = philox(FIRST * size + np.arange(x.numel()))
    u = ((v[1] << np.uint64(32) | v[0]) >> np.uint64(11)) * 2.0 ** -53
    return x * torch.from_numpy((u >= p) / (1 - p)).reshape(x.shape)


def crop(x, height, width, padding):
    padded = F.pad(x, (padding,) * 4)
    v = philox(FIRST + np.arange(len(x)))
    rows, columns = padded.shape[2] - height + 1, padded.shape[3] - width + 1
    out = []
    for b, image in enumerate(padded):
        top, left = int(v[0][b]) * rows >> 32, int(v[1][b]) * columns >> 32
        out.append(image[:, top:top + height, left:left + width])
    return torch.stack(out)


def flip(x, probability):
    v = philox(FIRST + np.arange(len(x)))
    return torch.stack([x[b].flip(2) if v[2][b] / 2.0 ** 32 < probability else x[b] for b in range(len(x))])


def chance(tensors, g):
    for name, (shape, do) in CHANCE.items():
        x = torch.randn(shape, generator=g).requires_grad_(True)
        out = do(x)
        cot = torch.randn(out.shape, generator=g)
        (out * cot).sum().backward()
        tensors.update({name + "/x": x.detach(), name + "/out": out.detach(), name + "/cot": cot,
                        name + "/grad_x": x.grad})


def losses(tensors, g):
    x = torch.randn(5, 4, 3, generator=g)
    y = torch.randn(5, 4, 3, generator=g)
    y[0, 0] = x[0, 0]
    y[1, 1, 1] = x[1, 1, 1] + 0.25
    mask = (torch.rand(5, 4, 3, generator=g) < 0.6).double()
    tensors.update({"loss/x": x, "loss/target": y, "loss/mask": mask})
    for name, loss in LOSSES.items():
        for suffix, weight in (("", torch.ones_like(mask)), ("masked", mask)):
            at = x.clone().requires_grad_(True)
            value = (weight * loss(at, y)).sum() / weight.sum()
            value.backward()
            path = "loss/" + name
            tensors[path + ("/masked" if suffix else "")] = value.detach()
            tensors[path + ("/masked_grad" if suffix else "/grad")] = at.grad
    tensors["loss/mae"] = (x - y).abs().mean()
    tensors["loss/mae_masked"] = (mask * (x - y).abs()).sum() / mask.sum()


def rmsprop(tensors, g):
    start, grads = torch.randn(7, generator=g), torch.randn(8, 7, generator=g)
    tensors.update({"rmsprop/w0": start, "rmsprop/grads": grads})
    for name, options in OPTIMIZERS.items():
        w, path = start.clone().requires_grad_(True), []
        optimizer = torch.optim.RMSprop([w], **options)
        for grad in grads:
            w.grad = grad.clone()
            optimizer.step()
            path.append(w.detach().clone())
        tensors["rmsprop/" + name] = torch.stack(path)


def main():
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    tensors, g = {}, torch.Generator().manual_seed(5)
    pools(tensors, g)
    losses(tensors, g)
    rmsprop(tensors, g)
    chance(tensors, g)
    write(OUT, {name: t.reshape(t.shape or (1,)).numpy() for name, t in tensors.items()})


if __name__ == "__main__":
    main()
