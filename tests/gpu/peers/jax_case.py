"""The models in JAX, solved by diffrax."""
import jax
import jax.numpy as np
import numpy
import diffrax

import common
import models


class Operators:
    relu = staticmethod(jax.nn.relu)
    tanh = staticmethod(np.tanh)
    flatten = staticmethod(lambda z: z.reshape(z.shape[0], -1))
    dense = staticmethod(lambda z, w, b: z @ w.T + b)
    mean_of_places = staticmethod(lambda z: z.mean((2, 3)))

    @staticmethod
    def conv(z, w, b, stride=1, padding=0):
        z = jax.lax.conv_general_dilated(z, w, (stride, stride), [(padding, padding)] * 2,
                                         dimension_numbers=("NCHW", "OIHW", "NCHW"))
        return z + b[None, :, None, None]

    @staticmethod
    def group_norm(z, n, w, b):
        groups = z.reshape(z.shape[0], n, -1)
        mean = groups.mean(2, keepdims=True)
        groups = (groups - mean) * jax.lax.rsqrt(groups.var(2, keepdims=True) + 1e-5)
        return groups.reshape(z.shape) * w[None, :, None, None] + b[None, :, None, None]

    @staticmethod
    def batch_norm(z, p, name, training):
        """Running statistics are read, but not moved in training."""
        at = lambda v: v[None, :, None, None]
        mean, variance = (z.mean((0, 2, 3)), z.var((0, 2, 3))) if training else \
            (p[name + ".running_mean"], p[name + ".running_var"])
        return (z - at(mean)) * at(jax.lax.rsqrt(variance + 1e-5) * p[name + ".weight"]) + at(p[name + ".bias"])

    @staticmethod
    def average_pool(z):
        return z.reshape(*z.shape[:2], z.shape[2] // 2, 2, z.shape[3] // 2, 2).mean((3, 5))

    @staticmethod
    def with_time(t, z, last):
        time = np.full_like(z[:, :1], t)
        return np.concatenate([z, time] if last else [time, z], 1)

    @staticmethod
    def with_zeros(z, channels):
        return np.pad(z, ((0, 0), (0, channels)) + ((0, 0),) * (z.ndim - 2))


class Rk38(diffrax.AbstractERK):
    """The 3/8 rule. Steps are equal: the error estimate is for form alone."""
    tableau = diffrax.ButcherTableau(
        c=numpy.array(models.RK38[2][1:]), b_sol=numpy.array(models.RK38[1]), b_error=numpy.zeros(4),
        a_lower=tuple(numpy.array(row) for row in models.RK38[0][1:]))
    interpolation_cls = diffrax.ThirdOrderHermitePolynomialInterpolation.from_k

    def order(self, terms):
        return 4


class Case:
    def __init__(self, options, name, counter=None):
        self.name, self.spec, self.counter = name, models.SPEC[name], counter
        weights, self.solve_file, self.train = common.files(options, name)
        self.p = {key: np.asarray(value) for key, value in weights.items()}
        self.moving = {key: self.p[key] for key in models.trained(self.p)}
        self.still = {key: value for key, value in self.p.items() if key not in self.moving}
        self.y0 = np.asarray(self.solve_file["y0"]) if self.solve_file else None
        self.x, self.labels = np.asarray(self.train["x"]), np.asarray(self.train["y"])
        self.times = np.asarray(self.train["t"][0] - self.train["t"][0, 0], "float32") if name == "s" else None

    def integrate(self, p, y0, training):
        """y(1), or of the spiral all states, [B, T, 2], and the number of steps that were tried."""
        def f(t, y, p):
            if self.counter is not None:
                jax.debug.callback(self.counter.add)
            return models.field(Operators, self.name, p, training)(t, y)
        in_field = {key: value for key, value in p.items() if key.startswith("ode.")}
        rtol, atol = models.tolerances(self.name)
        fixed, many = rtol is None, self.times is not None
        control = diffrax.ConstantStepSize() if fixed else diffrax.PIDController(rtol=rtol, atol=atol)
        backsolve = training and self.spec["gradient"] == "adjoint"
        found = diffrax.diffeqsolve(
            diffrax.ODETerm(f), Rk38() if fixed else diffrax.Dopri5(), 0.0,
            self.times[-1] if many else 1.0, 1.0 if fixed else None, y0, in_field, stepsize_controller=control,
            saveat=diffrax.SaveAt(ts=self.times) if many else diffrax.SaveAt(t1=True),
            adjoint=diffrax.BacksolveAdjoint() if backsolve else diffrax.RecursiveCheckpointAdjoint(),
            max_steps=4 if fixed else 4096)
        return np.swapaxes(found.ys, 0, 1) if many else found.ys[0], found.stats["num_steps"]

    def forward(self, p, y0):
        return self.integrate(p, y0, False)

    def loss(self, moving, still, x, labels):
        p = dict(moving, **still)
        y, steps = self.integrate(p, models.stem(Operators, self.name, p, x), True)
        if self.name == "s":
            return np.abs(y - labels).mean(), steps
        logits = jax.nn.log_softmax(models.head(Operators, self.name, p, y))
        return -np.take_along_axis(logits, labels[:, None], 1).mean(), steps

    def start(self):
        """What the optimizer keeps."""
        zeros = {key: np.zeros_like(value) for key, value in self.moving.items()}
        return (zeros, zeros, np.zeros(())) if self.spec["optimizer"] == "adam" else (zeros,)

    def step(self, moving, kept, still, x, labels):
        (loss, steps), gradient = jax.value_and_grad(self.loss, has_aux=True)(moving, still, x, labels)
        rate = models.LEARNING_RATE
        if self.spec["optimizer"] == "sgd":
            velocity = jax.tree.map(lambda v, g: models.MOMENTUM * v + g, kept[0], gradient)
            return jax.tree.map(lambda w, v: w - rate * v, moving, velocity), (velocity,), loss, steps
        if self.spec["optimizer"] == "rmsprop":
            square = jax.tree.map(lambda v, g: 0.99 * v + 0.01 * g * g, kept[0], gradient)
            change = lambda w, v, g: w - rate * g / (np.sqrt(v) + 1e-8)
            return jax.tree.map(change, moving, square, gradient), (square,), loss, steps
        mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, kept[0], gradient)
        square = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, kept[1], gradient)
        n = kept[2] + 1
        change = lambda w, m, v: w - rate * (m / (1 - 0.9 ** n)) / (np.sqrt(v / (1 - 0.999 ** n)) + 1e-8)
        return jax.tree.map(change, moving, mean, square), (mean, square, n), loss, steps


def evals_of(case, steps):
    """Forward evaluations of a solve: two to choose the first step, one to begin, six a step."""
    return 4 * int(steps) if case.spec["tolerance"] is None else 3 + 6 * int(steps)
