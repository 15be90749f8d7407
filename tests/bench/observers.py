#!/usr/bin/env python3
"""What the rows of a run cost: processor time of a step with a row for each, and without observers.

usage: observers.py ODEON CONF [REPEATS]

Prints lines NAME, microseconds a step without observers, microseconds that a row adds (its median and
quartiles), share of the step in percent, separated by tabs. Time is user and system time together, of
the difference between two lengths of run, in pairs of runs that take turns; the least time without
observers is the step's.
"""
import os
import statistics
import sys
import tempfile

COMMON = ["run.workers=1", "run.log_every=1", "run.eval_every=1000000 epochs", "run.checkpoint_seconds=100000"]
CASES = [  # name, INI, overrides, steps of the two lengths
    ("iris, a row a step", "iris_anode_time", [], (400, 12400)),
    ("quickstart, a row a step", "fashion_mnist_conv_node", ["data.limit=3200", "data.test_limit=128"], (3, 28)),
]


def seconds(odeon, ini, words, steps, observers):
    with tempfile.TemporaryDirectory() as folder:
        command = [odeon, "train", ini, "run.out=" + os.path.join(folder, "run"), "run.iterations=%d" % steps,
                   "run.observers=" + observers] + COMMON + words
        quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
        process = os.posix_spawn(odeon, command, os.environ, file_actions=quiet)
        _, status, used = os.wait4(process, 0)
        if status != 0:
            sys.exit("observers.py: failed: " + " ".join(command))
        return used.ru_utime + used.ru_stime


def measure(odeon, ini, words, lengths, repeats):
    without, added = [], []
    for _ in range(repeats):
        pair = []
        for observers in ("none", "csv, jsonl"):
            short, whole = (seconds(odeon, ini, words, steps, observers) for steps in lengths)
            pair.append(1e6 * (whole - short) / (lengths[1] - lengths[0]))
        without.append(pair[0])
        added.append(pair[1] - pair[0])
    return min(without), statistics.quantiles(added, n=4)


def main(odeon, conf, repeats):
    for name, ini, words, lengths in CASES:
        step, (low, middle, high) = measure(odeon, os.path.join(conf, ini + ".ini"), words, lengths, repeats)
        print("%s\t%.1f\t%.1f\t%.1f\t%.1f\t%.2f" % (name, step, middle, low, high, 100 * middle / step), flush=True)


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(os.path.abspath(sys.argv[1]), sys.argv[2], int(sys.argv[3]) if len(sys.argv) == 4 else 7)
