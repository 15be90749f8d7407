"""What the peers share: options, the files that bench_models left, samples, lines."""
import argparse
import json
import os
import struct
import sys
import time

try:
    import numpy as np
    TYPES = {"F32": np.float32, "F64": np.float64, "I64": np.int64}
except ImportError:  # whoever goes on without it asks for it by need, and says so
    pass


def options(description):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", required=True, help="what bench_models was given as --out")
    parser.add_argument("--cases", default="abcde")
    parser.add_argument("--device", default="cuda", help="cuda or cpu")
    parser.add_argument("--math", default="ieee32", choices=["ieee32", "tf32"])
    parser.add_argument("--seconds", type=float, default=1.0, help="of one measurement")
    parser.add_argument("--least", type=int, default=5, help="samples of one measurement")
    parser.add_argument("--system", help="name in the table")
    parser.add_argument("--counts", help="of diffrax_models.py --count: the file to write")
    parser.add_argument("--count", action="store_true", help="count evaluations, time nothing")
    return parser.parse_args()


def read(path):
    """The tensors of a safetensors file by name."""
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header, data = json.loads(file.read(size)), file.read()
    return {name: np.frombuffer(data[slice(*at["data_offsets"])], TYPES[at["dtype"]]).reshape(at["shape"]).copy()
            for name, at in header.items() if name != "__metadata__"}


def files(options, case):
    """Weights; y0 and y1 of a solve, where there is one; x, labels y, times t and loss of a step."""
    paths = [os.path.join(options.files, "%s-%s.safetensors" % (case, what)) for what in ("weights", "solve", "train")]
    return [read(path) if os.path.exists(path) else None for path in paths]


def gap(ours, theirs):
    """||theirs - ours|| / ||ours||"""
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    return float(np.linalg.norm(theirs - ours) / np.linalg.norm(ours))


def measure(options, sample):
    """sample(calls): seconds that so many calls took. Median and quartiles of one call, samples, calls."""
    sample(4)
    one, calls, found, began = sample(1), 1, [], time.perf_counter()
    if one < 2e-3:
        calls = int(2e-3 / one) + 1
    while len(found) < 2000 and (len(found) < options.least or time.perf_counter() - began < options.seconds):
        found.append(sample(calls) / calls)
    found.sort()
    return found[len(found) // 2], found[len(found) // 4], found[len(found) * 3 // 4], len(found), calls


def line(system, case, what, batch, timed, evals, loss, gap):
    """A line as bench_models writes them; evals: forward and backward, None: not known."""
    median, low, high, samples, calls = timed
    known = ["-" if n is None else "%d" % n for n in evals]
    fields = ["time", system, case, what, "%d" % batch] + ["%.3f" % (1e6 * t) for t in (median, low, high)]
    print("\t".join(fields + ["%d" % samples, "%d" % calls] + known + ["%.9g" % loss, "%.3g" % gap, "-", "-", "-"]),
          flush=True)


def skip(system, case, reason):
    """A line for what could not be measured."""
    print("skip\t%s\t%s\t%s" % (system, case, " ".join(str(reason).split())[:240]), flush=True)


def attempt(system, case, function, *arguments):
    """Calls function; what goes wrong in it becomes a line."""
    try:
        function(*arguments)
    except Exception as reason:  # whatever a library throws, the other cases go on
        skip(system, case, "%s: %s" % (type(reason).__name__, reason))


def need(system, name):
    """The module, or a line and the end."""
    try:
        return __import__(name)
    except Exception as reason:
        skip(system, "-", "no %s for %s (%s)" % (name, sys.executable, reason))
        sys.exit(3)
