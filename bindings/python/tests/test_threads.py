"""Threads and processes."""

import multiprocessing
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

import vdf_basis as vb

SPEC = "balanced:l2=0.03"


def test_threads_give_the_same_bytes(shock):
    alone = [vb.compress(cell, SPEC) for cell in shock]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda cell: vb.compress(cell, SPEC), shock)) == alone


def test_the_interpreter_runs_while_a_call_computes(ring):
    """A thread that only counts gets its turns during one long call."""
    counted, stop = [0], threading.Event()

    def count():
        while not stop.is_set():
            counted[0] += 1
            time.sleep(0)

    thread = threading.Thread(target=count)
    thread.start()
    before = counted[0]
    started = time.perf_counter()
    vb.compress(ring, "smallest:l2=0.01")
    taken, during = time.perf_counter() - started, counted[0] - before
    stop.set()
    thread.join()
    # With the lock held throughout, the other thread would have had no turn but at the beginning and the end.
    assert during > 20, f"{during} turns in {taken} s"


def test_one_accumulator_takes_in_distributions_from_threads(shock):
    accumulator = vb.PcaAccumulator(shock[0].grid)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(accumulator.add, shock))
        a, b = vb.PcaAccumulator(shock[0].grid), vb.PcaAccumulator(shock[0].grid)
        list(pool.map(lambda pair: pair[0].merge(pair[1]), [(a, b), (b, a)] * 20))
    assert accumulator.count == len(shock)


def encode(values):
    return os.getpid(), vb.compress(values, SPEC)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_give_the_same_bytes(shock, method):
    """After a fork, too, in a process that had used the library and its threads before."""
    vb.write_archive(None, shock[:4], SPEC, group=1, threads=2)
    alone = [vb.compress(cell.f, SPEC) for cell in shock[:4]]
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as pool:
        found = list(pool.map(encode, [cell.f for cell in shock[:4]], timeout=100))
    assert [stream for _, stream in found] == alone and os.getpid() not in [pid for pid, _ in found]


MEMORY = """
import re, sys
import numpy as np
import vdf_basis as vb

def most():
    with open("/proc/self/status") as status:
        return int(re.search(r"VmHWM:\\s*(\\d+)", status.read()).group(1)) / 1024

f = np.ones((160, 160, 160), dtype=sys.argv[1])
vb.moments(np.ones((4, 4, 4)))
# Linux forgets the peak so far.
with open("/proc/self/clear_refs", "w") as peak:
    peak.write("5")
before = most()
vb.moments(f)
print(most() - before)
"""


@pytest.mark.parametrize(("dtype", "copies"), [("f8", 0), ("f4", 1)])
def test_no_more_copies_are_made_than_said(dtype, copies):
    """Peak memory in megabytes: 31 for a copy in double precision."""
    if not os.access("/proc/self/clear_refs", os.W_OK):
        pytest.skip("the peak of memory is measured on Linux")
    run = subprocess.run([sys.executable, "-c", MEMORY, dtype], capture_output=True, text=True, check=True)
    assert copies * 31 - 1 <= float(run.stdout) < copies * 31 + 8


def test_arrays_are_freed_and_not_kept():
    import gc
    import weakref

    class Array(np.ndarray):
        pass

    f = vb.synthetic("beams", cells=10).f.copy().view(Array)
    kept = weakref.ref(f)
    vb.moments(f)
    expansion = vb.expand(f, "lossless")
    del f
    gc.collect()
    assert kept() is None and expansion.reconstruct().shape == (10, 8, 8)
