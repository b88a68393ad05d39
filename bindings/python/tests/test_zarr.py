"""The serializer of Zarr, and xarray's way to Zarr and back."""

import json
import os
import pickle

import numpy as np
import pytest

import vdf_basis as vb

zarr = pytest.importorskip("zarr", minversion="3.1")
pytest.importorskip("xarray")

from vdf_basis._arrays import same_grid
from vdf_basis.zarr import VdfBasisCodec, encoding

SPEC = "fast:l2=0.05"


def create(store, cells, chunks=None, codec=None, **options):
    shape = cells.shape
    options = {"compressors": None, "dtype": cells.dtype, **options}
    chunks = chunks or (8, *shape[1:])
    return zarr.create_array(store, shape=shape, chunks=chunks, serializer=codec or VdfBasisCodec(SPEC), **options)


@pytest.fixture(scope="module")
def cells(shock):
    return np.stack([cell.f for cell in shock])


@pytest.mark.parametrize("dtype", ["f4", "f8", ">f4"])
def test_distributions_come_back_within_their_bound(cells, tmp_path, dtype):
    cells = cells.astype(dtype)
    create(tmp_path / "a.zarr", cells)[:] = cells
    array = zarr.open_array(tmp_path / "a.zarr", mode="r")
    assert array.shape == cells.shape and array.dtype == np.dtype(dtype).newbyteorder("=")
    # The last chunk holds 4 of 8 cells, so that the others are padding.
    assert all(vb.compare(cell, back).l2 <= 0.05 for cell, back in zip(cells, array[:]))
    assert (array[13] == array[:][13]).all() and (array[3, 2:5] == array[:][3, 2:5]).all()


def test_a_chunk_is_an_archive_of_the_same_bytes(shock, cells):
    store = zarr.storage.MemoryStore()
    create(store, cells, chunks=cells.shape, codec=VdfBasisCodec(SPEC, grid=shock[0].grid))[:] = cells
    chunk = store._store_dict["c/0/0/0/0"].to_bytes()
    archive = vb.Archive.from_bytes(chunk)
    assert archive.cells == list(range(20)) and archive[7].grid == shock[0].grid
    alone = vb.write_archive(None, shock, SPEC)
    assert abs(len(chunk) - len(alone)) < 0.03 * len(alone)


def test_the_shock_population_takes_the_bytes_of_its_archive(data):
    cells = np.load(data / "data/shock_population.npy")
    # The smallest streams take a minute.
    spec = "smallest:l2=0.03" if os.environ.get("VDF_BASIS_SLOW") else "fast:l2=0.03"
    store = zarr.storage.MemoryStore()
    create(store, cells, chunks=cells.shape, codec=VdfBasisCodec(spec))[:] = cells
    chunk = len(store._store_dict["c/0/0/0/0"].to_bytes())
    alone = len(vb.write_archive(None, list(cells), spec))
    metadata = len(store._store_dict["zarr.json"].to_bytes())
    print(f"chunk {chunk}, zarr.json {metadata}, archive {alone}")
    assert abs(chunk - alone) < 0.03 * alone and metadata < 1000


def test_group_coding_takes_fewer_bytes_than_one_by_one(cells):
    def size(chunks, group=None):
        store = zarr.storage.MemoryStore()
        create(store, cells, chunks, VdfBasisCodec("smallest:l2=0.1", group=group))[:] = cells
        return sum(len(value.to_bytes()) for key, value in store._store_dict.items() if key.startswith("c/"))

    together = size((20, *cells.shape[1:]))
    assert together < 0.9 * size((1, *cells.shape[1:])) and together < 0.95 * size((20, *cells.shape[1:]), group=1)


def test_single_distributions_and_several_leading_axes(shock, cells):
    one = create({}, cells[0], chunks=cells[0].shape)
    one[:] = cells[0]
    assert vb.compare(cells[0], one[:]).l2 <= 0.05
    many = cells.reshape(4, 5, *cells.shape[1:])
    array = create({}, many, chunks=(2, 5, *cells.shape[1:]))
    array[:] = many
    assert vb.compare(many[3, 4], array[3, 4]).l2 <= 0.05


def test_shards_hold_chunks(cells):
    array = create({}, cells, chunks=(4, *cells.shape[1:]), shards=(8, *cells.shape[1:]))
    array[:] = cells
    assert vb.compare(cells[11], array[11]).l2 <= 0.05


@pytest.mark.parametrize("fill", [0.0, np.nan, -1.0])
def test_the_fill_value_comes_back_exactly(cells, fill):
    cells = cells[:6].copy()
    cells[2] = fill
    cells[3] = 0.0
    # A basis that refuses distributions of zeros.
    array = create({}, cells, chunks=(4, *cells.shape[1:]), codec=VdfBasisCodec("hermite:order=6"), fill_value=fill)
    array[:] = cells
    assert (array[2] == cells[2]).all() or np.isnan(array[2]).all()
    assert (array[3] == 0).all() and np.isfinite(array[4]).all() and (array[4] != fill).any()


def test_writing_one_cell_keeps_its_neighbours_near(cells):
    array = create({}, cells)
    array[:] = cells
    array[2] = cells[9]
    assert vb.compare(cells[9], array[2]).l2 <= 0.05
    # Neighbours were decoded and encoded again.
    assert vb.compare(cells[3], array[3]).l2 <= 0.1


def test_the_codec_is_found_by_its_name(cells, tmp_path):
    create(tmp_path / "a.zarr", cells)[:] = cells
    metadata = json.loads((tmp_path / "a.zarr/zarr.json").read_text())
    assert metadata["codecs"] == [{"name": "vdf_basis", "configuration": {"spec": SPEC}}]
    assert zarr.registry.get_codec_class("vdf_basis") is VdfBasisCodec
    by_name = create({}, cells, codec={"name": "vdf_basis", "configuration": {"spec": SPEC, "group": 4}})
    assert by_name.serializer == VdfBasisCodec(SPEC, group=4)


def test_codecs_are_values(shock):
    codec = VdfBasisCodec(SPEC, grid=shock[0].grid, group=3)
    assert VdfBasisCodec.from_dict(json.loads(json.dumps(codec.to_dict()))) == codec == pickle.loads(pickle.dumps(codec))
    assert hash(codec) == hash(VdfBasisCodec(SPEC, grid=shock[0].grid, group=3)) and codec != VdfBasisCodec(SPEC)


def test_among_compressors_it_says_what_to_write(cells):
    for codec in (VdfBasisCodec(SPEC), {"name": "vdf_basis", "configuration": {"spec": SPEC}}):
        with pytest.raises(TypeError, match=r"serializer=VdfBasisCodec\(.*compressors=None"):
            zarr.create_array({}, shape=cells.shape, chunks=cells.shape, dtype="f8", compressors=[codec])


def test_what_it_cannot_hold_is_refused(cells):
    shape = cells.shape
    for bad, error, words in (
        ({"chunks": (8, 4, *shape[2:])}, ValueError, rf"cut the velocity grid.*write chunks=\(8, {shape[1]}"),
        ({"dtype": "i4"}, TypeError, "float32 or float64"),
        ({"codec": VdfBasisCodec(SPEC, grid=vb.Grid.unit((3, 3, 3)))}, ValueError, "3, 3, 3"),
        ({"codec": {"name": "vdf_basis", "configuration": {"spec": SPEC, "level": 3}}}, TypeError, "level"),
        ({"codec": {"name": "vdf_basis", "configuration": {"spec": "hermit"}}}, ValueError, "no basis"),
    ):
        with pytest.raises(error, match=words):
            create({}, cells, **bad)
    with pytest.raises(ValueError, match="vx, vy, vz"):
        create({}, cells[0, 0], chunks=cells[0, 0].shape)
    with pytest.raises(ValueError, match="group = 0"):
        VdfBasisCodec(SPEC, group=0)
    with pytest.raises(TypeError, match="spec is int"):
        VdfBasisCodec(3)
    with pytest.raises(ValueError, match="NaN|nan|finite"):
        bad = cells.copy()
        bad[2, 1, 1, 1] = np.nan
        create({}, bad)[:] = bad


def test_chunks_that_are_damaged_are_stream_errors(cells):
    store = zarr.storage.MemoryStore()
    create(store, cells, chunks=cells.shape)[:] = cells
    whole = store._store_dict["c/0/0/0/0"].to_bytes()
    buffer = type(store._store_dict["c/0/0/0/0"])
    other = vb.write_archive(None, vb.synthetic_population("beams", 2, cells=8), SPEC)
    more = vb.write_archive(None, {99: vb.Distribution(cells[0], vb.Grid.unit(cells[0].shape))}, SPEC)
    for bad in (whole[:-1], whole[: len(whole) // 2], b"", b"VDFA", other, more):
        store._store_dict["c/0/0/0/0"] = buffer.from_bytes(bad)
        with pytest.raises(vb.StreamError):
            zarr.open_array(store, mode="r")[:]


def test_xarray_to_zarr_and_back(shock, tmp_path):
    import xarray

    f = vb.Archive.from_bytes(vb.write_archive(None, shock, "lossless")).to_xarray()
    f.to_dataset().to_zarr(tmp_path / "a.zarr", encoding={"f": encoding(f, SPEC, cells=8)}, consolidated=False)
    back = xarray.open_zarr(tmp_path / "a.zarr", consolidated=False).f
    assert back.dims == f.dims and back.attrs["units"] == f.attrs["units"] and (back.vx == f.vx).all()
    assert same_grid(back.encoding["serializer"].grid, shock[0].grid) and back.encoding["chunks"] == (8, *f.shape[1:])
    assert all(vb.compare(f[k], back[k].compute()).l2 <= 0.05 for k in range(len(f)))
    # What was opened is written again as it was.
    back.drop_encoding().to_dataset().to_zarr(tmp_path / "b.zarr", encoding={"f": encoding(back, SPEC, cells=8)}, consolidated=False)
    with pytest.raises(ValueError, match="transpose"):
        encoding(f.transpose("vx", "cell", "vy", "vz"), SPEC)
