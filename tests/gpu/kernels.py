#!/usr/bin/env python3
"""kernels.py CASE <CSV: what ncu --csv tells of single launches, on standard input, as one line a kernel, the
one that takes longest first: kernel, case, name, launches, microseconds of all, percent of the GPU's arithmetic
and of its memory that they reach on the average. The exit code is 1 where there is no launch."""
import csv
import sys

TIME = "gpu__time_duration.sum"
SHARES = ("sm__throughput.avg.pct_of_peak_sustained_elapsed",
          "gpu__compute_memory_throughput.avg.pct_of_peak_sustained_elapsed")


def rows(lines):
    """Those of the table, which comes behind what the profiler and the program say."""
    lines = iter(lines)
    head = next((line for line in lines if line.startswith('"ID"')), None)
    return csv.DictReader([head] + [line for line in lines if line.startswith('"')]) if head else []


def main(case):
    found = {}  # kernel: launches, nanoseconds, sums of shares
    for row in rows(sys.stdin):
        kernel = found.setdefault(row["Kernel Name"].split("(")[0], [0, 0.0, 0.0, 0.0])
        value = float(row["Metric Value"].replace(",", ""))
        if row["Metric Name"] == TIME:
            kernel[0] += 1
            kernel[1] += value
        elif row["Metric Name"] in SHARES:
            kernel[2 + SHARES.index(row["Metric Name"])] += value
    for name, (n, time, arithmetic, memory) in sorted(found.items(), key=lambda item: -item[1][1]):
        if n > 0:
            print("kernel\t%s\t%s\t%d\t%.3f\t%.1f\t%.1f" % (case, name, n, 1e-3 * time, arithmetic / n, memory / n))
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
