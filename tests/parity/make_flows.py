"""Writes flows.safetensors: continuous normalizing flows with their gradients.

Standard library only.

    python make_flows.py FLOWS.safetensors flows.safetensors

FLOWS holds, by PyTorch in float64 and again by JAX (equal to 1e-15), the field
f = W3 tanh(W2 tanh(W1 [z, t] + b1) + b2) + b3 of the plane, solved by eight steps of the classical
Runge-Kutta method from samples x at t = 0 to z at 1, with log p(x) = log N(z; 0, I) + the integral
of the trace of df/dz, nll = -mean log p, kinetic the integral of |f|^2 and frobenius that of the
sum of squares of df/dz; and the gradients of nll and of total = nll + c0 mean(kinetic) + c1
mean(frobenius). exact has the Jacobian; rademacher and gauss eps df/dz along one given eps a sample.
"""
import json
import struct
import sys

GRADIENTS = ("W1", "b1", "W2", "b2", "W3", "b3", "x")


def load(path):
    raw = open(path, "rb").read()
    n = struct.unpack("<Q", raw[:8])[0]
    tensors = {}
    for name, v in json.loads(raw[8:8 + n]).items():
        if name != "__metadata__":
            a, b = v["data_offsets"]
            tensors[name] = (v["shape"], struct.unpack(f"<{(b - a) // 8}d", raw[8 + n + a:8 + n + b]))
    return tensors


def save(path, tensors):
    head, body = {}, b""
    for name in sorted(tensors):
        values = tensors[name]
        head[name] = {"dtype": "F64", "shape": [len(values)], "data_offsets": [len(body), len(body) + 8 * len(values)]}
        body += struct.pack(f"<{len(values)}d", *values)
    text = json.dumps(head, separators=(",", ":"))
    text += " " * (-len(text) % 8)
    open(path, "wb").write(struct.pack("<Q", len(text)) + text.encode() + body)


def main():
    flows = load(sys.argv[1])
    out = {name: flows[name][1] for name in GRADIENTS + ("coefficients",)}
    for kind in ("exact", "rademacher", "gauss"):
        if kind != "exact":
            out[f"{kind}/eps"] = flows[f"{kind}.eps"][1]
        for name in ("z", "logp", "nll", "kinetic", "frobenius"):
            out[f"{kind}/{name}"] = flows[f"{kind}.{name}"][1]
        for name in GRADIENTS:
            out[f"{kind}/nll_grad_{name}"] = flows[f"{kind}.nll_grad_{name}"][1]
            out[f"{kind}/total_grad_{name}"] = flows[f"{kind}.total_grad_{name}"][1]
    save(sys.argv[2], out)


if __name__ == "__main__":
    main()
