#!/usr/bin/env python3
"""Times Odeon and its peers side by side, from equal weights, states and batches, on the processor.

  peers.py --build build --data FOLDER [--quick] [--threads 1 2] [--cases abcdeis] [--results FILE.json]

FOLDER has the four files of MNIST or Fashion-MNIST. The systems are programs that take turns, a sample each: what the
machine does meanwhile befalls all of them alike. One that is not installed is left out with a line. Ratios are of
medians; beside each is the gap of results: of y(1) of a solve, of the loss of a step or of a whole test.
"""
import argparse
import json
import os
import select
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
here = os.path.dirname(os.path.abspath(__file__))
source = os.path.join(here, "..", "..")
SYSTEMS = {  # program; thread counts, parts and cases that it is asked for
    "torch": ("peer_torch.py", (1, 2), ("train", "forward", "test"), "abcdeis"),
    "diffrax": ("peer_jax.py", (1, 2), ("train", "forward"), "abcdeis"),
    "torch.compile": ("peer_torch.py", (1,), ("train",), "abcdeis"),
    "torchode": ("peer_torch.py", (1,), ("train",), "abdei"),
}
SHARES = {1: 0.65, 2: 1.0}  # of the time that is left, for so many threads
QUICK = ("torch", "diffrax")
SOLVES = "abcdei"  # the spiral's is not timed by itself
TESTED = "a"  # through its whole test split


class Failed(Exception):
    pass


class System:
    """A program that answers the lines of tests/gpu/bench_serve.h."""
    def __init__(self, name, command, threads, log):
        cores = sorted(os.sched_getaffinity(0))[:threads]
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads),
                           OPENBLAS_NUM_THREADS="1", PYTHONDONTWRITEBYTECODE="1")
        self.name, self.rest, self.about = name, b"", ""
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                                        env=environment, preexec_fn=lambda: os.sched_setaffinity(0, cores))

    def line(self, seconds):
        """The fields of the next line; Failed where there is none in time."""
        end = time.monotonic() + seconds
        while b"\n" not in self.rest:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise Failed("no answer in time")
            more = os.read(self.process.stdout.fileno(), 65536)
            if not more:
                raise Failed("the program ended")
            self.rest += more
        line, self.rest = self.rest.split(b"\n", 1)
        return line.decode(errors="replace").split("\t")

    def ask(self, text, seconds, wanted=None):
        """The answer to a line: the next that starts with wanted, or "failed"."""
        self.process.stdin.write((text + "\n").encode())
        self.process.stdin.flush()
        begin = time.monotonic()
        while True:
            if time.monotonic() - begin > seconds:
                raise Failed("no answer in %.0f s" % seconds)
            fields = self.line(max(0.1, seconds - (time.monotonic() - begin)))
            if fields[0] == "failed":
                raise Failed(fields[1] if len(fields) > 1 else "no reason given")
            if wanted is None or fields[0] == wanted:
                return fields[1:] if wanted else fields

    def stop(self):
        self.process.kill()
        self.process.wait()


class Bench:
    def __init__(self, options):
        self.options, self.rows, self.notes, self.facts = options, [], [], {}
        self.work = tempfile.mkdtemp(prefix="odeon-peers-")
        self.log = open(os.path.join(self.work, "log.txt"), "ab")
        self.begin = time.monotonic()

    def left(self):
        return self.options.budget - (time.monotonic() - self.begin)

    def note(self, *words):
        text = ", ".join(str(word) for word in words if word != "")
        if text not in self.notes:
            self.notes.append(text)
            print("peers.py: " + text, file=sys.stderr, flush=True)

    def command(self, name, threads):
        if name == "odeon":
            return [os.path.join(self.options.build, "tests", "gpu", "bench_models"), "--device", self.options.device,
                    "--data", self.options.data, "--out", self.work, "--plugins",
                    os.path.join(self.options.build, "plugins"), "--root", source, "--serve", "yes",
                    "run.workers=%d" % threads]
        return [sys.executable, os.path.join(here, SYSTEMS[name][0]), "--system", name, "--files", self.work,
                "--threads", str(threads)]

    def start(self, name, threads):
        """The system, ready for cases; None where it is not installed."""
        system = System(name, self.command(name, threads), threads, self.log)
        if name == "odeon":
            return system
        try:
            fields = system.line(120)
        except Failed as reason:
            fields = ["skip", str(reason)]
        if fields[0] == "fact":
            self.facts[name] = fields[1]
            return system
        self.note(name, "left out", fields[1])
        system.stop()
        return None

    def make_files(self):
        """Weights, states and batches, of which all systems start."""
        odeon = self.start("odeon", 1)
        for case in list(self.options.cases):
            try:
                odeon.ask("open %s files" % case, 120, "done")
                if "test" in self.options.what and case in self.options.tested:
                    odeon.ask("open %s test-files" % case, 120, "done")
            except Failed as reason:
                self.note("odeon", case, "left out", reason)
                self.options.cases = self.options.cases.replace(case, "")
                if "no answer" in str(reason):
                    odeon.stop()
                    odeon = self.start("odeon", 1)
        odeon.stop()

    def compile(self, threads):
        """Has diffrax compile everything at once before anything is timed, as far as the time allows."""
        command = self.command("diffrax", threads) + ["--compile", self.options.cases]
        try:
            subprocess.run(command, stdout=self.log, stderr=self.log, timeout=max(1.0, 0.15 * self.options.budget))
        except subprocess.TimeoutExpired:
            self.note("diffrax", "%d threads" % threads, "not all was compiled in time")

    def open(self, systems, name, case, what, threads):
        """Whether a system is ready for a case; one that does not answer is started again for the next."""
        try:
            limit = min(self.options.limit if name != "odeon" else 120, max(1.0, self.left()))
            return systems[name].ask("open %s %s" % (case, what), limit, "ready")
        except (Failed, OSError) as reason:
            self.note(name, "%s of %s" % (what, case), "%d threads" % threads if threads > 1 else "1 thread", reason)
            if not isinstance(reason, Failed) or "no answer" in str(reason) or "ended" in str(reason):
                systems[name].stop()
                systems[name] = self.start(name, threads)
            return None

    def turns(self, systems, opened):
        """Samples of all that are open, in turn."""
        options, calls, found = self.options, {}, {name: [] for name in opened}
        least = dict.fromkeys(opened, options.least)
        for name in opened:
            one = float(systems[name].ask("go 1", 600)[0])
            calls[name] = max(1, int(options.sample / one))
            if one > options.seconds:  # so slow that the first is worth having, and few must do
                found[name].append(one)
                least[name] = options.least if one < 5.0 * options.seconds else 1
        spent = dict.fromkeys(opened, 0.0)
        for _ in range(400):
            active = [name for name in opened
                      if not found[name] or len(found[name]) < least[name] or
                      (spent[name] < options.seconds and least[name] > 1)]
            if not active:
                break
            for name in active:
                took = float(systems[name].ask("go %d" % calls[name], 600)[0])
                found[name].append(took / calls[name])
                spent[name] += took
        return found

    def measure(self, systems, case, what, threads):
        opened = {}
        for name in list(systems):
            asked = name == "odeon" or what in SYSTEMS[name][2] and case in SYSTEMS[name][3]
            if systems[name] is not None and asked:
                ready = self.open(systems, name, case, what, threads)
                if ready is not None:
                    opened[name] = ready
        found = self.turns(systems, opened)
        for name, ready in opened.items():
            systems[name].ask("close", 60, "done")
            times = sorted(found[name])
            n = len(times)
            self.rows.append(dict(case=case, what=what, threads=threads, system=name, batch=int(ready[0]),
                                  evals_f=ready[1], evals_b=ready[2], gap=ready[3] if len(ready) > 3 else "",
                                  samples=n, median=times[n // 2], low=times[n // 4], high=times[3 * n // 4]))
        self.show()

    def show(self):
        """Lines of the measurement that was made last."""
        last = self.rows[-1] if self.rows else None
        for row in self.rows:
            if last and all(row[key] == last[key] for key in ("case", "what", "threads")):
                print("%(case)s %(what)-8s %(threads)d %(system)-14s" % row, "%10.3f ms" % (1e3 * row["median"]),
                      "%s / %s" % (row["evals_f"], row["evals_b"]), row["gap"], flush=True)

    def run(self):
        chosen = self.options.systems or (QUICK if self.options.quick else SYSTEMS)
        names = [name for name in SYSTEMS if name in chosen]
        self.make_files()
        whole, last = self.options.budget, self.options.threads[-1]
        for threads in self.options.threads:
            self.options.budget = whole - self.left() * (1.0 - SHARES.get(threads, 1.0)) if threads != last else whole
            if "diffrax" in names:
                self.compile(threads)
            systems = {name: self.start(name, threads) for name in ["odeon"] + names
                       if name == "odeon" or threads in SYSTEMS[name][1]}
            for what in self.options.what:
                for case in self.options.cases:
                    if case not in {"forward": SOLVES, "test": self.options.tested}.get(what, case):
                        continue
                    if self.left() < 5:
                        self.note("%s of %s" % (what, case), "%d threads" % threads, "no time left")
                        continue
                    self.measure(systems, case, what, threads)
            for system in systems.values():
                if system is not None:
                    system.stop()


def read_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(source, "build"), help="with bench_models and the plugins")
    parser.add_argument("--data", default="/usr/share/datasets/fashion-mnist")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--cases", default="abcdeis")
    parser.add_argument("--what", nargs="+", default=["train", "forward", "test"], choices=["train", "forward", "test"])
    parser.add_argument("--tested", default=TESTED, help="cases of which a test is timed")
    parser.add_argument("--systems", nargs="*", choices=sorted(SYSTEMS), help="beside odeon; all, or few with --quick")
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--seconds", type=float, help="of each measurement and system; 1, or 0.5")
    parser.add_argument("--sample", type=float, default=0.02, help="seconds of a sample at least")
    parser.add_argument("--least", type=int, help="samples; 3, or 2")
    parser.add_argument("--limit", type=float, help="seconds until a peer is ready; 120, or 15")
    parser.add_argument("--budget", type=float, help="seconds for all; 850, or 120")
    parser.add_argument("--quick", action="store_true", help="fewer systems and samples")
    parser.add_argument("--results", help="where to write all rows, as JSON")
    options = parser.parse_args()
    for name, slow, quick in (("seconds", 1.0, 0.5), ("least", 3, 2), ("limit", 120.0, 15.0), ("budget", 850.0, 120.0)):
        if getattr(options, name) is None:
            setattr(options, name, quick if options.quick else slow)
    return options


def main():
    bench = Bench(read_options())
    bench.run()
    if bench.options.results:
        with open(bench.options.results, "w") as file:
            json.dump(dict(rows=bench.rows, notes=bench.notes, facts=bench.facts), file, indent=1)


if __name__ == "__main__":
    main()
