"""The models for any library of arrays: `ops` has its operators, `p` the parameters by Odeon's paths.

a  conf/mnist_odenet_groupnorm.ini     b  conf/fashion_mnist_conv_node.ini   c  conf/mnist_rknet_rk4.ini
d  conf/mnist_anode_conv.ini           e  conf/mnist_odenet.ini
i  conf/iris_anode_time.ini            s  conf/spiral.ini
with what tests/gpu/bench_cases.c changes in them.
"""

SPEC = {  # rtol = atol, or both (None: one step of the 3/8 rule), gradient, optimizer
    "a": dict(tolerance=1e-1, gradient="adjoint", optimizer="sgd"),
    "b": dict(tolerance=1e-3, gradient="adjoint", optimizer="adam"),
    "c": dict(tolerance=None, gradient="direct", optimizer="adam"),
    "d": dict(tolerance=1e-3, gradient="direct", optimizer="adam"),
    "e": dict(tolerance=1e-3, gradient="adjoint", optimizer="sgd"),
    "i": dict(tolerance=1e-3, gradient="direct", optimizer="adam"),
    "s": dict(tolerance=(1e-7, 1e-9), gradient="direct", optimizer="rmsprop"),
}
LEARNING_RATE, MOMENTUM = 1e-12, 0.9  # the weights stay what they are: every step has the same evaluations

# The pair of Dormand and Prince without its error estimate, and the 3/8 rule: a, b, c.
DOPRI5 = ([[], [1 / 5], [3 / 40, 9 / 40], [44 / 45, -56 / 15, 32 / 9],
           [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
           [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656]],
          [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84], [0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1])
RK38 = ([[], [1 / 3], [-1 / 3, 1], [1, -1, 1]], [1 / 8, 3 / 8, 3 / 8, 1 / 8], [0, 1 / 3, 2 / 3, 1])


def trained(p):
    """Names of what is trained, in order."""
    return sorted(name for name in p if ".running_" not in name)


def tolerances(case):
    """rtol and atol."""
    both = SPEC[case]["tolerance"]
    return both if isinstance(both, tuple) else (both, both)


def field(ops, case, p, training):
    """The right-hand side f(t, y)."""
    conv = lambda z, name, **more: ops.conv(z, p[name + ".weight"], p[name + ".bias"], **more)
    dense = lambda z, name: ops.dense(z, p[name + ".weight"], p[name + ".bias"])
    group = lambda z, name, n: ops.group_norm(z, n, p[name + ".weight"], p[name + ".bias"])
    batch = lambda z, name: ops.batch_norm(z, p, name, training)

    def a(t, y):  # the same norm twice
        return group(conv(ops.relu(group(y, "ode.norm", 6)), "ode.conv", padding=1), "ode.norm", 6)

    def b(t, y):
        for name in ("ode.in", "ode.middle", "ode.out"):
            y = ops.relu(dense(y, name))
        return y

    def c(t, y):
        for name in ("ode.block.0", "ode.block.1"):
            y = ops.relu(batch(conv(ops.with_time(t, y, last=True), name, padding=1), name + ".batchnorm"))
        return y

    def d(t, y):
        y = ops.relu(conv(y, "ode.in"))
        return conv(ops.relu(conv(y, "ode.middle", padding=1)), "ode.out")

    def e(t, y):
        y = conv(ops.with_time(t, ops.relu(group(y, "ode.norm", 32)), last=False), "ode.conv1", padding=1)
        y = ops.relu(group(y, "ode.conv1.groupnorm", 32))
        return group(conv(ops.with_time(t, y, last=False), "ode.conv2", padding=1), "ode.conv2.groupnorm", 32)

    def i(t, y):
        y = ops.relu(dense(ops.with_time(t, y, last=False), "ode.field"))
        return dense(ops.relu(dense(y, "ode.field.dense")), "ode.field.dense_2")

    def s(t, y):
        return dense(ops.tanh(dense(y ** 3, "ode.cube.dense")), "ode.slope")

    return dict(a=a, b=b, c=c, d=d, e=e, i=i, s=s)[case]


def stem(ops, case, p, x):
    """From pixels in [0, 1] to y(0)."""
    conv = lambda z, name, **more: ops.conv(z, p[name + ".weight"], p[name + ".bias"], **more)
    group = lambda z, name, n: ops.group_norm(z, n, p[name + ".weight"], p[name + ".bias"])
    if case == "a":
        return ops.relu(group(conv((x - 0.5) / 0.5, "conv"), "conv.groupnorm", 6))
    if case == "b":
        return ops.flatten(ops.relu(conv(x, "conv")))
    if case == "c":
        for name, more in (("down", {}), ("shrink.0", dict(stride=2, padding=1)), ("shrink.1", dict(stride=2, padding=1))):
            x = ops.relu(ops.batch_norm(conv(x, name, **more), p, name + ".batchnorm", True))
        return x
    if case == "d":
        return ops.with_zeros(x, 5)
    if case == "i":
        return ops.with_zeros(x, 10)
    if case == "s":
        return x[:, 0]  # the first observation
    x = ops.relu(group(conv(x, "stem"), "stem.groupnorm", 32))
    x = ops.relu(group(conv(x, "half", stride=2, padding=1), "half.groupnorm", 32))
    return conv(x, "quarter", stride=2, padding=1)


def head(ops, case, p, y):
    """From y(1) to logits; the spiral's states are what it puts out."""
    dense = lambda z, name: ops.dense(z, p[name + ".weight"], p[name + ".bias"])
    if case == "a":
        return dense(ops.flatten(ops.average_pool(y)), "head")
    if case == "s":
        return y
    if case == "e":
        y = ops.relu(ops.group_norm(y, 32, p["head.weight"], p["head.bias"]))
    if case in "ce":
        return dense(ops.mean_of_places(y), "head.dense")
    return dense(ops.flatten(y), "head")


def fixed_steps(f, y, tableau, steps):
    """y(1) by equal steps of an explicit method."""
    a, b, c = tableau
    h = 1.0 / steps
    for step in range(steps):
        k = []
        for row, at in zip(a, c):
            z = y
            for coefficient, slope in zip(row, k):
                z = z + (h * coefficient) * slope
            k.append(f((step + at) * h, z))
        for coefficient, slope in zip(b, k):
            if coefficient != 0:
                y = y + (h * coefficient) * slope
    return y
