"""Writes sample_lanes.safetensors: solves of several samples that step each by itself.

Standard library only.

    python make_sample_lanes.py CONTROL.safetensors PER_SAMPLE.safetensors sample_lanes.safetensors

CONTROL holds attempted steps of torchode 1.0.1, three samples at once with spans of their own, at
rtol 1e-5, atol 1e-8 in float64: PROBLEM/theta, y0 and span, and of each method and sample how many
steps were attempted and accepted (count) and the first of them (steps: t, h, decision).
PER_SAMPLE holds four samples with starts and output times of their own and the limit of their
solution and gradients, by PyTorch in float64 with Runge-Kutta steps halved until nothing moved.
"""
import json
import struct
import sys

KEEP = 60
PROBLEMS = ("rotation", "lotka", "vanderpol5", "forced")


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
    control, sample = load(sys.argv[1]), load(sys.argv[2])
    out = {}
    for p in PROBLEMS:
        for name in ("theta", "y0", "span"):
            out[f"{p}/{name}"] = control[f"{p}.{name}"][1]
        for method in ("dopri5", "tsit5"):
            for i in range(3):
                key = f"torchode.{method}.i.{p}.{i}"
                (rows, columns), values = control[key + ".steps"]
                out[f"{method}/{p}/{i}/count"] = control[key + ".count"][1]
                out[f"{method}/{p}/{i}/steps"] = [
                    values[columns * r + c] for r in range(min(rows, KEEP)) for c in (0, 1, 3)]
    for name in ("W1", "b1", "W2", "b2", "y0", "t0", "ts", "c"):
        out[f"own/{name}"] = sample[name][1]
    for name in ("out", "grad_W1", "grad_b1", "grad_W2", "grad_b2", "grad_y0"):
        out[f"own/{name}"] = sample[f"exact.{name}"][1]
    save(sys.argv[3], out)


main()
