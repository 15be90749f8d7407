"""What the peers of peers.py share: options, and the lines of tests/gpu/bench_serve.h."""
import argparse
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "gpu", "peers"))


def options(description, systems):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--files", required=True, help="what bench_models was given as --out")
    parser.add_argument("--system", choices=systems, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--compile", metavar="CASES", help="of diffrax: compile these and end")
    return parser.parse_args()


def say(*fields):
    print("\t".join(str(field) for field in fields), flush=True)


def need(*names):
    """Leaves with a line unless all modules are there."""
    for name in names:
        try:
            __import__(name)
        except Exception as reason:
            say("skip", "%s cannot be imported: %s" % (name, " ".join(str(reason).split())[:160]))
            sys.exit(3)


def samples(call, ready):
    """Answers "go" until "close"; call() is one call, whose work is done when it returns."""
    say("ready", *ready)
    for line in sys.stdin:
        words = line.split()
        if words[:1] != ["go"]:
            break
        begin = time.perf_counter()
        for _ in range(int(words[1])):
            call()
        say("%.9f" % (time.perf_counter() - begin))


def serve(prepare):
    """prepare(case, what): a call, and (batch, evaluations forward, backward, gap)."""
    for line in sys.stdin:
        words = line.split()
        if words[:1] != ["open"]:
            continue
        try:
            samples(*prepare(words[1], words[2]))
            say("done")
        except Exception as reason:  # whatever a library throws, the other cases go on
            say("failed", "%s: %s" % (type(reason).__name__, " ".join(str(reason).split())[:160]))
