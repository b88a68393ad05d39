"""Compresses many distributions to a Zarr store by several worker processes, and checks the store.

The distributions are made by the workers, chunk by chunk, so that the population never is in one memory:

    python dask_population.py --count 10000 --workers 2 --compare-with-one
    python dask_population.py --count 500 --workers 2 --kill

Then every cell is read back and its error and moments are compared, and the principal components of the population are learnt
by a tree of accumulators. Prints one line of JSON.
"""

import argparse
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

import dask.array
import numpy as np
import zarr
from dask.distributed import Client, LocalCluster

import vdf_basis as vb
from vdf_basis.dask import population_pca
from vdf_basis.zarr import VdfBasisCodec

NAMES = ("beams", "ring", "crescent", "kappa", "gyrating-ring")


def distribution(number, grid):
    """Return one of the population: of several kinds, each with parameters of its own."""
    return vb.synthetic(NAMES[number % len(NAMES)], seed=1 + number, grid=grid).f


def population(count, grid, chunk):
    """Return an array of all distributions, none of which is made before it is asked for."""

    def made(block_info=None):
        (first, last), *_ = block_info[None]["array-location"]
        return np.stack([distribution(number, grid) for number in range(first, last)])

    sizes = [min(chunk, count - first) for first in range(0, count, chunk)]
    chunks = (tuple(sizes), *((size,) for size in grid.shape))
    return dask.array.map_blocks(made, chunks=chunks, dtype="f8", meta=np.empty((0, 0, 0, 0)))


def write(array, path, codec, chunk):
    """Write an array to a Zarr store, each chunk by the worker that has made it."""
    store = zarr.create_array(
        path, shape=array.shape, chunks=(chunk, *array.shape[1:]), dtype=array.dtype, serializer=codec, compressors=None
    )
    dask.array.store(array, store, lock=False)


def errors(first, last, path, grid):
    """Return the largest errors of some cells: L2, density, bulk velocity and pressure."""
    store = zarr.open_array(path, mode="r")
    found = []
    for number, decoded in enumerate(store[first:last], start=first):
        fidelity = vb.compare(distribution(number, grid), decoded, grid=grid)
        found.append((fidelity.l2, fidelity.density, fidelity.bulk_velocity, fidelity.pressure))
    return np.array(found).max(axis=0)


def peak_memory():
    """Return the largest memory of this process so far [MiB]."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)


def kill_one(client, path, chunks):
    """Kill a worker process once some chunks are written."""
    pid = next(iter(client.run(os.getpid).values()))
    while len(list((path / "c").glob("*/*/*/*"))) < max(1, chunks // 4):
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    return pid


def cluster(workers):
    """Return worker processes of one thread each."""
    return LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None)


def timed_write(client, array, path, codec, chunk, kill=False):
    """Return seconds, the largest memory of a worker, and the process that was killed."""
    # Every worker has imported what it needs before the clock starts.
    client.run(distribution, 0, vb.Grid.unit((4, 4, 4)))
    killed = []
    ends = threading.Thread(daemon=True, target=lambda: killed.append(kill_one(client, path, array.numblocks[0])))
    if kill:
        ends.start()
    start = time.perf_counter()
    write(array, path, codec, chunk)
    seconds = time.perf_counter() - start
    if kill:
        ends.join()
        client.wait_for_workers(1)
    return seconds, max(client.run(peak_memory).values()), killed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=500, help="distributions")
    parser.add_argument("--cells", type=int, default=30, help="cells along each axis")
    parser.add_argument("--chunk", type=int, default=25, help="distributions of a chunk")
    parser.add_argument("--spec", default="fast:l2=0.03")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--compare-with-one", action="store_true", help="write with one worker, too, and give both times")
    parser.add_argument("--kill", action="store_true", help="kill a worker in the middle")
    parser.add_argument("--components", type=int, default=8, help="principal components of the population; 0 for none")
    parser.add_argument("--pca-workers", type=int, nargs="*", default=[1, 4], help="workers that learn them, one run for each")
    options = parser.parse_args()

    grid = vb.Grid.from_edges((options.cells,) * 3, (-1.5e6,) * 3, (1.5e6,) * 3)
    array = population(options.count, grid, options.chunk)
    codec = VdfBasisCodec(options.spec, grid=grid)
    place = Path(tempfile.mkdtemp())
    try:
        print(json.dumps(run(options, grid, array, codec, place)))
    finally:
        shutil.rmtree(place, ignore_errors=True)


def run(options, grid, array, codec, place):
    """Return what is measured."""
    path = place / "population.zarr"
    with cluster(options.workers) as processes, Client(processes) as client:
        seconds, memory, killed = timed_write(client, array, path, codec, options.chunk, options.kill)
        worst = largest_errors(client, options, path, grid)
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    # Any one cell, without the others.
    middle = options.count // 2
    one = vb.compare(distribution(middle, grid), zarr.open_array(path, mode="r")[middle], grid=grid)
    found = {
        "distributions": options.count,
        "cells": list(grid.shape),
        "workers": options.workers,
        "killed": killed,
        "seconds": round(seconds, 2),
        "peak_memory_of_a_worker_MiB": round(memory),
        "bytes_a_distribution": round(size / options.count, 1),
        "ratio_to_float32": round(4 * grid.size * options.count / size, 1),
        "largest_errors": worst,
        "l2_of_a_cell": one.l2,
    }
    if options.compare_with_one:
        with cluster(1) as processes, Client(processes) as client:
            alone, *_ = timed_write(client, array, place / "alone.zarr", codec, options.chunk)
        found["seconds_of_one_worker"] = round(alone, 2)
        found["speed_up"] = round(alone / seconds, 2)
        found["same_bytes"] = same_files(path, place / "alone.zarr")
    if options.components:
        found["pca"] = learn(options, grid, array)
    return found


def largest_errors(client, options, path, grid):
    """Return the largest errors of all distributions, each decoded by a worker."""
    spans = [(first, min(first + options.chunk, options.count)) for first in range(0, options.count, options.chunk)]
    parts = client.gather([client.submit(errors, *span, path, grid, pure=False) for span in spans])
    return dict(zip(("l2", "density", "bulk_velocity", "pressure"), np.max(parts, axis=0).tolist()))


def learn(options, grid, array):
    """Return how much the components explain, and by how much they differ between numbers of workers."""
    bases = []
    for workers in options.pca_workers:
        with cluster(workers) as processes, Client(processes):
            start = time.perf_counter()
            task = population_pca(array, options.components, grid=grid, directions=4 * options.components)
            bases.append((task.compute(), time.perf_counter() - start))
    first = bases[0][0]
    difference = max(float(np.abs(basis.components_ - first.components_).max()) for basis, _ in bases)
    return {
        "workers": options.pca_workers,
        "seconds": [round(seconds, 2) for _, seconds in bases],
        "samples": first.n_samples_seen_,
        "explained": round(float(first.explained_variance_ratio_.sum()), 4),
        "largest_difference": difference,
    }


def same_files(left, right):
    """Return True if two folders hold the same files."""
    names = [sorted(file.relative_to(place) for file in place.rglob("*") if file.is_file()) for place in (left, right)]
    return names[0] == names[1] and all((left / name).read_bytes() == (right / name).read_bytes() for name in names[0])


if __name__ == "__main__":
    main()
