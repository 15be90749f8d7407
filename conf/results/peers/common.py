"""What the programs of this folder share: runs of odeon, its weights, windows of series, its random numbers."""
import argparse
import csv
import json
import os
import struct
import subprocess
import sys
import tempfile

import numpy as np

conf = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def options(description, names, steps=False):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--odeon", default=os.path.join(conf, "..", "build", "odeon"))
    parser.add_argument("--data", default=os.path.join(conf, "..", "data", "mnist"), help="folder of MNIST's four files")
    if steps:
        parser.add_argument("--steps", type=int, help="in place of each system's own number")
    parser.add_argument("names", nargs="*", metavar="NAME", help="systems, else all: " + " ".join(names))
    chosen = parser.parse_args()
    unknown = sorted(set(chosen.names) - set(names))
    if unknown:
        parser.error("no system is named %s: %s" % (unknown[0], ", ".join(names)))
    chosen.names = chosen.names or names
    return chosen


def tensors(path):
    """The arrays of a safetensors file in float64, by name."""
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    header.pop("__metadata__", None)
    return {name: np.frombuffer(data[slice(*entry["data_offsets"])], {"F64": "<f8", "F32": "<f4"}[entry["dtype"]])
            .reshape(entry["shape"]).astype(float) for name, entry in header.items()}


def train(odeon, ini, overrides, without=None):
    """The losses of training, step by step, and the weights at the end, by name; without a key of the INI."""
    with tempfile.TemporaryDirectory() as folder:
        out, path = os.path.join(folder, "run"), os.path.join(conf, ini + ".ini")
        if without:
            with open(path) as file:
                lines = [line.replace("path=", "path=" + os.path.abspath(conf) + "/") for line in file
                         if not line.startswith(without)]
            path = os.path.join(folder, "without.ini")
            with open(path, "w") as file:
                file.writelines(lines)
        command = [odeon, "train", path, "run.out=" + out, "run.log_every=1"] + overrides
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit("%s: %s" % (ini, done.stderr.strip().splitlines()[-1]))
        with open(os.path.join(out, "metrics.csv")) as file:
            losses = [float(row["loss"]) for row in csv.DictReader(file) if row["split"] == "train"]
        return losses, tensors(os.path.join(out, "weights.safetensors"))


def table(name):
    """Columns of a table of conf/ as arrays; empty cells are NaN, words stay words."""
    with open(os.path.join(conf, name + ".csv")) as file:
        rows = list(csv.DictReader(file))

    def column(key):
        cells = [row[key] for row in rows]
        try:
            return np.array([float(cell) if cell else np.nan for cell in cells])
        except ValueError:
            return np.array(cells)
    return {key: column(key) for key in rows[0]}


def windows(data, names, time, window, series=None, stride=1, pad=False, clock="window"):
    """Times [N,T], columns [N,T,D] and lengths [N] of consecutive rows of a series. A short series is
    filled up with its last row, at times that go on as they did."""
    ids = data[series] if series else np.zeros(len(data[time]))
    values = np.stack([data[name] for name in names], 1)
    starts = [0] + [i for i in range(1, len(ids)) if ids[i] != ids[i - 1]] + [len(ids)]
    t, x, length = [], [], []
    for first, end in zip(starts, starts[1:]):
        last = end - window if end - window >= first or not pad else first
        for i in range(first, last + 1, stride):
            rows = np.minimum(np.arange(i, i + window), end - 1)
            k = np.arange(window)
            own = data[time][rows] + np.maximum(k - (end - 1 - i), 0) * (data[time][end - 1] - data[time][end - 2])
            t.append(own - (data[time][i] if clock == "window" else 0))
            x.append(values[rows])
            length.append(min(window, end - i))
    return np.array(t), np.array(x), np.array(length)


# ---- Odeon's random numbers: Philox4x32-10 (Salmon and others, 2011) ----

KEY_DOMAIN = 0x59454B5F


def philox(key, low, high=0):
    """Two words of 64 bits for the counters low, an array, and high."""
    low, mask, shift = np.asarray(low, np.uint64), np.uint64(0xFFFFFFFF), np.uint64(32)
    high = np.full_like(low, high)
    v, k = [low & mask, low >> shift, high & mask, high >> shift], [key & 0xFFFFFFFF, key >> 32]
    for _ in range(10):
        a, b = np.uint64(0xD2511F53) * v[0], np.uint64(0xCD9E8D57) * v[2]
        v = [(b >> shift) ^ v[1] ^ np.uint64(k[0]), b & mask, (a >> shift) ^ v[3] ^ np.uint64(k[1]), a & mask]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return v[0] | v[1] << shift, v[2] | v[3] << shift


def key_of(seed, name, a, b):
    mixed = 0xCBF29CE484222325
    for byte in name.encode():
        mixed = (mixed ^ byte) * 0x100000001B3 % 2 ** 64
    named = int(philox(seed, [mixed], KEY_DOMAIN)[0][0])
    return int(philox(named, [a], b)[0][0])


def uniform(key, n):
    return (philox(key, np.arange(n))[0] >> np.uint64(11)).astype(float) * 2.0 ** -53


def normal(key, n):
    u, w = ((words >> np.uint64(11)).astype(float) * 2.0 ** -53 for words in philox(key, np.arange(n)))
    return np.sqrt(-2 * np.log1p(-u)) * np.cos(2 * np.pi * w)


def noise_key(path, epoch, step, seed=1):
    """Of the layer at path, in a batch of training."""
    return key_of(seed, path, 1, 0) ^ key_of(seed, "batch", epoch, step)
