"""The models in PyTorch, solved by torchdiffeq."""
import torch
import torch.nn.functional as F

import common
import models


class Operators:
    conv = staticmethod(lambda z, w, b, stride=1, padding=0: F.conv2d(z, w, b, stride, padding))
    dense = staticmethod(lambda z, w, b: F.linear(z, w, b))
    relu = staticmethod(F.relu)
    tanh = staticmethod(torch.tanh)
    flatten = staticmethod(lambda z: z.flatten(1))
    group_norm = staticmethod(lambda z, n, w, b: F.group_norm(z, n, w, b))
    average_pool = staticmethod(lambda z: F.avg_pool2d(z, 2))
    mean_of_places = staticmethod(lambda z: z.mean((2, 3)))

    @staticmethod
    def batch_norm(z, p, name, training):
        return F.batch_norm(z, p[name + ".running_mean"], p[name + ".running_var"], p[name + ".weight"],
                            p[name + ".bias"], training)

    @staticmethod
    def with_time(t, z, last):
        if isinstance(t, torch.Tensor) and t.ndim == 1:  # a time of each sample
            t = t.reshape(-1, *[1] * (z.ndim - 1))
        ones = torch.ones_like(z[:, :1]) * t
        return torch.cat([z, ones] if last else [ones, z], 1)

    @staticmethod
    def with_zeros(z, channels):
        return torch.cat([z, z.new_zeros(z.shape[0], channels, *z.shape[2:])], 1)


class Case:
    def __init__(self, options, name, device):
        self.name, self.spec = name, models.SPEC[name]
        weights, self.solve, self.train = common.files(options, name)
        self.p = {key: torch.from_numpy(value).to(device) for key, value in weights.items()}
        self.trained = [self.p[key].requires_grad_() for key in models.trained(self.p)]
        self.in_field = [self.p[key] for key in models.trained(self.p) if key.startswith("ode.")]
        self.x, self.labels = (torch.from_numpy(self.train[key]).to(device) for key in ("x", "y"))
        self.y0 = torch.from_numpy(self.solve["y0"]).to(device) if self.solve else None
        times = self.train["t"][0] - self.train["t"][0, 0] if name == "s" else [0.0, 1.0]
        self.times = torch.tensor(times, device=device, dtype=torch.float32)
        self.evals = 0

    def f(self, training):
        inner = models.field(Operators, self.name, self.p, training)

        def f(t, y):
            self.evals += 1
            return inner(t, y)
        return f

    def integrate(self, f, y, gradient):
        """y(1) by torchdiffeq; of the spiral all states, [B, T, 2]."""
        import torchdiffeq
        rtol, atol = models.tolerances(self.name)
        how = dict(method="rk4", options=dict(step_size=1.0)) if rtol is None else \
            dict(method="dopri5", rtol=rtol, atol=atol)
        if gradient == "adjoint":
            return torchdiffeq.odeint_adjoint(Module(f), y, self.times, adjoint_params=tuple(self.in_field), **how)[1]
        found = torchdiffeq.odeint(f, y, self.times, **how)
        return found.transpose(0, 1) if self.name == "s" else found[1]

    def fixed(self, f, y, evals):
        """y(1) by equal steps of about as many evaluations."""
        if self.spec["tolerance"] is None:
            return models.fixed_steps(f, y, models.RK38, 1)
        return models.fixed_steps(f, y, models.DOPRI5, max(1, round((evals - 2) / 6)))

    def loss(self, integrate, f=None):
        y = integrate(f or self.f(True), models.stem(Operators, self.name, self.p, self.x))
        found = models.head(Operators, self.name, self.p, y)
        return F.l1_loss(found, self.labels) if self.name == "s" else F.cross_entropy(found, self.labels)

    def optimizer(self, **more):
        if self.spec["optimizer"] == "sgd":
            return torch.optim.SGD(self.trained, lr=models.LEARNING_RATE, momentum=models.MOMENTUM)
        if self.spec["optimizer"] == "rmsprop":
            return torch.optim.RMSprop(self.trained, lr=models.LEARNING_RATE)
        kind = torch.optim.AdamW if self.name == "b" else torch.optim.Adam
        return kind(self.trained, lr=models.LEARNING_RATE, weight_decay=0.0, **more)


class Module(torch.nn.Module):
    """What odeint_adjoint wants of a field."""
    def __init__(self, f):
        super().__init__()
        self.f = f

    def forward(self, t, y):
        return self.f(t, y)
