"""Overhead of Python against the Rust call, threads and import: medians and least times of calls that alternate.

    cargo build --release -p vdf-basis-python --example calls
    python bindings/python/benches/overhead.py [--cells 50] [--rounds 40]
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

import vdf_basis as vb

ROOT = Path(__file__).resolve().parents[3]
CALLS = [
    ("compress", "fast:l2=0.03"),
    ("compress", "wavelet:l2=0.03"),
    ("compress", "cosine:terms=1000"),
    ("compress", "maxwellian:fit=moments"),
    ("decompress", "fast:l2=0.03"),
    ("decompress", "maxwellian"),
    ("moments", "-"),
    ("compare", "-"),
]


def timed(function):
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def overhead(cells, rounds):
    f = vb.synthetic("gyrating-ring", cells=cells)
    values, grid = f.f, f.grid
    single, other = values.astype(np.float32), values.copy()
    rust = subprocess.Popen(
        [ROOT / "target/release/examples/calls", str(cells)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    for call, spec in CALLS:
        stream = vb.compress(values, spec, grid=grid) if call == "decompress" else b""
        python = {
            "compress": lambda f: vb.compress(f, spec, grid=grid),
            "decompress": lambda f: vb.decompress(stream),
            "moments": lambda f: vb.moments(f, grid=grid),
            "compare": lambda f: vb.compare(f, other, grid=grid),
        }[call]
        times = {"rust": [], "f8": [], "f4": []}
        for _ in range(rounds):
            rust.stdin.write(f"{call} {spec}\n")
            rust.stdin.flush()
            times["rust"].append(float(rust.stdout.readline().split()[0]))
            times["f8"].append(timed(lambda: python(values)))
        if call != "decompress":
            times["f4"] = [timed(lambda: python(single)) for _ in range(rounds)]
        found = {"call": call, "spec": spec}
        for name, statistic in (("median", statistics.median), ("least", min)):
            reference = statistic(times["rust"])
            found[f"{name}_ms"] = round(1e3 * reference, 3)
            for kind in ("f8", "f4"):
                if times[kind]:
                    found[f"{name}_{kind}"] = f"{100 * (statistic(times[kind]) / reference - 1):+.1f}%"
        print(json.dumps(found))
    rust.stdin.close()
    rust.wait()


def fixed(count=500):
    """What a call costs besides its work: calls on 64 cells."""
    f = vb.synthetic("gyrating-ring", cells=4)
    stream = vb.compress(f, "maxwellian")
    calls = {
        "moments": lambda: vb.moments(f.f, grid=f.grid),
        "compress": lambda: vb.compress(f.f, "maxwellian:fit=moments", grid=f.grid),
        "decompress": lambda: vb.decompress(stream),
        "compare": lambda: vb.compare(f.f, f.f, grid=f.grid),
    }
    least = {name: min(timed(call) for _ in range(count)) for name, call in calls.items()}
    print(json.dumps({"whole call on 4 x 4 x 4 cells, us": {name: round(1e6 * least[name], 1) for name in calls}}))


def threads(cells, spec="balanced:l2=0.03", count=16):
    distributions = [vb.synthetic("gyrating-ring", cells=cells, seed=seed) for seed in range(1, count + 1)]

    def run(workers):
        with ThreadPoolExecutor(workers) as pool:
            return timed(lambda: list(pool.map(lambda f: vb.compress(f, spec), distributions)))

    run(4)
    alternating = [(run(1), run(4)) for _ in range(5)]
    one, four = (statistics.median(column) for column in zip(*alternating))
    print(json.dumps({"threads": spec, "one_s": round(one, 3), "four_s": round(four, 3), "speedup": round(one / four, 2)}))


def imports():
    code = "import numpy, time; t = time.perf_counter(); import vdf_basis; print(time.perf_counter() - t)"
    seconds = [float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout) for _ in range(9)]
    print(json.dumps({"import_ms": round(1e3 * statistics.median(seconds), 1)}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=40)
    arguments = parser.parse_args()
    imports()
    overhead(arguments.cells, arguments.rounds)
    fixed()
    threads(arguments.cells)
