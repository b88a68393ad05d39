"""Vlasiator's files, and the dictionaries that analysator reads from them."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

import vdf_basis as vb


@pytest.fixture
def cells():
    """A distribution and its velocity cells, as analysator numbers them."""
    rng = np.random.default_rng(2)
    f = np.zeros((12, 8, 16))
    f[4:8, 0:4, 8:16] = rng.random((4, 4, 8)) + 0.1
    found = {}
    for (i, j, k), value in np.ndenumerate(f):
        if value:
            block = i // 4 + 3 * (j // 4 + 2 * (k // 4))
            found[64 * block + i % 4 + 4 * (j % 4) + 16 * (k % 4)] = value
    return f, found


EXTENT = (-6.0, -4.0, -8.0, 6.0, 4.0, 8.0)


def test_velocity_cells_become_a_distribution(cells):
    f, found = cells
    whole = vb.from_blocks(found, (3, 2, 4), EXTENT, whole=True)
    assert (whole.f == f).all() and whole.grid.extent == ((-6.0, 6.0), (-4.0, 4.0), (-8.0, 8.0))
    part = vb.from_blocks(found, (3, 2, 4), EXTENT, block_size=[4, 4, 4])
    assert part.shape == (4, 4, 8) and (part.f == f[4:8, 0:4, 8:16]).all()
    assert part.grid.lower == (-2.0, -4.0, 0.0)
    assert part.moments().density == pytest.approx(whole.moments().density)


def test_velocity_cells_that_do_not_fit_are_refused(cells):
    _, found = cells
    for changed, match in (
        (({99999: 1.0}, (3, 2, 4), EXTENT), "velocity cell 99999"),
        (({-1: 1.0}, (3, 2, 4), EXTENT), "velocity cell -1"),
        (({}, (3, 2, 4), EXTENT), "empty"),
        ((found, (3, 2), EXTENT), "mesh_size"),
        ((found, (3, 2, 4), EXTENT[:5]), "extent"),
    ):
        with pytest.raises(ValueError, match=match):
            vb.from_blocks(*changed)
    with pytest.raises(ValueError, match="block_size"):
        vb.from_blocks(found, (3, 2, 4), EXTENT, block_size=[4, 4, 8])
    with pytest.raises(ValueError, match="index"):
        vb.moments(vb.from_blocks({0: np.nan}, (1, 1, 1), EXTENT))


def test_files_are_read_as_another_reader_reads_them(data, tmp_path):
    """Against the small reader that states the format."""
    path = data / "vlsv" / "fullf.0000001.vlsv"
    subprocess.run([sys.executable, data / "vlsv" / "vlsv_to_npy.py", path, tmp_path], check=True, capture_output=True)
    arrays = sorted(tmp_path.glob("*proton*.npy")) or sorted(tmp_path.glob("*.npy"))
    assert arrays
    found = vb.from_vlsv(path, 1)
    assert any(np.array_equal(np.load(array).astype(float), found.f) for array in arrays if "antiproton" not in array.name)


def test_boxes_and_facts(data):
    file = vb.VlsvFile(data / "vlsv" / "fullf.0000001.vlsv")
    assert file.populations == ["proton", "antiproton"] and file.cells() == [1]
    assert pickle.loads(pickle.dumps(file)).cells() == [1] and "proton, antiproton" in repr(file)
    box = vb.from_vlsv(file, 1, box=10)
    assert box.shape == (20, 20, 20) and box.cell == 1 and box.population == "proton"
    grid, width = file.mesh()
    assert vb.from_vlsv(file, 1, box="whole").grid.shape == grid.shape and width == 4
    assert box.position is not None and box.attrs["sparsity_threshold"] > 0
    assert vb.compare(box, box.compress("fast:l2=0.05")).l2 <= 0.05
    with pytest.raises(ValueError, match="nearest is 1"):
        vb.from_vlsv(file, 7)
    with pytest.raises(ValueError, match="proton, antiproton"):
        vb.from_vlsv(file, 1, "electron")
    for bad, error in ((0, ValueError), (-3, ValueError), ("all", ValueError), (1.5, TypeError)):
        with pytest.raises(error):
            vb.from_vlsv(file, 1, box=bad)


def test_what_is_no_such_file_is_refused(tmp_path):
    (tmp_path / "a.vlsv").write_bytes(b"not a VLSV file, but long enough to have a header")
    with pytest.raises(vb.StreamError):
        vb.VlsvFile(tmp_path / "a.vlsv")
    with pytest.raises(FileNotFoundError):
        vb.from_vlsv(tmp_path / "none.vlsv", 1)
