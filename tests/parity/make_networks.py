#!/usr/bin/python3
"""Writes networks/*.safetensors: a small instance of every network of conf/ in PyTorch and torchdiffeq.

The networks are those of the INIs in the same folder; layers go by the paths that Odeon gives them. A
file holds, in float64:

  param/PATH         parameters and running state at the start
  x, label, time     samples; time is one list, the same for all
  output, loss       of the first samples, as many as a batch has, in training mode
  grad/PATH, grad_x  gradients of that loss
  state/PATH         running state after that pass; evaluated: the output in evaluation mode with it
  evals              evaluations of the field, forward and, where the adjoint is solved, backward
  steps, backward_steps  of adaptive solves: rows t, h, accepted; h is positive in both
  after3/PATH        parameters and running state after three steps of the optimizer; not those with a
                     gradient of 0 (a bias in front of a norm): Adam makes steps of its rounding
  losses             of ten such steps, each before its update; step s takes samples s * batch + 0, 1, ...

Solves are differentiated with their step sizes held fixed. No step is accepted or rejected by less than
a millionth of the error that is allowed, so that no rounding decides. Needs PyTorch and torchdiffeq as
make_torchdiffeq_runs.py does, and gives the same bytes again.

  PYTHONPATH=FOLDER/torchdiffeq-0.2.5-py3-none-any.whl tests/parity/make_networks.py [NAME ...]
"""
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

sys.dont_write_bytecode = True  # no cache among the fixtures
from make_fashion_losses import write
from make_torchdiffeq_runs import odeint_adjoint
from torchdiffeq import odeint
from torchdiffeq._impl import rk_common

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "networks")
CLASSES, STEPS = 3, 10


# ---- solves: y(1), or y at all times, from y(0) ----

def euler(f, t, h, y):
    return y + h * f(t, y)


def modified_euler(f, t, h, y):
    k1 = f(t, y)
    return y + h / 2 * (k1 + f(t + h, y + h * k1))


def rk4(f, t, h, y):
    k1 = f(t, y)
    k2 = f(t + h / 2, y + h / 2 * k1)
    k3 = f(t + h / 2, y + h / 2 * k2)
    k4 = f(t + h, y + h * k3)
    return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def fixed(step, sizes):
    def solve(f, y, times):
        t = 0.0
        for h in sizes:
            y = step(f, t, h, y)
            t += h
        return y
    return solve


def adaptive(run, tolerance, **options):
    """dopri5; direct gradients want a first_step, whose automatic choice is differentiated too."""
    def solve(f, y, times):
        at = torch.tensor([0.0, 1.0]) if times is None else times
        ys = run(f, y, at, rtol=tolerance, atol=tolerance, method="dopri5", options=options)
        return ys[1] if times is None else ys.transpose(0, 1)
    return solve


compute_error_ratio = rk_common._compute_error_ratio


def watched_error_ratio(*args):
    ratio = compute_error_ratio(*args)
    assert abs(float(ratio) - 1) > 1e-6, "a step that rounding decides on: take another seed"
    return ratio


rk_common._compute_error_ratio = watched_error_ratio


# ---- layers ----

class Timed(nn.Module):
    """A layer with the time t as one more channel of its input."""
    timed = True

    def __init__(self, layer, first):
        super().__init__()
        self.layer, self.first = layer, first

    def forward(self, t, x):
        time = torch.ones_like(x[:, :1]) * t
        return self.layer(torch.cat([time, x] if self.first else [x, time], 1))


def run(chain, t, y):
    for layer in chain:
        y = layer(t, y) if getattr(layer, "timed", False) else layer(y)
    return y


class Field(nn.Module):
    """dy/dt by a chain of layers."""
    def __init__(self, chain):
        super().__init__()
        self.chain, self.evals = nn.ModuleList(chain), 0
        self.steps, self.backward_steps = [], []

    def forward(self, t, y):
        self.evals += 1
        return run(self.chain, t, y)

    def callback_accept_step(self, t, y, h):
        self.steps.append([float(t), float(h), 1.0])

    def callback_reject_step(self, t, y, h):
        self.steps.append([float(t), float(h), 0.0])

    def callback_accept_step_adjoint(self, t, y, h):
        self.backward_steps.append([float(t), float(h), 1.0])

    def callback_reject_step_adjoint(self, t, y, h):
        self.backward_steps.append([float(t), float(h), 0.0])


class Ode(nn.Module):
    def __init__(self, chain, solve):
        super().__init__()
        self.field, self.solve, self.times = Field(chain), solve, None

    def forward(self, y):
        return self.solve(self.field, y, self.times)


class First(nn.Module):
    """The first entry in time."""
    def forward(self, x):
        return x[:, 0]


class Augment(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.channels = channels

    def forward(self, x):
        return torch.cat([x, x.new_zeros(x.shape[0], self.channels, *x.shape[2:])], 1)


class Residual(nn.Module):
    def __init__(self, body, shortcut=None):
        super().__init__()
        self.body, self.shortcut = nn.Sequential(*body), shortcut or nn.Identity()

    def forward(self, x):
        return self.shortcut(x) + self.body(x)


class Power(nn.Module):
    def __init__(self, exponent):
        super().__init__()
        self.exponent = exponent

    def forward(self, x):
        return x ** self.exponent


class Layers(dict):
    """Layers with parameters by their paths; each function makes one, enters it and answers it."""
    def enter(self, path, layer):
        self[path] = layer
        return layer

    def dense(self, path, inputs, units, time=None):
        layer = self.enter(path, nn.Linear(inputs + (time is not None), units))
        return layer if time is None else Timed(layer, time == "first")

    def conv(self, path, inputs, filters, kernel, stride=1, padding=0, bias=True, time=None):
        layer = nn.Conv2d(inputs + (time is not None), filters, kernel, stride, padding, bias=bias)
        self.enter(path, layer)
        return layer if time is None else Timed(layer, time == "first")

    def norm(self, path, layer):
        """With weights, biases and running state other than those it starts with."""
        for name, tensor in list(layer.named_parameters()) + list(layer.named_buffers()):
            if tensor.dim() > 0:
                tensor.data = torch.rand_like(tensor) + (0.5 if name in ("weight", "running_var") else -0.5)
        return self.enter(path, layer)

    def group(self, path, channels):
        return self.norm(path, nn.GroupNorm(min(32, channels), channels))

    def batch(self, path, channels):
        return self.norm(path, nn.BatchNorm2d(channels))

    def tensors(self):
        return {"%s.%s" % (path, name): tensor for path, layer in self.items()
                for name, tensor in layer.state_dict().items() if tensor.dim() > 0}

    def parameters(self):
        return {"%s.%s" % (path, name): tensor for path, layer in self.items()
                for name, tensor in layer.named_parameters()}


def global_pool():
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten()]


# ---- networks: the chain of layers, given where to enter them and how to solve ----

def rknet(layers, solve, c=4):
    chain = [layers.conv("down", 1, c, 3), layers.batch("down.batchnorm", c), nn.ReLU()]
    for i in "01":
        chain += [layers.conv("shrink." + i, c, c, 4, 2, 1), layers.batch("shrink.%s.batchnorm" % i, c), nn.ReLU()]
    field = []
    for i in "01":
        field += [layers.conv("ode.block." + i, c, c, 3, 1, 1, time="last"),
                  layers.batch("ode.block.%s.batchnorm" % i, c), nn.ReLU()]
    return chain + [Ode(field, solve)] + global_pool() + [layers.dense("head.dense", c, CLASSES)]


def dense_field(layers, state, hidden, time=None):
    return [layers.dense("ode.in", state, hidden, time), nn.ReLU(), layers.dense("ode.middle", hidden, hidden),
            nn.ReLU(), layers.dense("ode.out", hidden, state)]


def dense_node(layers, solve, inputs, hidden, outputs, augment=0, time=None):
    state = inputs + augment
    return [Augment(augment), Ode(dense_field(layers, state, hidden, time), solve),
            layers.dense("head", state, outputs)]


def spheres_resnet(layers, solve):
    chain = []
    for i in "01":
        chain.append(Residual([layers.dense("block.%s.in" % i, 2, 5), nn.ReLU(),
                               layers.dense("block.%s.out" % i, 5, 2), nn.ReLU()]))
    return chain + [layers.dense("head", 2, 1)]


def conv_anode(layers, solve, inputs, augment=2, time=None, act=nn.ReLU, filters=5, pixels=64):
    c = inputs + augment
    field = [layers.conv("ode.in", c, filters, 1, time=time), act(),
             layers.conv("ode.middle", filters, filters, 3, 1, 1, time=time), act(),
             layers.conv("ode.out", filters, c, 1, time=time)]
    return [Augment(augment), Ode(field, solve), nn.Flatten(), layers.dense("head", c * pixels, CLASSES)]


def conv_stem(layers, inputs, c):
    return [layers.conv("conv", inputs, c, 3), layers.group("conv.groupnorm", c), nn.ReLU(),
            layers.conv("down1", c, c, 4, 2, 1), layers.group("down1.groupnorm", c), nn.ReLU(),
            layers.conv("down2", c, c, 4, 2, 1)]


def res_stem(layers, inputs, c):
    chain = [layers.conv("conv", inputs, c, 3)]
    for norm, block in (("norm1", "down1"), ("norm2", "down2")):
        body = [layers.conv(block + ".conv1", c, c, 3, 2, 1, bias=False), layers.group(block + ".conv1.groupnorm", c),
                nn.ReLU(), layers.conv(block + ".conv2", c, c, 3, 1, 1, bias=False)]
        shortcut = layers.conv(block + ".shortcut", c, c, 1, 2, bias=False)
        chain += [layers.group(norm, c), nn.ReLU(), Residual(body, shortcut)]
    return chain


def head(layers, c):
    return [layers.group("norm", c), nn.ReLU()] + global_pool() + [layers.dense("head", c, CLASSES)]


def odenet(layers, solve, inputs=1, stem=conv_stem, c=4):
    chain = stem(layers, inputs, c)
    field = [layers.group("ode.norm", c), nn.ReLU(),
             layers.conv("ode.conv1", c, c, 3, 1, 1, time="first"), layers.group("ode.conv1.groupnorm", c), nn.ReLU(),
             layers.conv("ode.conv2", c, c, 3, 1, 1, time="first"), layers.group("ode.conv2.groupnorm", c)]
    return chain + [Ode(field, solve)] + head(layers, c)


def resnet(layers, solve, inputs, blocks, c=4):
    chain = res_stem(layers, inputs, c)
    for i in range(blocks):
        path = "block.%d." % i
        chain.append(Residual([
            layers.group(path + "norm", c), nn.ReLU(), layers.conv(path + "conv1", c, c, 3, 1, 1, bias=False),
            layers.group(path + "conv1.groupnorm", c), nn.ReLU(),
            layers.conv(path + "conv2", c, c, 3, 1, 1, bias=False)]))
    return chain + head(layers, c)


def mlp(layers, solve):
    return [nn.Flatten(), layers.dense("hidden", 64, 7), nn.ReLU(), layers.dense("head", 7, CLASSES)]


def groupnorm_odenet(layers, solve, c=4):
    chain = [layers.conv("conv", 1, c, 3), layers.group("conv.groupnorm", c), nn.ReLU()]
    norm = layers.group("ode.norm", c)
    field = [norm, nn.ReLU(), layers.conv("ode.conv", c, c, 3, 1, 1), norm]
    return chain + [Ode(field, solve), nn.AvgPool2d(2), nn.Flatten(), layers.dense("head", c * 9, CLASSES)]


def conv_node(layers, solve):
    chain = [layers.conv("conv", 1, 3, 3), nn.ReLU(), nn.Flatten()]
    return chain + [Ode(dense_field(layers, 108, 6) + [nn.ReLU()], solve), layers.dense("head", 108, CLASSES)]


def spiral(layers, solve, first):
    field = [Power(3), layers.dense("ode.in", 2, 6), nn.Tanh(), layers.dense("ode.out", 6, 2)]
    return ([First()] if first else []) + [Ode(field, solve)]


# ---- the cases ----

class Case:
    """A network with samples and training. labels: CLASSES of them, or a shape. gain: of the field's
    parameters, so that the solve has work to do."""
    def __init__(self, network, solve, shape, batch=4, labels=CLASSES, times=None, loss=F.cross_entropy,
                 optimizer=lambda p: torch.optim.Adam(p, 1e-3), adjoint=False, gain=1, seed=1, **settings):
        torch.manual_seed(seed)
        self.layers, n = Layers(), 2 * batch
        self.net = nn.Sequential(*network(self.layers, solve, **settings))
        for path, tensor in self.layers.parameters().items():
            tensor.data *= gain if path.startswith("ode.") else 1
        self.odes = [layer for layer in self.net if isinstance(layer, Ode)]
        self.batch, self.loss, self.optimizer, self.adjoint = batch, loss, optimizer, adjoint
        self.time = None if times is None else torch.tensor(times)
        for ode in self.odes:
            ode.times = self.time
        self.x = torch.randn(n, *shape)
        self.label = torch.randint(labels, (n,)) if isinstance(labels, int) else torch.randn(n, *labels)

    def differentiate(self, out):
        b = self.batch
        x = self.x[:b].clone().requires_grad_()
        output = self.net(x)
        loss = self.loss(output, self.label[:b])
        evals = [ode.field.evals for ode in self.odes]
        parameters = self.layers.parameters()
        gradients = torch.autograd.grad(loss, [x] + list(parameters.values()))
        out["output"], out["loss"], out["grad_x"] = output, loss.reshape(1), gradients[0]
        out.update(("grad/" + path, g) for path, g in zip(parameters, gradients[1:]))
        out.update(("state/" + path, t.clone()) for path, t in self.layers.tensors().items() if ".running_" in path)
        for ode in self.odes:
            evals += [ode.field.evals - evals[0]] if self.adjoint else []
            out["evals"] = torch.tensor(evals, dtype=torch.float64)
            out["steps"], out["backward_steps"] = torch.tensor(ode.field.steps), torch.tensor(ode.field.backward_steps)
        with torch.no_grad():
            self.net.eval()
            out["evaluated"] = self.net(self.x[:b])
            self.net.train()

    def moved(self):
        """Paths of running state, and of parameters whose gradient is more than rounding."""
        parameters = self.layers.parameters()
        whole = torch.stack([p.grad.norm() for p in parameters.values()]).norm()
        still = [path for path, p in parameters.items() if p.grad.norm() <= 1e-12 * whole]
        return [path for path in self.layers.tensors() if path not in still]

    def train(self, out):
        optimizer, losses = self.optimizer(self.layers.parameters().values()), []
        for step in range(STEPS):
            index = [(step * self.batch + i) % len(self.x) for i in range(self.batch)]
            loss = self.loss(self.net(self.x[index]), self.label[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss))
            if step == 2:
                out.update(("after3/" + path, self.layers.tensors()[path].clone()) for path in self.moved())
        out["losses"] = torch.tensor(losses)

    def record(self):
        start = {path: tensor.clone() for path, tensor in self.layers.tensors().items()}
        out = {"param/" + path: tensor for path, tensor in start.items()}
        out["x"], out["label"] = self.x, self.label.double()
        if self.time is not None:
            out["time"] = self.time
        self.differentiate(out)
        for path, tensor in self.layers.tensors().items():
            tensor.copy_(start[path])
        self.train(out)
        return {name: tensor.detach().contiguous().numpy() for name, tensor in out.items() if tensor.numel() > 0}


def sgd(p):
    return torch.optim.SGD(p, 0.01, momentum=0.9)


IMAGE, COLOR, SMALL = (1, 14, 14), (3, 14, 14), (1, 8, 8)
DIRECT, ADJOINT = adaptive(odeint, 1e-3, first_step=0.05), adaptive(odeint_adjoint, 1e-3)
SMOOTH = adaptive(odeint, 1e-6, first_step=0.5)
TIMES = [0.0, 0.1, 0.25, 0.5, 0.6]
RK_ADAM, REGRESSION = dict(optimizer=lambda p: torch.optim.Adam(p, 0.1)), dict(labels=(1,), loss=F.smooth_l1_loss)
DYNAMICS = dict(gain=4, labels=(5, 2), times=TIMES, loss=F.l1_loss, optimizer=lambda p: torch.optim.RMSprop(p, 1e-3))

CASES = {
    "rknet_rk4": lambda: Case(rknet, fixed(rk4, [1.0]), IMAGE, **RK_ADAM),
    "rknet_euler": lambda: Case(rknet, fixed(euler, [1 / 3] * 3), IMAGE, **RK_ADAM),
    "rknet_modified_euler": lambda: Case(rknet, fixed(modified_euler, [0.4, 0.4, 0.2]), IMAGE, **RK_ADAM),
    "iris": lambda: Case(dense_node, DIRECT, (4,), 6, inputs=4, hidden=10, outputs=3),
    "iris_time": lambda: Case(dense_node, DIRECT, (4,), 6, inputs=4, hidden=10, outputs=3, time="first"),
    "iris_augment": lambda: Case(dense_node, DIRECT, (4,), 6, inputs=4, hidden=10, outputs=3, augment=10),
    "iris_augment_time": lambda: Case(dense_node, DIRECT, (4,), 6, inputs=4, hidden=10, outputs=3, augment=10,
                                      time="first"),
    "mnist_anode_conv": lambda: Case(conv_anode, fixed(rk4, [0.5, 0.5]), SMALL, inputs=1),
    "mnist_anode": lambda: Case(conv_anode, ADJOINT, SMALL, inputs=1, time="first", adjoint=True),
    "mnist_anode_smooth": lambda: Case(conv_anode, SMOOTH, SMALL, inputs=1, time="first", act=nn.Softplus, gain=4),
    "mnist_node": lambda: Case(conv_anode, DIRECT, SMALL, inputs=1, augment=0, time="first"),
    "cifar10_anode": lambda: Case(conv_anode, ADJOINT, (3, 8, 8), inputs=3, time="first", adjoint=True),
    "cifar10_anode_node": lambda: Case(conv_anode, DIRECT, (3, 8, 8), inputs=3, augment=0, time="first"),
    "mnist_odenet": lambda: Case(odenet, ADJOINT, IMAGE, 3, adjoint=True, seed=3, optimizer=sgd),
    "mnist_odenet_direct": lambda: Case(odenet, DIRECT, IMAGE, 3, seed=3, optimizer=sgd),
    "mnist_resnet": lambda: Case(resnet, None, IMAGE, 3, inputs=1, blocks=2, optimizer=sgd),
    "mnist_mlp": lambda: Case(mlp, None, SMALL, optimizer=sgd),
    "cifar10_resnet": lambda: Case(resnet, None, COLOR, 3, inputs=3, blocks=1, optimizer=sgd),
    "cifar10_node": lambda: Case(odenet, ADJOINT, COLOR, 3, inputs=3, stem=res_stem, adjoint=True, optimizer=sgd),
    "spheres_resnet": lambda: Case(spheres_resnet, None, (2,), 6, **REGRESSION),
    "spheres_node": lambda: Case(dense_node, DIRECT, (2,), 6, inputs=2, hidden=5, outputs=1, time="first",
                                 **REGRESSION),
    "spheres_anode": lambda: Case(dense_node, DIRECT, (2,), 6, inputs=2, hidden=5, outputs=1, augment=1,
                                  time="first", **REGRESSION),
    "spiral": lambda: Case(spiral, adaptive(odeint_adjoint, 1e-6), (5, 2), first=True, adjoint=True, **DYNAMICS),
    "spiral_direct": lambda: Case(spiral, adaptive(odeint, 1e-4, first_step=0.01), (2,), first=False,
                                  **dict(DYNAMICS, gain=3)),
    "mnist_odenet_groupnorm": lambda: Case(groupnorm_odenet, adaptive(odeint_adjoint, 1e-1), SMALL, adjoint=True,
                                           optimizer=lambda p: torch.optim.SGD(p, 1e-3, momentum=0.9)),
    "fashion_mnist_conv_node": lambda: Case(conv_node, fixed(rk4, [0.5, 0.5]), SMALL, optimizer=lambda p:
                                            torch.optim.AdamW(p, 1e-2, weight_decay=0)),
}


def record(cases):
    """Writes those that are named on the command line, else all."""
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    for name in sys.argv[1:] or cases:
        tensors = cases[name]().record()
        path = os.path.join(FOLDER, name + ".safetensors")
        write(path, tensors)
        print("%-24s %7d bytes, evaluations %s, losses %.6g to %.6g" % (
            name, os.path.getsize(path), tensors.get("evals", ""), tensors["losses"][0], tensors["losses"][-1]))


if __name__ == "__main__":
    record(CASES)
