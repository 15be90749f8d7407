#!/usr/bin/env python3
"""results.py FOLDER: what results.sh has measured, as one page of tables on standard output.

FOLDER has peers*.json (peers.py --results; of several the rows are joined), peak-N.tsv of N threads
(peak.c), facts.tsv (name, text), MODEL.csv of odeon bench and MODEL.profile (share, library, function)
for each model, shipped.tsv (name, microseconds, evaluations, what).
"""
import csv
import glob
import json
import math
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "gpu"))
import report

TITLES = {name: case["title"] for name, case in report.CASES.items()}
TITLES.update(i="iris_anode_time, 469 parameters", s="spiral, 252 parameters, ten times a window")
# Times as fast as a peer, a training step: case, peer, goals of one and of two threads.
GOALS = [("a", "torch", 12, 12), ("b", "torch", 18, 25), ("c", "torch", 1.55, None), ("d", "torch", 4.5, None),
         ("e", "torch", 2.4, None), ("s", "diffrax", 3, None), ("a", "diffrax", 15, None),
         ("b", "diffrax", 6, None), ("c", "diffrax", 25, None), ("e", "diffrax", 25, None)]


def read_lines(path):
    if not os.path.exists(path):
        return []
    with open(path) as file:
        return [line.rstrip("\n").split("\t") for line in file]


def three(x):
    """Three digits, without an exponent."""
    if x is None or math.isnan(x):
        return "-"
    return "%.*f" % (max(0, 2 - math.floor(math.log10(x))) if x > 0 else 0, x)


def time_of(row):
    return "%s (%s to %s)" % tuple(three(1e3 * row[key]) for key in ("median", "low", "high"))


def gap_of(row):
    return "%.1e" % float(row["gap"]) if row["gap"] not in ("", "-") else ""


def evaluations(row):
    return float(row["evals_f"]) + (float(row["evals_b"]) if row["evals_b"] != "-" else 0.0)


def find(rows, **keys):
    for row in rows:
        if all(row[key] == value for key, value in keys.items()):
            return row
    return None


def print_measured(rows, what, title):
    found = []
    for row in sorted(rows, key=lambda r: (r["case"], r["threads"])):
        ours = find(rows, case=row["case"], what=what, threads=row["threads"], system="odeon")
        if row["what"] != what or ours is None:
            continue
        ratio = row["median"] / ours["median"]
        each = ratio * evaluations(ours) / evaluations(row) if row["evals_b"] != "-" else math.nan
        itself = row is ours
        found.append((row["case"], row["threads"], row["system"], time_of(row), row["samples"],
                      "%s / %s" % (row["evals_f"], row["evals_b"]), "" if itself else three(ratio) + "×",
                      "" if itself or math.isnan(each) else three(each) + "×", gap_of(row)))
    if found:
        print("## %s\n" % title)
        report.table(("model", "threads", "system", "ms: median (quartiles)", "samples", "evaluations f / b",
                      "× odeon's time", "× an evaluation", "gap"), found)


def print_tests(rows):
    found = []
    for row in sorted(rows, key=lambda r: (r["case"], r["threads"])):
        ours = find(rows, case=row["case"], what="test", threads=row["threads"], system="odeon")
        if row["what"] != "test" or ours is None:
            continue
        seconds = "%s (%s to %s)" % tuple(three(row[key]) for key in ("median", "low", "high"))
        found.append((row["case"], row["threads"], row["system"], row["batch"], seconds, row["samples"], row["evals_f"],
                      "" if row is ours else three(row["median"] / ours["median"]) + "×", gap_of(row)))
    if found:
        print("## Inference\n\nAll images of the test split in batches as the INI has them: outputs, loss and, of Odeon, "
              "accuracy; the programs have started. PyTorch has the images in memory as numbers, Odeon reads them from the "
              "data set. Wanted is less than a second with two threads.\n")
        report.table(("model", "threads", "system", "images", "s: median (quartiles)", "samples", "evaluations",
                      "× odeon's time", "gap of the loss"), found)


def print_workers(rows):
    found = []
    for what in ("train", "forward"):
        for case in TITLES:
            for system in ("odeon", "torch", "diffrax"):
                pair = [find(rows, case=case, what=what, threads=n, system=system) for n in (1, 2)]
                if None not in pair:
                    found.append((case, what, system, "%.2f×" % (pair[0]["median"] / pair[1]["median"])))
    if found:
        print("## From one thread to two\n")
        report.table(("model", "what", "system", "as fast"), found)


def floors_of(row, peak, bandwidth):
    """Bytes, operations, and the seconds that they take at least."""
    as_in_report = dict(case=row["case"], what=row["what"], system="odeon", batch=str(row["batch"]),
                        evals_f=row["evals_f"], evals_b=row["evals_b"])
    moved, work = report.floors(as_in_report, {"copy": 1.0, "float32": 1.0})
    moved, work = 1e9 * moved, 1e12 * work
    return moved, work, moved / (1e9 * bandwidth), work / (1e9 * peak)


def print_rooflines(rows, peaks):
    found = []
    for row in rows:
        if row["system"] == "odeon" and row["case"] in report.CASES and row["threads"] in peaks and row["what"] != "test":
            peak, bandwidth = peaks[row["threads"]]
            moved, work, by_bytes, by_work = floors_of(row, peak, bandwidth)
            found.append((row["case"], row["what"], row["threads"], three(1e-6 * moved), three(1e-9 * work),
                          three(1e3 * by_bytes), three(1e3 * by_work), three(1e3 * row["median"]),
                          "%.0f %%" % (100 * by_work / row["median"]), three(1e-9 * work / row["median"])))
    if found:
        print("## Rooflines\n\nWhat a model's equations ask for, whoever computes them: bytes of states and weights, once "
              "for each pass over them, at the bandwidth of memory (states of these models fit into caches, so that this "
              "is no strict bound), and operations of convolutions and dense layers, two a multiply-add, at the peak of "
              "multiply-adds. Reached: the floor of operations in the time measured.\n")
        report.table(("model", "what", "threads", "MB", "GFLOP", "floor of bytes, ms", "floor of operations, ms",
                      "measured, ms", "reached", "GFLOP/s"), found)


def print_operators(folder):
    """The operators of a step on one worker, by odeon bench."""
    found = []
    for case in TITLES:
        path = os.path.join(folder, case + ".csv")
        if not os.path.exists(path):
            continue
        with open(path) as file:
            rows = [row for row in csv.DictReader(file) if row["what"] == "operators"]
        whole = sum(float(row["ms"]) for row in rows)
        for row in rows[:6]:
            share = float(row["ms"]) / whole
            found.append((case, row["name"], row["calls"], three(float(row["ms"])), "%.0f %%" % (100 * share),
                          row["gflops"] if row["gflops"] not in ("", "0") else "", row["gbytes"]))
    if found:
        print("## Where a training step goes\n\nThe dearest operators of one worker, within the step (odeon bench --what "
              "operators); bytes count every tensor of a call once.\n")
        report.table(("model", "operator", "calls", "ms", "share", "GFLOP/s", "GB/s"), found)


# What functions do: the first line whose pattern a function of the library begins with.
WORK = [("convolutions, vectors of filters", r"cpu\.so", "filters_[0-9]"),
        ("convolutions, vectors of places", r"cpu\.so", "places_[0-9]"),
        ("gradients of their weights", r"cpu\.so", "outer_"),
        ("their packing and transposing", r"cpu\.so", "images|begin|turn|weights_|pack_image|pack_places|filters_|places_"),
        ("products", r"cpu\.so", "tile|multiply|dot|narrow|pack|finish|cpu_gemm"),
        ("OpenBLAS", "libopenblas", ""),
        ("normalization", r"cpu\.so", "group_|vjp_of_groups|batch_norm|channel_moment|channel_sum|column_sums"),
        ("steps of the solver", r"cpu\.so", "combine|lincomb|error_sum|odeon_kit"),
        ("functions and their vjps", r"cpu\.so", "unary|binary|power|bias_|vector_"),
        ("the rest of the device", r"cpu\.so", ""),
        ("copies", r"libc", "__mem"),
        (None, r"libz|idx|\[", ""),  # reading the data set, and pages that are new: before the steps
        ("the host and its plugins", "", "")]


def print_profiles(folder):
    models, shares = [], {}
    for letter in TITLES:
        lines = read_lines(os.path.join(folder, letter + ".profile"))
        for share, library, function in lines:
            name = next(n for n, l, f in WORK if re.match(l, library) and re.match(f, function))
            shares[name, letter] = shares.get((name, letter), 0.0) + float(share)
        models += [letter] if lines else []
    steps = {m: sum(x for (name, letter), x in shares.items() if letter == m and name) or 1.0 for m in models}
    if models:
        print("## Where its instructions go\n\nPer cent of the samples of `perf` while training steps are repeated, one "
              "worker, without those in the kernel and of reading the data set, which come before the steps.\n")
        report.table(["what"] + models, [[name] + ["%.1f" % (100.0 * shares.get((name, m), 0.0) / steps[m]) for m in models]
                                         for name, _, _ in WORK if name])
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "profiles.md")) as file:
        print(file.read())


def print_goals(rows, peaks):
    """Beside each goal what it leaves for a step, and what the step asks for at the least."""
    found = []
    for case, peer, *goals in GOALS:
        for threads, goal in zip((1, 2), goals):
            if goal is None:
                continue
            ours = find(rows, case=case, what="train", threads=threads, system="odeon")
            theirs = find(rows, case=case, what="train", threads=threads, system=peer)
            ratio = theirs["median"] / ours["median"] if ours and theirs else math.nan
            verdict = "not measured" if math.isnan(ratio) else "reached" if ratio >= goal else "missed"
            floors = ("", "")
            if ours and case in report.CASES and threads in peaks:
                floors = tuple(three(1e3 * floor) for floor in floors_of(ours, *peaks[threads])[2:])
            found.append((case, peer, threads, "%g×" % goal, three(ratio) + ("" if math.isnan(ratio) else "×"), verdict,
                          three(1e3 * ours["median"]) if ours else "-",
                          three(1e3 * theirs["median"] / goal) if theirs else "-", *floors))
    print("## Goals, a training step\n\nSet on another processor, with AVX-512. What the peer took, divided by the goal, is "
          "what a step may take; the floors are those of the rooflines below.\n")
    report.table(("model", "beside", "threads", "goal", "measured", "", "ms", "may take", "floor of bytes",
                  "of operations"), found)


def print_shipped(folder, rows):
    lines = read_lines(os.path.join(folder, "shipped.tsv"))
    if not lines:
        return
    torch = find(rows, case="i", what="train", threads=1, system="torch")
    print("## As shipped\n\nEvaluations grow in training; torch's step, timed alone, is reckoned to as many. Wanted are "
          "60 µs a step of iris, and 150 times torch.\n")
    found = []
    for name, microseconds, count, what in lines:
        beside = ""
        if torch and count != "-":
            theirs = 1e3 * torch["median"] * float(count) / evaluations(torch)
            beside = "%s ms, %.0f×" % (three(theirs), 1e3 * theirs / float(microseconds))
        found.append((name, three(float(microseconds)), count, what, beside))
    report.table(("run", "µs a step", "evaluations a step", "", "torch's step"), found)


def print_observers(folder):
    lines = read_lines(os.path.join(folder, "observers.tsv"))
    if lines:
        print("## What rows cost\n\nProcessor time with `csv` and `jsonl`, a row for every step, beside no observers.\n")
        report.table(("run", "µs a step", "a row adds, µs", "of the step"),
                     [(name, three(float(step)), "%s (%s to %s)" % (row, low, high), share + " %")
                      for name, step, row, low, high, share in lines])


def main(folder):
    peers = dict(rows=[], notes=[], facts={})
    for path in sorted(glob.glob(os.path.join(folder, "peers*.json"))):
        with open(path) as file:
            part = json.load(file)
        peers["rows"] += part["rows"]
        peers["notes"] += [note for note in part["notes"] if note not in peers["notes"]]
        peers["facts"].update(part["facts"])
    rows = peers["rows"]
    peaks = {}
    for path in sorted(glob.glob(os.path.join(folder, "peak-*.tsv"))):
        lines = read_lines(path)
        if lines:
            peaks[int(path.rsplit("-", 1)[1][:-4])] = tuple(float(field) for field in lines[0])
    print("# Odeon beside its peers on a processor\n\nWritten by tests/bench/results.sh; README.md beside this file tells "
          "how it is measured.\n")
    facts = read_lines(os.path.join(folder, "facts.tsv")) + [[name, text] for name, text in peers["facts"].items()]
    facts += [["peak, %d thread%s" % (n, "s" if n > 1 else ""), "%.1f GFLOP/s, %.1f GB/s" % peak]
              for n, peak in peaks.items()]
    report.table(("", ""), [fact[:2] for fact in facts])
    print("Models: " + "; ".join("%s %s" % pair for pair in TITLES.items()) + ".\n")
    print_goals(rows, peaks)
    print_measured(rows, "train", "A training step")
    print_measured(rows, "forward", "The solve alone")
    print_tests(rows)
    print_shipped(folder, rows)
    print_observers(folder)
    print_workers(rows)
    print_rooflines(rows, peaks)
    print_operators(folder)
    print_profiles(folder)
    if peers["notes"]:
        print("## Not measured\n")
        for note in peers["notes"]:
            print("- " + note)


main(sys.argv[1])
