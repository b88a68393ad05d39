"""Overhead of Python against the Rust call, threads and import: medians over calls that alternate.

Each call is compared with the one of Rust beside it, because other work on the machine slows both. Two processes beside the
threads say what the machine allows at the moment.

    cargo build --release -p vdf-basis-python --example calls
    python bindings/python/benches/overhead.py [--cells 50] [--rounds 40]
"""

import argparse
import json
import multiprocessing
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
    single, grid = f.f.astype(np.float32), f.grid
    values, other = single.astype(np.float64), single.astype(np.float64)
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
                times["f4"].append(timed(lambda: python(single)))
        found = {"call": call, "spec": spec, "rust_ms": round(1e3 * statistics.median(times["rust"]), 3)}
        for kind in ("f8", "f4"):
            # Each call over the one of Rust beside it: other work on the machine slows both.
            ratios = [python / rust for python, rust in zip(times[kind], times["rust"])]
            if ratios:
                found[f"{kind}_overhead"] = f"{100 * (statistics.median(ratios) - 1):+.1f}%"
                found[f"{kind}_least"] = f"{100 * (min(times[kind]) / min(times['rust']) - 1):+.1f}%"
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


def encode_all(distributions, spec):
    for f in distributions:
        vb.compress(f, spec)


def threads(cells, spec="balanced:l2=0.03", count=8, rounds=5):
    distributions = [vb.synthetic("gyrating-ring", cells=cells, seed=seed) for seed in range(1, count + 1)]

    def by_threads(workers):
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(lambda f: vb.compress(f, spec), distributions))

    def by_processes(workers):
        context = multiprocessing.get_context("fork")
        parts = [distributions[k::workers] for k in range(workers)]
        processes = [context.Process(target=encode_all, args=(part, spec)) for part in parts]
        for process in processes:
            process.start()
        for process in processes:
            process.join()

    ways = {"1 thread": (by_threads, 1), "4 threads": (by_threads, 4), "1 process": (by_processes, 1), "2 processes": (by_processes, 2)}
    times = {name: [] for name in ways}
    for _ in range(rounds):
        for name, (way, workers) in ways.items():
            times[name].append(timed(lambda: way(workers)))
    for name, statistic in (("median", statistics.median), ("least", min)):
        seconds = {way: round(statistic(all_), 3) for way, all_ in times.items()}
        speedup = round(seconds["1 thread"] / seconds["4 threads"], 2)
        of_processes = round(seconds["1 process"] / seconds["2 processes"], 2)
        print(json.dumps({name: seconds, "4 threads faster": speedup, "2 processes faster": of_processes}))


def imports():
    code = "import numpy, time; t = time.perf_counter(); import vdf_basis; print(time.perf_counter() - t)"
    seconds = [float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout) for _ in range(9)]
    print(json.dumps({"import_ms": round(1e3 * statistics.median(seconds), 1)}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--only", choices=["imports", "overhead", "fixed", "threads"])
    arguments = parser.parse_args()
    parts = {
        "imports": imports,
        "overhead": lambda: overhead(arguments.cells, arguments.rounds),
        "fixed": fixed,
        "threads": lambda: threads(arguments.cells),
    }
    for name, part in parts.items():
        if arguments.only in (None, name):
            part()
