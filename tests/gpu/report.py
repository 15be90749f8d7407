#!/usr/bin/env python3
"""report.py FOLDER: the lines in FOLDER/*.tsv as one page of tables, RESULTS.md, on standard output.
README.md beside this file says what the lines are, and what a floor is."""
import glob
import json
import math
import os
import sys

CASES = {  # elements of a state, parameters of the field, operations of one evaluation and of stem and head, of a sample
    "a": dict(title="mnist_odenet_groupnorm, 6 channels, GroupNorm", state=6 * 26 * 26, field=342,
              f=2 * 6 * 6 * 9 * 676, around=2 * 6 * 9 * 676 + 2 * 1014 * 10, gradient="adjoint"),
    "b": dict(title="fashion_mnist_conv_node, dense 2028-16-16-2028", state=2028, field=67_212,
              f=2 * (2028 * 16 * 2 + 256), around=2 * 3 * 9 * 676 + 2 * 2028 * 10, gradient="adjoint"),
    "c": dict(title="mnist_rknet_rk4, 64 channels, BatchNorm", state=64 * 36, field=75_264,
              f=4 * 64 * 65 * 9 * 36, around=2 * 64 * (9 * 676 + 1024 * (169 + 36) + 10), gradient="direct"),
    "d": dict(title="mnist_anode_conv, 6 to 16 channels of 28 x 28", state=6 * 784, field=2_534,
              f=2 * 784 * (6 * 16 * 2 + 16 * 16 * 9), around=2 * 4704 * 10, gradient="direct"),
    "e": dict(title="mnist_odenet, 64 channels, GroupNorm", state=64 * 36, field=75_392,
              f=4 * 64 * 65 * 9 * 36, around=2 * 64 * (9 * 676 + 1024 * (169 + 36) + 10), gradient="adjoint"),
}
# Times as fast as a peer: system, case, what, math, goal.
GOALS = [("diffrax", "a", "forward", "", 5), ("diffrax", "b", "forward", "", 5), ("diffrax", "e", "forward", "", 2.5),
         ("diffrax", "e", "forward", " tf32", 5), ("torchdiffeq", "a", "forward", "", 30),
         ("torchdiffeq", "b", "forward", "", 30), ("torchdiffeq", "e", "forward", "", 10),
         ("torchdiffeq", "e", "forward", " tf32", 20), ("torchdiffeq", "a", "train", "", 25),
         ("torchdiffeq", "b", "train", "", 25), ("torchdiffeq", "e", "train", "", 8)]
START_GOAL = 0.6  # seconds
COLUMNS = ("system case what batch us low high samples calls evals_f evals_b loss gap launches waits allocs").split()


def read(folder):
    """Lines by their first field."""
    lines = {}
    for path in sorted(glob.glob(os.path.join(folder, "*.tsv"))):
        with open(path, errors="replace") as file:
            for line in file:
                fields = line.rstrip("\n").split("\t")
                if line.endswith("\n") and len(fields) > 1:
                    lines.setdefault(fields[0], []).append(fields[1:])
    return lines


def table(head, rows):
    if rows:
        print("| " + " | ".join(head) + " |")
        print("|" + " --- |" * len(head))
        for row in rows:
            print("| " + " | ".join(str(cell) for cell in row) + " |")
        print()


def number(text):
    try:
        return float(text)
    except ValueError:
        return math.nan


def times(lines):
    """The last measurement of each (system, case, what)."""
    found = {}
    for fields in lines.get("time", []):
        if len(fields) == len(COLUMNS):
            row = dict(zip(COLUMNS, fields))
            found[row["system"], row["case"], row["what"]] = row
    return found


def add_counts(folder, found):
    """Evaluations backward that diffrax_models.py counted apart."""
    path = os.path.join(folder, "counts.json")
    if os.path.exists(path):
        with open(path) as file:
            counts = json.load(file)
        for (system, case, what), row in found.items():
            if system.startswith("diffrax") and what == "train" and case in counts:
                row["evals_b"] = "%d" % counts[case][1]


def evals(row):
    backward = number(row["evals_b"])
    return number(row["evals_f"]) + (0 if math.isnan(backward) else backward)


def ratios(peer, ours):
    """How many times as long the peer takes, as measured and for an evaluation."""
    whole = number(peer["us"]) / number(ours["us"])
    known = peer["evals_b"] != "-" and ours["evals_b"] != "-"
    return whole, whole * evals(ours) / evals(peer) if known and evals(peer) > 0 else math.nan


def base(system):
    return "odeon tf32" if system.endswith(" tf32") else "odeon"


def words(value, form="%.1f"):
    return "-" if math.isnan(value) else form % value


def steps_of(case, evaluations):
    """Steps that so many evaluations are; of the fixed method none."""
    return max(0.0, (evaluations - 2) / 6) if case != "c" else 0.0


def floors(row, constants):
    """Seconds that the bytes and the operations of a measurement take at the measured rates."""
    case, batch = CASES[row["case"]], number(row["batch"])
    forward, backward = number(row["evals_f"]), number(row["evals_b"])
    state, field = 4 * batch * case["state"], 4 * case["field"]
    combined = 42 * steps_of(row["case"], forward) if row["case"] != "c" else 18
    moved = combined * state + forward * (2 * state + field)
    work = batch * case["f"] * forward
    if row["what"] == "train":
        work += 3 * batch * case["around"]
        if case["gradient"] == "direct":
            work += 2 * batch * case["f"] * forward
            moved += combined * state + forward * (3 * state + 2 * field)
        else:
            work += 3 * batch * case["f"] * backward
            wide = 2 * state + field
            moved += 42 * steps_of(row["case"], backward) * wide + backward * (2 * wide + field)
    rate = constants.get("gemm tf32" if row["system"].endswith("tf32") else "gemm float32", math.nan)
    if not row["system"].endswith("tf32"):
        rate = max((r for r in (rate, constants.get("float32", math.nan)) if not math.isnan(r)), default=math.nan)
    return moved / (1e9 * constants.get("copy", math.nan)), work / (1e12 * rate)


def print_facts(lines):
    facts = [(name, text) for name, text in (fields[:2] for fields in lines.get("fact", []) if len(fields) > 1)]
    table(("", ""), facts)


def print_checks(lines):
    print("## What was checked\n")
    table(("part", "result", "figures"), [(f + ["", ""])[:3] for f in lines.get("check", [])])
    starts = sorted(number(fields[1]) for fields in lines.get("start", []))
    if starts:
        middle = starts[len(starts) // 2]
        print("From the start of the program to its first finished training step, case a: %.3f s (goal %.1f s)%s.\n" %
              (middle, START_GOAL, "" if middle <= START_GOAL else ", missed"))


def print_constants(lines):
    rows = [(name, value, unit) for name, value, unit in (f[:3] for f in lines.get("constant", []))]
    if rows:
        print("## Constants of the card\n")
        table(("", "measured", "unit"), rows)
    return {name: number(value) for name, value, _ in rows}


def print_times(found, what, title, constants):
    systems = sorted({key[0] for key in found if key[2] == what}, key=lambda s: (not s.startswith("odeon"), s))
    rows = []
    for case in CASES:
        for system in systems:
            row = found.get((system, case, what))
            ours = found.get((base(system), case, what))
            if row is None:
                continue
            peer = not system.startswith("odeon") and ours is not None
            whole, each = ratios(row, ours) if peer else (math.nan, math.nan)
            took = 1e-6 * number(row["us"])
            parts = [words(100 * floor / took, "%.0f %%") for floor in floors(row, constants)] \
                if system.startswith("odeon") else ["", ""]
            counts = " / ".join(row[key] for key in ("launches", "waits", "allocs"))
            check = row["gap"] if peer else (words(number(row["loss"]), "%.6f") if what == "train" else "")
            rows.append((case, system, row["batch"], row["us"], "%s to %s" % (row["low"], row["high"]),
                         "%s / %s" % (row["evals_f"], row["evals_b"]), check, words(whole), words(each),
                         *parts, counts if system.startswith("odeon") else ""))
    if rows:
        print("## %s\n" % title)
        table(("case", "system", "batch", "µs", "quartiles", "evaluations f / b", "loss; gap" if what == "train" else "gap",
               "× odeon's time", "× an evaluation", "floor, bytes", "floor, operations", "launches / waits / allocations"),
              rows)


def print_shares(found):
    """How much of a solve and of a step is the field's, at the time that it takes by itself."""
    rows = []
    for system in sorted({key[0] for key in found if key[0].startswith("odeon")}):
        for case, about in CASES.items():
            row = [found.get((system, case, what)) for what in ("forward", "field", "train", "vjp")]
            if None in row:
                continue
            forward, field, train, vjp = (number(r["us"]) for r in row)
            inside = number(row[0]["evals_f"]) * field
            n, back = number(row[2]["evals_f"]), number(row[2]["evals_b"])
            walked = n * field + (n * (vjp - field) if about["gradient"] == "direct" else back * vjp)
            rows.append((case, system, "%.2f" % field, row[1]["launches"], "%.2f" % vjp, row[3]["launches"],
                         "%.0f %%" % (100 * inside / forward), "%.1f" % (forward - inside),
                         "%.0f %%" % (100 * walked / train), "%.1f" % (train - walked)))
    if rows:
        print("## Where the time goes\n\nAn evaluation of the field, and one with the vjp behind it, by themselves; "
              "and what they leave of the times above to the solver, the other layers, loss, update and data.\n")
        table(("case", "system", "field, µs", "launches", "with vjp, µs", "launches", "of the solve", "the rest, µs",
               "of the step", "the rest, µs"), rows)


def print_operators(lines, constants):
    rows = []
    for fields in lines.get("operator", []):
        if len(fields) == 7:
            name, us, low, high, launches, moved, work = fields
            took = 1e-6 * number(us)
            floors = (number(moved) / (1e9 * constants.get("copy", math.nan)),
                      number(work) / (1e12 * constants.get("gemm float32", math.nan)))
            rows.append((name, us, "%s to %s" % (low, high), launches,
                         *(words(100 * floor / took, "%.0f %%") if floor != 0 else "" for floor in floors)))
    if rows:
        print("## Operators by themselves\n\nOne of sixteen in a recording, in float32.\n")
        table(("operator, case", "µs", "quartiles", "launches", "floor, bytes", "floor, operations"), rows)


def print_kernels(lines):
    rows = [(f[0], f[1], f[2], f[3], f[4] + " %", f[5] + " %") for f in lines.get("kernel", []) if len(f) == 6]
    if rows:
        print("## Kernels\n\n200 launches of each case, without recordings, as ncu sees them.\n")
        table(("case", "kernel", "launches", "µs of all", "of the arithmetic", "of the memory"), rows)


def print_goals(found):
    rows = []
    for system, case, what, math_mode, goal in GOALS:
        best = None
        for (name, c, w), row in found.items():
            mode = " tf32" if name.endswith("tf32") else ""
            if c == case and w == what and mode == math_mode and name.split(",")[0].split(" ")[0] == system \
                    and "captured" not in name and ("odeon" + mode, case, what) in found:
                _, each = ratios(row, found["odeon" + mode, case, what])
                whole, _ = ratios(row, found["odeon" + mode, case, what])
                value = whole if math.isnan(each) else each
                best = value if best is None else min(best, value)
        verdict = "not measured" if best is None else ("reached" if best >= goal else "missed")
        rows.append((system, case, what + math_mode, "%g×" % goal, "-" if best is None else "%.1f×" % best, verdict))
    print("## Goals, at equal evaluations\n")
    table(("beside", "case", "what", "goal", "measured", ""), rows)


def main(folder):
    lines = read(folder)
    found = times(lines)
    add_counts(folder, found)
    print("# Odeon on a card\n\nWritten by tests/gpu/run.sh; tests/gpu/README.md says what is measured and how.\n")
    print_facts(lines)
    print_checks(lines)
    constants = print_constants(lines)
    print("Cases: " + "; ".join("%s %s" % (name, case["title"]) for name, case in CASES.items()) + ".\n")
    print_times(found, "forward", "The solve alone", constants)
    print_times(found, "train", "A step of training", constants)
    print_shares(found)
    print_operators(lines, constants)
    print_kernels(lines)
    if found:
        print_goals(found)
    skipped = lines.get("skip", [])
    if skipped:
        print("## Not measured\n")
        for fields in skipped:
            print("- %s" % ", ".join(text for text in fields[:-1] if text != "-") + ": " + fields[-1])


if __name__ == "__main__":
    main(sys.argv[1])
