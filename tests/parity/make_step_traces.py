"""Writes step_traces.safetensors from recordings of other solvers' steps. Standard library only.

    python make_step_traces.py CONTROL.safetensors SCIML.safetensors step_traces.safetensors

CONTROL holds every attempted step of diffrax 0.7.2 (I: P 0, I 1, D 0; PI: .4, .3, 0; PID: 1/18, 1/9,
1/18) and torchode 1.0.1 (I, PID; its first sample), recorded at rtol 1e-5, atol 1e-8 in float64 by a
controller that notes t, h, the error ratio and the decision and then calls the peer's own. SCIML
holds the same after OrdinaryDiffEq.jl's rules (integrators/controllers.jl, alg_utils.jl,
initdt.jl), computed in NumPy from its formulas and not recorded: `exact` with powers as they should
be, `fast` with the float32 approximation of FastPower.jl that it has; of Tsit5, BS3, and of DP5's
constants on the pair dopri5.

Of each problem theta, y0 and span; of each trace PEER/METHOD/KIND/PROBLEM/ count (attempts, accepted
of the whole solve) and the first attempts as rows of h, error ratio, accepted (steps)."""
import json
import struct
import sys

KEEP = 48
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
    control, sciml = load(sys.argv[1]), load(sys.argv[2])
    out = {}
    for p in PROBLEMS:
        out[f"{p}/theta"] = control[f"{p}.theta"][1]
        out[f"{p}/y0"] = control[f"{p}.y0"][1][:2]
        out[f"{p}/span"] = control[f"{p}.span"][1]
    wanted = [("sciml", m, k, sciml, f"{m}.{k}.%s") for m in ("tsit5", "bosh3", "dopri5") for k in ("exact", "fast")]
    wanted += [("diffrax", m, k, control, f"diffrax.{m}.{k}.%s")
               for m in ("dopri5", "tsit5", "bosh3", "dopri8") for k in ("i", "pi", "pid")]
    wanted += [("torchode", m, k, control, f"torchode.{m}.{k}.%s.0") for m in ("dopri5", "tsit5") for k in ("i", "pid")]
    for peer, method, kind, source, form in wanted:
        for p in PROBLEMS:
            (rows, _), values = source[form % p + ".steps"]
            out[f"{peer}/{method}/{kind}/{p}/count"] = source[form % p + ".count"][1]
            out[f"{peer}/{method}/{kind}/{p}/steps"] = [
                x for r in range(min(rows, KEEP)) for x in values[4 * r + 1:4 * r + 4]]
    save(sys.argv[3], out)


main()
