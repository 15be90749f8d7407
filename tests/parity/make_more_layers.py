#!/usr/bin/python3
"""Writes more_layers.safetensors: further layers in PyTorch, in the form of layers.safetensors.

A layer NAME has NAME/param/*, NAME/x, NAME/out, a cotangent NAME/cot, and the gradients of
sum(out * cot), NAME/grad_x and NAME/grad_param/*; a layer with time NAME/t and NAME/grad_t. Needs
PyTorch; gives the same bytes again.
"""
import os
import sys

import torch
import torch.nn.functional as F
from torch import nn

sys.dont_write_bytecode = True  # no cache among the fixtures
from make_fashion_losses import write

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "more_layers.safetensors")


def rand(*shape):
    return torch.randn(*shape)


def case(tensors, name, call, x, differentiable=True, t=None, **param):
    inputs = {"x": x.requires_grad_(differentiable)}
    if t is not None:
        inputs["t"] = t.requires_grad_()
    for key, value in param.items():
        inputs["param/" + key] = value.requires_grad_()
    out = call(*inputs.values())
    cot = torch.randn_like(out)
    wanted = {k: v for k, v in inputs.items() if v.requires_grad}
    gradients = dict(zip(wanted, torch.autograd.grad((out * cot).sum(), list(wanted.values()))))
    for key, value in inputs.items():
        tensors["%s/%s" % (name, key)] = value.detach().numpy()
        head, tail = key.rpartition("/")[0::2]
        key = "grad_" + (head + "/" if head else "") + tail
        gradient = gradients.get(key[5:], torch.zeros_like(value))
        tensors["%s/%s" % (name, key)] = gradient.contiguous().numpy()
    tensors[name + "/out"] = out.detach().contiguous().numpy()
    tensors[name + "/cot"] = cot.numpy()


def activations(tensors):
    """The first row has 0, where derivatives are easily wrong, and far tails."""
    for name, call in (("gelu", F.gelu), ("gelu_tanh", lambda x: F.gelu(x, approximate="tanh")), ("silu", F.silu),
                       ("elu", lambda x: F.elu(x, 0.7)), ("elu_1", F.elu), ("leaky_relu", lambda x: F.leaky_relu(x, 0.02)),
                       ("sin", lambda x: torch.sin(3 * x))):
        x = 2 * rand(4, 9)
        x[0] = torch.tensor([0.0, -0.0, 6.0, -6.0, 12.0, -12.0, 0.5, -0.5, 1e-8])
        case(tensors, name, call, x)


def convolutions(tensors):
    for name, shape, k, r, options in (("conv1d", (3, 4, 11), 5, 3, {"stride": 2, "padding": 1}),
                                       ("conv1d_plain", (2, 1, 9), 3, 4, {})):
        case(tensors, name, lambda x, w, b: F.conv1d(x, w, b, **options), rand(*shape),
             weight=rand(k, shape[1], r), bias=rand(k))
    for name, shape, k, r, options in (("transpose", (2, 3, 4, 5), 4, (3, 3), {"stride": 2, "padding": 1, "output_padding": 1}),
                                       ("transpose_plain", (2, 2, 3, 4), 3, (2, 4), {})):
        case(tensors, name, lambda x, w, b: F.conv_transpose2d(x, w, b, **options), rand(*shape),
             weight=rand(shape[1], k, *r), bias=rand(k))
    case(tensors, "upsample_2", lambda x: F.interpolate(x, scale_factor=2), rand(2, 3, 3, 4))
    case(tensors, "upsample_3", lambda x: F.interpolate(x, scale_factor=3), rand(1, 2, 2, 3))


def gru(tensors, name, shape, units, every, backward):
    b, steps, d = shape

    def call(x, wi, wh, bi, bh):
        layer = nn.GRU(d, units, batch_first=True)
        named = {"weight_ih_l0": wi, "weight_hh_l0": wh, "bias_ih_l0": bi, "bias_hh_l0": bh}
        out = torch.func.functional_call(layer, named, (x.flip(1) if backward else x,))[0]
        out = out.flip(1) if backward else out
        return out if every else out[:, 0 if backward else -1]

    case(tensors, name, call, rand(b, steps, d), weight_ih=rand(3 * units, d) / 2, weight_hh=rand(3 * units, units) / 2,
         bias_ih=rand(3 * units), bias_hh=rand(3 * units))


def attention(tensors, name, shape, heads, causal=False, bias=True):
    b, steps, d = shape
    layer = nn.MultiheadAttention(d, heads, bias=bias, batch_first=True)
    hidden = torch.ones(steps, steps).triu(1).bool() if causal else None

    def call(x, *weights):
        named = dict(zip([n for n, _ in sorted(layer.named_parameters())], weights))
        return torch.func.functional_call(layer, named, (x, x, x), {"need_weights": False, "attn_mask": hidden})[0]

    param = {"in_proj_weight": rand(3 * d, d) / 2, "out_proj_weight": rand(d, d) / 2}
    if bias:
        param.update(in_proj_bias=rand(3 * d), out_proj_bias=rand(d))
    case(tensors, name, call, rand(b, steps, d), **dict(sorted(param.items())))


def formula(tensors):
    def call(x, *elements):
        a, c = torch.cat(elements[:9]).reshape(3, 3), torch.cat(elements[9:])
        v, w = x[:, :3], x[:, 3]
        dv = v @ a.T + c * torch.tanh(v) - v * torch.linalg.norm(v, dim=1, keepdim=True) + v.clamp(min=0.1)
        dw = (v * (v @ a)).sum(1) + v.sum(1) * w + v[:, 1] * a[0, 2]
        return torch.cat([dv, dw[:, None]], 1)

    names = ["A_%d_%d" % (i, j) for i in range(3) for j in range(3)] + ["c_%d" % i for i in range(3)]
    case(tensors, "formula_vectors", call, rand(5, 4), **{name: rand(1) for name in names})


def hypernet(tensors, name, shape, units, hidden, times):
    n = shape[-1]

    def call(x, t, w0, b0, w1, b1):
        theta = torch.tanh(t[:, None] @ w0.T + b0) @ w1.T + b1
        weight = theta[:, :units * n].reshape(-1, units, n).expand(shape[0], -1, -1)
        bias = theta[:, units * n:].expand(shape[0], -1)
        return torch.einsum("b...n,bun->b...u", x, weight) + bias.reshape(shape[0], *[1] * (len(shape) - 2), units)

    case(tensors, name, call, rand(*shape), t=rand(times), hidden_weight=rand(hidden, 1), hidden_bias=rand(hidden),
         weight=rand(units * (n + 1), hidden), bias=rand(units * (n + 1)))


def main():
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    torch.manual_seed(20)
    tensors = {}
    activations(tensors)
    convolutions(tensors)
    case(tensors, "layernorm", lambda x, w, b: F.layer_norm(x, (6,), w, b), rand(3, 4, 6), weight=rand(6), bias=rand(6))
    case(tensors, "layernorm_rows", lambda x, w, b: F.layer_norm(x, (7,), w, b, 0.1), rand(5, 7), weight=rand(7), bias=rand(7))
    case(tensors, "select", lambda x: x[:, [3, 0]], rand(2, 4, 3))
    gru(tensors, "gru_last", (3, 5, 4), 6, False, False)
    gru(tensors, "gru_all", (2, 4, 3), 5, True, False)
    gru(tensors, "gru_backward", (3, 4, 2), 3, False, True)
    gru(tensors, "gru_all_backward", (2, 3, 4), 4, True, True)
    case(tensors, "embedding", lambda x, w: F.embedding(x.long(), w), torch.tensor([[0.0, 2.0, 4.0], [2.0, 3.0, 0.0]]),
         differentiable=False, weight=rand(5, 4))
    hypernet(tensors, "hypernet", (4, 3), 2, 5, 1)
    hypernet(tensors, "hypernet_each", (3, 2, 4), 3, 4, 3)
    attention(tensors, "attention", (3, 5, 4), 1)
    attention(tensors, "attention_heads", (2, 7, 8), 4)
    attention(tensors, "attention_causal", (2, 6, 6), 2, causal=True)
    attention(tensors, "attention_plain", (4, 3, 9), 3, bias=False)
    formula(tensors)
    write(OUT, {k: v.astype("float64") for k, v in tensors.items()}, {})


if __name__ == "__main__":
    main()
