#!/usr/bin/python3
"""Writes timed_layers.safetensors: layers in PyTorch whose output depends on more than one call's input.

Batch norms in training and in evaluation, and layers that take the time t as one more channel or
column. A layer NAME has NAME/param/* (with running state), NAME/x, NAME/out, a cotangent NAME/cot, and
the gradients of sum(out * cot), NAME/grad_x and NAME/grad_param/*; batch norms NAME/after/* (the
running state after the call), NAME/eval_out and NAME/eval_grad_x, /eval_grad_param/* with the state as
it was before the call; layers with time NAME/t (one number, or one a sample) and NAME/grad_t. Needs
PyTorch; gives the same bytes again.
"""
import os
import sys

import torch
from torch import nn

sys.dont_write_bytecode = True  # no cache among the fixtures
from make_fashion_losses import write

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "timed_layers.safetensors")


def spread(layer):
    """Parameters and running state other than those that a norm starts with."""
    for name, value in layer.state_dict().items():
        if value.dim() > 0:
            value.copy_(torch.rand_like(value) + (0.5 if name in ("weight", "running_var") else -0.5))
    return layer


def differentiate(tensors, name, prefix, layer, call, inputs):
    out = call(*inputs.values())
    cot = torch.randn_like(out) if name + "/cot" not in tensors else torch.from_numpy(tensors[name + "/cot"])
    tensors[name + "/cot"] = cot.numpy()
    tensors["%s/%sout" % (name, prefix)] = out.detach().numpy()
    names, parameters = zip(*layer.named_parameters()) if list(layer.parameters()) else ((), ())
    gradients = torch.autograd.grad((out * cot).sum(), (*inputs.values(), *parameters))
    for key, gradient in zip((*inputs, *("param/" + n for n in names)), gradients):
        tensors["%s/%sgrad_%s" % (name, prefix, key)] = gradient.contiguous().numpy()


def keep(tensors, name, layer, inputs):
    for key, value in layer.state_dict().items():
        if value.dim() > 0:
            tensors["%s/param/%s" % (name, key)] = value.clone().numpy()
    for key, value in inputs.items():
        tensors["%s/%s" % (name, key)] = value.detach().numpy()


def batch_norm(tensors, name, layer, shape):
    spread(layer)
    inputs = {"x": (2 * torch.randn(shape) + 0.7).requires_grad_()}
    keep(tensors, name, layer, inputs)
    layer.eval()
    differentiate(tensors, name, "eval_", layer, layer, inputs)
    layer.train()
    differentiate(tensors, name, "", layer, layer, inputs)
    for key in ("running_mean", "running_var"):
        tensors["%s/after/%s" % (name, key)] = layer.state_dict()[key].numpy()


def joined(x, t, channel, first):
    """x with t as one more entry of dimension channel."""
    shape = list(x.shape)
    shape[channel] = 1
    time = t.reshape([-1] + [1] * (x.dim() - 1)).expand(shape)
    return torch.cat([time, x] if first else [x, time], channel)


def timed(tensors, name, layer, shape, t, channel, first):
    inputs = {"x": torch.randn(shape).requires_grad_(), "t": torch.tensor(t).requires_grad_()}
    keep(tensors, name, layer, inputs)
    differentiate(tensors, name, "", layer, lambda x, t: layer(joined(x, t, channel, first)), inputs)


def main():
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    torch.manual_seed(4)
    tensors = {}
    batch_norm(tensors, "batchnorm", nn.BatchNorm2d(5), (6, 5, 4, 3))
    batch_norm(tensors, "batchnorm_vectors", nn.BatchNorm1d(37, momentum=0.3), (9, 37))
    batch_norm(tensors, "batchnorm_plain", nn.BatchNorm1d(3, eps=0.1, affine=False), (4, 3, 35))
    timed(tensors, "conv_first", nn.Conv2d(4, 5, 3, padding=1), (2, 3, 6, 6), [0.3], 1, True)
    timed(tensors, "conv_last", nn.Conv2d(4, 2, 4, 2, 1, bias=False), (3, 3, 7, 6), [0.3, -1.0, 2.0], 1, False)
    timed(tensors, "dense_first", nn.Linear(6, 4), (3, 5), [0.7, 0.2, -0.4], -1, True)
    timed(tensors, "dense_last", nn.Linear(6, 4), (3, 5), [0.7], -1, False)
    timed(tensors, "dense_sequence", nn.Linear(6, 4), (3, 2, 5), [0.7, 0.2, -0.4], -1, False)
    layer, inputs = nn.Linear(5, 4), {"x": torch.randn(3, 7, 5).requires_grad_()}
    keep(tensors, "dense_rows", layer, inputs)
    differentiate(tensors, "dense_rows", "", layer, layer, inputs)
    write(OUT, tensors)


if __name__ == "__main__":
    main()
