#!/usr/bin/env python3
"""Holds results of two devices against each other; needs no library.

  compare.py gradients A.safetensors B.safetensors   distance of all gradients and the worst of one, loss, relative
  compare.py losses A/metrics.csv B/metrics.csv      curves of the training loss, and the accuracies of the test
"""
import array
import csv
import json
import math
import struct
import sys

CODES = {"F32": "f", "F64": "d", "I64": "q"}


def read(path):
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header, data = json.loads(file.read(size)), file.read()
    tensors = {}
    for name, at in header.items():
        if name != "__metadata__":
            tensors[name] = array.array(CODES[at["dtype"]], data[slice(*at["data_offsets"])])
    return tensors


def norm(values):
    return math.sqrt(math.fsum(v * v for v in values))


def gradients(a, b):
    """A parameter whose gradient vanishes against all of them, as of a bias before a norm, is held against all."""
    a, b = read(a), read(b)
    names = [name for name in sorted(b) if name.startswith("grad.") and name != "grad.x"]
    gaps = {name: norm([x - y for x, y in zip(a[name], b[name])]) for name in names}
    sizes = {name: norm(b[name]) for name in names}
    everything = norm(sizes.values())
    whole = norm(gaps.values()) / everything
    worst = max(names, key=lambda name: gaps[name] / max(sizes[name], 1e-3 * everything))
    loss = abs(a["loss"][0] - b["loss"][0]) / abs(b["loss"][0])
    print("%.3g %.3g %s %.3g" % (whole, gaps[worst] / max(sizes[worst], 1e-3 * everything), worst[5:], loss))


def rows(path, split):
    with open(path) as file:
        return [row for row in csv.DictReader(file) if row["split"] == split]


def losses(a, b):
    """First loss, relative; the largest distance of means over a tenth of the run; last accuracies; largest
    distance of single losses, relative."""
    curves = [[float(row["loss"]) for row in rows(path, "train")] for path in (a, b)]
    n = len(curves[0])
    if n == 0 or n != len(curves[1]):
        sys.exit("compare.py: %d losses and %d" % (n, len(curves[1])))
    width = max(1, n // 10)
    mean = lambda curve, i: sum(curve[i:i + width]) / width
    band = max(abs(mean(curves[0], i) - mean(curves[1], i)) for i in range(0, n - width + 1, width))
    each = max(abs(x - y) / abs(x) for x, y in zip(*curves))
    tests = [rows(path, "test") for path in (a, b)]
    accuracies = ["%.4f" % float(t[-1]["accuracy"]) if t else "-" for t in tests]
    first = abs(curves[0][0] - curves[1][0]) / curves[0][0]
    print("%.3g %.3g %s %s %.3g %d" % (first, band, accuracies[0], accuracies[1], each, n))


if __name__ == "__main__":
    {"gradients": gradients, "losses": losses}[sys.argv[1]](sys.argv[2], sys.argv[3])
