#!/usr/bin/python3
"""Writes learning.safetensors: max pooling, losses of numbers and RMSprop in PyTorch, in float64.

  NAME/x, NAME/out, NAME/cot, NAME/grad_x   pooling, and the gradient of sum(out * cot)
  loss/x, loss/target, loss/mask            numbers that the losses compare
  loss/NAME, loss/NAME/grad                 the mean over all elements, and its gradient
  loss/NAME/masked, loss/NAME/masked_grad   sum(mask * e) / sum(mask), and its gradient
  loss/mae, loss/mae_masked                 mean of the absolute difference
  rmsprop/w0, rmsprop/grads, rmsprop/NAME   weights, gradients, the weights after each of eight steps

Differences reach from 0 to beyond every beta. Needs PyTorch (python3-torch); equal seeds make equal files.

  tests/parity/make_learning.py
"""
import os
import sys

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
    write(OUT, {name: t.reshape(t.shape or (1,)).numpy() for name, t in tensors.items()})


if __name__ == "__main__":
    main()
