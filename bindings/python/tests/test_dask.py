"""Populations over several processes."""

import json
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT

import vdf_basis as vb

pytest.importorskip("distributed")
pytest.importorskip("zarr", minversion="3.1")
dask = pytest.importorskip("dask")

import dask.array

from vdf_basis.dask import population_pca

EXAMPLE = ROOT / "bindings/python/examples/dask_population.py"


@pytest.fixture(scope="module")
def cells(shock):
    return np.stack([cell.f for cell in shock])


def lazy(cells, chunk=3):
    return dask.array.from_array(cells, chunks=(chunk, -1, -1, -1))


@pytest.mark.parametrize("values", ["linear", "log10"])
def test_the_tree_learns_what_one_process_learns(cells, values):
    floor = 1e-6 * cells.max() if values == "log10" else None
    learnt = population_pca(lazy(cells), 4, values=values, floor=floor, fan_in=2).compute()
    direct = vb.PopulationPCA(n_components=4, values=values, floor=floor).fit(cells)
    assert learnt.n_samples_seen_ == 20
    assert learnt.explained_variance_ == pytest.approx(direct.explained_variance_, rel=1e-9)
    signs = np.sign((learnt.components_ * direct.components_).sum(axis=1, keepdims=True))
    assert abs(learnt.components_ - signs * direct.components_).max() < 1e-9


def test_the_basis_does_not_depend_on_the_scheduler(cells):
    task = population_pca(lazy(cells), 4, directions=8)
    alone, threads = task.compute(scheduler="synchronous"), task.compute(scheduler="threads", num_workers=4)
    assert (alone.components_ == threads.components_).all() and alone.learnt_ == threads.learnt_


def test_labelled_populations_bring_their_grid(shock):
    pytest.importorskip("xarray")
    array = vb.Archive.from_bytes(vb.write_archive(None, shock, "lossless")).to_xarray().transpose("vx", "cell", "vy", "vz")
    learnt = population_pca(array.chunk({"cell": 6}), 3).compute()
    assert learnt.grid_.lower == pytest.approx(shock[0].grid.lower)


def test_bad_input(cells):
    with pytest.raises(ValueError, match="rechunk"):
        population_pca(dask.array.from_array(cells, chunks=(3, 4, -1, -1)), 3)
    with pytest.raises(ValueError, match="rechunk"):
        population_pca(dask.array.from_array(cells[0], chunks=-1), 3)
    with pytest.raises(ValueError, match="floor"):
        population_pca(lazy(cells), 3, values="log10")
    with pytest.raises(ValueError, match="fan_in = 1"):
        population_pca(lazy(cells), 3, fan_in=1)


def test_worker_processes_write_a_store_and_one_of_them_is_killed():
    command = [sys.executable, EXAMPLE, "--count", "500", "--cells", "20", "--workers", "2", "--kill"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert len(found["killed"]) == 1
    assert found["largest_errors"]["l2"] <= 0.03 and found["largest_errors"]["density"] < 0.2
    assert found["pca"]["workers"] == [1, 4] and found["pca"]["samples"] == 500
    assert found["pca"]["largest_difference"] <= 1e-12
    assert found["bytes_a_distribution"] < 1000
