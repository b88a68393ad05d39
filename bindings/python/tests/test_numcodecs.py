"""The codec of numcodecs."""

import json
import pickle

import numpy as np
import pytest

import vdf_basis as vb

numcodecs = pytest.importorskip("numcodecs")

from vdf_basis.numcodecs import VdfBasis

SPEC = "fast:l2=0.05"


@pytest.fixture(scope="module")
def cells(shock):
    return np.stack([cell.f for cell in shock[:6]])


@pytest.mark.parametrize("dtype", ["<f4", "<f8"])
def test_distributions_come_back(cells, dtype):
    cells = cells.astype(dtype)
    codec = VdfBasis(SPEC, dtype=dtype)
    data = codec.encode(cells)
    back = codec.decode(data)
    assert isinstance(data, bytes) and back.dtype == cells.dtype and back.shape == cells.shape
    assert all(vb.compare(a, b).l2 <= 0.05 for a, b in zip(cells, back))
    out = np.empty_like(cells)
    assert codec.decode(memoryview(data), out=out) is out and (out == back).all()
    assert codec.decode(codec.encode(cells[0])).shape == (1, *cells.shape[1:])


def test_zeros_come_back_with_bases_that_refuse_them(cells):
    cells = cells.copy()
    cells[[0, 5]] = 0
    back = (codec := VdfBasis("hermite:order=6")).decode(codec.encode(cells))
    assert not back[[0, 5]].any() and back[3].any()


def test_the_codec_is_found_by_its_name(shock):
    codec = VdfBasis(SPEC, dtype="<f4", grid=shock[0].grid, group=4)
    config = json.loads(json.dumps(codec.get_config()))
    assert config["id"] == "vdf_basis"
    for again in (numcodecs.get_codec(dict(config)), pickle.loads(pickle.dumps(codec))):
        assert again == codec and type(again) is VdfBasis


def test_version_2_of_zarr(cells, tmp_path):
    zarr = pytest.importorskip("zarr", minversion="3.1")
    array = zarr.create_array(
        tmp_path / "a.zarr", shape=cells.shape, chunks=(4, *cells.shape[1:]), dtype="<f8", compressors=VdfBasis(SPEC),
        filters=None, zarr_format=2,
    )  # fmt: skip
    array[:] = cells
    back = zarr.open_array(tmp_path / "a.zarr", mode="r")[:]
    assert all(vb.compare(a, b).l2 <= 0.05 for a, b in zip(cells, back))
    with pytest.raises(TypeError, match="serializer=vdf_basis.zarr.VdfBasisCodec"):
        zarr.create_array({}, shape=cells.shape, chunks=cells.shape, dtype="f8", compressors=[VdfBasis(SPEC)])


def test_bad_input(cells):
    codec = VdfBasis(SPEC)
    for bad, error, words in (
        (cells.astype("f4"), TypeError, 'dtype="<f4"'),
        (cells[0, 0], ValueError, "vx, vy, vz"),
        (b"abc", TypeError, "dtype"),
    ):
        with pytest.raises(error, match=words):
            codec.encode(bad)
    data = codec.encode(cells)
    for bad in (b"", data[:-1], data[:50], b"hello"):
        with pytest.raises(vb.StreamError):
            codec.decode(bad)
    with pytest.raises(ValueError, match="float32 or float64"):
        VdfBasis(SPEC, dtype="i4")
    with pytest.raises(ValueError, match="grid = "):
        VdfBasis(SPEC, grid={"shape": [1, 2, 3]})
