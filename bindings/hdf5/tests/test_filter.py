"""Tests of the filter through h5py, h5repack and h5dump. HDF5_PLUGIN_PATH names the folder of the plugin."""

import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile

import h5py
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
import vdf_basis_hdf5 as vdf

SPEC = "conserve(fast:l2=0.01)"
TYPES = ("<f4", ">f4", "<f8", ">f8")


def cells(count, edge=12, seed=0):
    """Drifting bi-Maxwellians with a weak beam, of cells that vary slowly."""
    v = np.arange(edge) - (edge - 1) / 2
    x, y, z = v[:, None, None], v[None, :, None], v[None, None, :]
    made = []
    for k in range(count):
        phase = 0.2 * k + seed
        drift, width = np.array([np.sin(phase), np.cos(phase), 0.3]), edge / 7
        core = np.exp(-((x - drift[0]) ** 2 + (y - drift[1]) ** 2 + 1.4 * (z - drift[2]) ** 2) / (2 * width**2))
        beam = 0.1 * np.exp(-((x - edge / 4) ** 2 + y**2 + z**2) / width**2)
        made.append(1e-12 * (core + beam))
    return np.array(made)


def l2(original, back):
    original, back = np.asarray(original, "f8"), np.asarray(back, "f8")
    return np.linalg.norm(original - back) / np.linalg.norm(original)


def h5(path, mode="r"):
    # Without a cache each chunk is encoded as it is written: errors are those of the write.
    return h5py.File(path, mode, rdcc_nbytes=0)


def write(path, data, chunks, spec=SPEC, **options):
    with h5(path, "w") as file:
        dataset = file.create_dataset("f", data=data, chunks=chunks, **vdf.options(spec), **options)
        return dataset.id.get_storage_size()


def read(path, where=()):
    with h5(path) as file:
        return file["f"][where]


def refused(function, *words):
    """The error of a call, which has these words."""
    try:
        function()
    except (OSError, ValueError, RuntimeError) as error:
        text = str(error)
        assert all(word in text for word in words), text
        return text
    raise AssertionError("nothing was refused")


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_one_cell_a_chunk_keeps_its_bound_in_all_types(folder):
    f = cells(1, 16)[0]
    for kind in TYPES:
        data = f.astype(kind)
        size = write(folder / "one.h5", data, data.shape)
        back = read(folder / "one.h5")
        assert back.dtype == np.dtype(kind) and l2(data, back) <= 0.01, (kind, l2(data, back))
        assert size < data.nbytes / 10, (kind, size)


def test_byte_orders_decode_to_the_same_values(folder):
    f = cells(5)
    for little, big in (("<f4", ">f4"), ("<f8", ">f8")):
        back = []
        for kind in (little, big):
            write(folder / "order.h5", f.astype(kind), (5, 12, 12, 12))
            back.append(read(folder / "order.h5"))
        assert np.array_equal(back[0], back[1])


def test_cells_of_a_chunk_are_one_group_and_take_fewer_bytes(folder):
    f = cells(32)
    alone = write(folder / "alone.h5", f, (1, 12, 12, 12))
    group = write(folder / "group.h5", f, (32, 12, 12, 12))
    for name in ("alone.h5", "group.h5"):
        back = read(folder / name)
        assert all(l2(a, b) <= 0.01 for a, b in zip(f, back))
    print(f"    32 cells of 12^3 f8: alone {alone} bytes, as a group {group} bytes, raw {f.nbytes}")
    assert group < 0.8 * alone


def test_leading_axes_of_any_number_are_cells(folder):
    f = cells(12, 8).reshape(2, 3, 2, 8, 8, 8).astype("f4")
    write(folder / "axes.h5", f, (1, 3, 2, 8, 8, 8))
    back = read(folder / "axes.h5")
    worst = max(l2(a, b) for a, b in zip(f.reshape(12, -1), back.reshape(12, -1)))
    assert worst <= 0.01, worst


def test_chunks_beyond_the_edges_keep_their_bound(folder):
    f = cells(7, 13)
    for fill in (None, 0.0, -1.0, np.nan, np.inf):
        for kind in ("<f4", ">f8"):
            write(folder / "edge.h5", f.astype(kind), (4, 8, 13, 9), fillvalue=fill)
            back = read(folder / "edge.h5")
            # The bound holds for each cell of a chunk, here for the part of the cell that the chunk has.
            for cell in range(7):
                for x in (slice(0, 8), slice(8, 13)):
                    for z in (slice(0, 9), slice(9, 13)):
                        part = f[cell, x, :, z]
                        assert l2(part, back[cell, x, :, z]) <= 0.01, (fill, kind, cell)


def test_cells_that_were_not_written_are_the_fill_value(folder):
    f = cells(8)
    for fill in (0.0, np.nan, 5.0):
        with h5(folder / "fill.h5", "w") as file:
            dataset = file.create_dataset("f", (16, 12, 12, 12), "f4", chunks=(8, 12, 12, 12), fillvalue=fill,
                                          **vdf.options(SPEC))
            dataset[2:5] = f[2:5]
        back = read(folder / "fill.h5")
        expected = np.full(back.shape, fill, "f4")
        written = np.zeros(16, bool)
        written[2:5] = True
        assert np.array_equal(back[~written], expected[~written], equal_nan=True), fill
        assert all(l2(f[k], back[k]) <= 0.01 for k in range(2, 5)), fill


def test_zeros_are_exact_and_datasets_grow(folder):
    f = cells(6)
    f[2] = 0
    with h5(folder / "grow.h5", "w") as file:
        dataset = file.create_dataset("f", data=f[:4], chunks=(4, 12, 12, 12), maxshape=(None, 12, 12, 12),
                                      fillvalue=np.nan, **vdf.options(SPEC))
        dataset.resize(6, axis=0)
        dataset[4:] = f[4:]
    back = read(folder / "grow.h5")
    assert np.array_equal(back[2], f[2])
    assert all(l2(f[k], back[k]) <= 0.01 for k in (0, 1, 3, 4, 5))
    write(folder / "zero.h5", np.zeros((12, 12, 12)), (12, 12, 12))
    assert not read(folder / "zero.h5").any()


def test_planes_of_zeros_at_the_upper_end_stay_zero(folder):
    f = cells(3)
    f[:, 9:] = 0
    f[:, :, :, 11:] = 0
    write(folder / "planes.h5", f, (3, 12, 12, 12))
    back = read(folder / "planes.h5")
    assert not back[:, 9:].any() and not back[..., 11:].any()
    assert all(l2(a, b) <= 0.01 for a, b in zip(f, back))


def test_cells_that_no_basis_describes_are_kept_verbatim(folder):
    f = cells(4)
    f[1] = np.random.default_rng(1).normal(size=f[1].shape)
    f[1] -= f[1].mean()
    for chunk in (1, 4):
        write(folder / "odd.h5", f, (chunk, 12, 12, 12))
        back = read(folder / "odd.h5")
        assert np.array_equal(back[1], f[1]), chunk
        assert all(l2(f[k], back[k]) <= 0.01 for k in (0, 2, 3)), chunk
    write(folder / "odd.h5", f[1:2].repeat(3, 0), (3, 12, 12, 12))
    assert np.array_equal(read(folder / "odd.h5"), f[1:2].repeat(3, 0))


def test_chunks_of_many_cells_are_several_groups(folder):
    f = cells(5000, 4)
    # Without `conserve`, which may take the error of so small a cell somewhat beyond the bound of the basis inside.
    write(folder / "many.h5", f, (5000, 4, 4, 4), "fast:l2=0.01")
    back = read(folder / "many.h5")
    assert max(l2(a, b) for a, b in zip(f, back)) <= 0.01


def test_extreme_magnitudes_round_trip(folder):
    f = cells(1)[0]
    for kind, scale in (("f4", 1e-28), ("f4", 3e50), ("f8", 1e-290), ("f8", 1e300)):
        data = (f * scale).astype(kind)
        assert data.any() and np.isfinite(data).all()
        write(folder / "extreme.h5", data, data.shape)
        assert l2(data / data.max(), read(folder / "extreme.h5") / data.max()) <= 0.01, (kind, scale)


def test_nan_and_infinity_are_refused_with_value_and_place(folder):
    for kind in TYPES:
        for value, name in ((np.nan, "NaN"), (np.inf, "inf"), (-np.inf, "-inf")):
            f = cells(3).astype(kind)
            f[1, 2, 3, 4] = value
            text = refused(lambda: write(folder / "nan.h5", f, (3, 12, 12, 12)), "element [1, 2, 3, 4]", f"is {name};")
    print(f"    {text}")


def test_nan_under_a_fill_value_of_nan_is_refused_within_a_cell_only(folder):
    f = cells(2)
    f[0] = np.nan
    write(folder / "nan.h5", f, (2, 12, 12, 12), fillvalue=np.nan)
    back = read(folder / "nan.h5")
    assert np.isnan(back[0]).all() and l2(f[1], back[1]) <= 0.01
    f[1, 3, 3, 3] = np.nan
    refused(lambda: write(folder / "nan.h5", f, (2, 12, 12, 12), fillvalue=np.nan), "element [1, 3, 3, 3]", "NaN")


def test_what_cannot_be_encoded_is_refused_when_the_dataset_is_made(folder):
    def make(dtype="f4", chunks=(2, 8, 8, 8), spec=SPEC, **options):
        with h5(folder / "refused.h5", "w") as file:
            arguments = {**vdf.options(SPEC), **({} if spec == SPEC else {"compression_opts": spec}), **options}
            file.create_dataset("f", (8,) * len(chunks), dtype, chunks=chunks, **arguments)

    for dtype in ("i4", "u8", "f2", "c16", "S4"):
        refused(lambda: make(dtype), "type that is not allowed")
    refused(lambda: make(chunks=(8, 8)), "chunk of rank 2")
    refused(lambda: make(shuffle=True), "must be the first")
    refused(lambda: make(spec=(1, 2)), "1 to 1000 bytes")
    refused(lambda: make(spec=(2, 4, 0)), "packing of version 1")
    refused(lambda: make(spec=()), "packing of version 1")
    refused(lambda: make(spec=(1, 4, 0x61006161)), "zero at byte")
    refused(lambda: make(spec=vdf.pack("conserv(fast)")), "no combinator", "conserve, log, quantized")
    refused(lambda: make(spec=vdf.pack("fast:l2=-1")), "l2")
    make(fletcher32=True)


def test_packing_is_that_of_its_documentation(folder):
    assert vdf.pack("abcde") == (1, 5, 0x64636261, 0x65)
    for spec in ("a", "abcd", SPEC, "é", "x" * 1000):
        assert vdf.unpack(vdf.pack(spec)) == spec
    for spec in ("", "x" * 1001):
        refused(lambda: vdf.pack(spec), "1 to 1000")
    write(folder / "packing.h5", cells(1, 8).astype("f4"), (1, 8, 8, 8))
    with h5(folder / "packing.h5") as file:
        number, flags, values, _ = file["f"].id.get_create_plist().get_filter(0)
    assert (number, flags) == (vdf.FILTER, 0)
    words = len(vdf.pack(SPEC))
    assert vdf.unpack(values) == SPEC and values[words:] == (4, 4, 1, 8, 8, 8, 0, 0), values


def test_other_filters_may_follow(folder):
    f = cells(4)
    write(folder / "checked.h5", f, (4, 12, 12, 12), fletcher32=True)
    assert all(l2(a, b) <= 0.01 for a, b in zip(f, read(folder / "checked.h5")))


def test_bytes_do_not_depend_on_the_run(folder):
    f = cells(8)
    for name in ("a.h5", "b.h5"):
        write(folder / name, f, (8, 12, 12, 12))
    assert (folder / "a.h5").read_bytes() == (folder / "b.h5").read_bytes()


def test_no_thread_is_started(folder):
    f = cells(8)
    before = len(os.listdir("/proc/self/task"))
    write(folder / "threads.h5", f, (8, 12, 12, 12))
    read(folder / "threads.h5")
    assert len(os.listdir("/proc/self/task")) == before


def raw_chunk(path):
    with h5(path) as file:
        return file["f"].id.read_direct_chunk((0,) * file["f"].ndim)[1]


def with_chunk(path, raw):
    """Reads a dataset after its only chunk was replaced."""
    with h5(path, "r+") as file:
        file["f"].id.write_direct_chunk((0,) * file["f"].ndim, raw)
    return read(path)


def test_cut_chunks_are_refused_and_damaged_ones_do_no_harm(folder):
    chance = random.Random(7)
    for count in (1, 3):
        f = cells(count, 8)
        path = folder / f"damaged{count}.h5"
        write(path, f, f.shape)
        raw = raw_chunk(path)
        # The end of an archive only points to its index, which is found without it.
        for end in range(1, len(raw)):
            try:
                whole = with_chunk(path, raw[:end])
            except OSError:
                continue
            assert count > 1 and all(l2(a, b) <= 0.01 for a, b in zip(f, whole)), end
        outcomes = {"refused": 0, "decoded": 0}
        for _ in range(3000):
            damaged = bytearray(raw)
            for _ in range(chance.choice((1, 1, 2, 8))):
                damaged[chance.randrange(len(raw))] = chance.randrange(256)
            try:
                assert with_chunk(path, bytes(damaged)).shape == f.shape
                outcomes["decoded"] += 1
            except OSError:
                outcomes["refused"] += 1
        print(f"    {count} cells, {len(raw)} bytes, 3000 damaged chunks: {outcomes}")
        with_chunk(path, raw)
    text = refused(lambda: with_chunk(path, b"\x02" + raw[1:]), "version 2")
    refused(lambda: with_chunk(path, raw[:2] + b"\xff\xff\xff\xff" + raw[6:]), "box is not within")
    print(f"    {text}")


def test_h5dump_and_h5repack_read_what_h5py_wrote(folder):
    f = cells(4, 8).astype("f4")
    write(folder / "tools.h5", f, (4, 8, 8, 8))
    code, text = run("h5dump", "-d", "f", "-s", "0,0,0,0", "-c", "1,8,8,8", "-m", "%.9g", str(folder / "tools.h5"))
    assert code == 0, text
    numbers = [float(n) for line in text.splitlines() if line.lstrip().startswith("(")
               for n in line.split("):")[1].replace(",", " ").split()]
    assert np.array_equal(np.array(numbers, "f4"), read(folder / "tools.h5")[0].ravel())
    code, text = run("h5dump", "-p", "-H", str(folder / "tools.h5"))
    assert code == 0 and f"FILTER_ID {vdf.FILTER}" in text and "vdf-basis" in text, text
    print("    " + " ".join(re.search(r"USER_DEFINED_FILTER \{.*?\}", text, re.S).group().split()))
    code, text = run("h5repack", "-f", "NONE", str(folder / "tools.h5"), str(folder / "plain.h5"))
    assert code == 0, text
    assert np.array_equal(read(folder / "plain.h5"), read(folder / "tools.h5"))


def test_h5repack_compresses_and_recompresses(folder):
    f = cells(6, 12)
    for kind in TYPES:
        with h5(folder / "raw.h5", "w") as file:
            file.create_dataset("f", data=f.astype(kind), chunks=(3, 12, 12, 12))
            file.create_dataset("ids", data=np.arange(6))
        packed = vdf.repack(SPEC)
        code, text = run("h5repack", "-f", f"f:{packed}", str(folder / "raw.h5"), str(folder / "small.h5"))
        assert code == 0, text
        back = read(folder / "small.h5")
        assert back.dtype == np.dtype(kind) and all(l2(a, b) <= 0.01 for a, b in zip(f, back))
    sizes = [os.path.getsize(folder / name) for name in ("raw.h5", "small.h5")]
    print(f"    h5repack -f f:{packed}\n    {sizes[0]} bytes to {sizes[1]}")
    # Other chunks, the same filter: its parameters are found anew.
    code, text = run("h5repack", "-l", "f:CHUNK=2x12x12x12", str(folder / "small.h5"), str(folder / "other.h5"))
    assert code == 0, text
    with h5(folder / "other.h5") as file:
        assert file["f"].chunks == (2, 12, 12, 12)
        values = file["f"].id.get_create_plist().get_filter(0)[2]
        assert vdf.unpack(values) == SPEC and values[-6:-2] == (2, 12, 12, 12)
        assert all(l2(a, b) <= 0.02 for a, b in zip(f, file["f"][()]))


def test_h5repack_shows_the_message_of_a_nan(folder):
    f = cells(2)
    f[1, 5, 6, 7] = np.nan
    with h5(folder / "raw.h5", "w") as file:
        file.create_dataset("f", data=f, chunks=(2, 12, 12, 12))
    code, text = run("h5repack", "--enable-error-stack", "-f", f"f:{vdf.repack(SPEC)}", str(folder / "raw.h5"),
                     str(folder / "nan.h5"))
    assert code != 0 and "element [1, 5, 6, 7] of the chunk is NaN" in text, text


def test_a_c_program_writes_what_h5py_reads(folder):
    program = os.environ.get("VDFB_HDF5_C_EXAMPLE")
    assert program, "VDFB_HDF5_C_EXAMPLE is not set"
    code, text = run(program, str(folder / "c.h5"))
    assert code == 0, text
    with h5(folder / "c.h5") as file:
        back = file["f"][()]
        assert back.shape == (20, 16, 16, 16) and file["f"].chunks == (8, 16, 16, 16)
        assert file["f"].id.get_storage_size() < back.nbytes / 20
    v = np.arange(16) - 7.5
    for k in range(20):
        square = ((v - 0.1 * k) ** 2)[:, None, None] + (v**2)[:, None] + v**2
        assert l2(np.exp(-square / 18), back[k]) <= 0.01, k


def main():
    passed = failed = 0
    tests = [(name, test) for name, test in globals().items() if name.startswith("test_")]
    for name, test in tests:
        with tempfile.TemporaryDirectory() as folder:
            print(name[5:].replace("_", " "), flush=True)
            try:
                test(pathlib.Path(folder))
                passed += 1
            except Exception as error:  # The next tests run all the same.
                failed += 1
                print(f"    FAILED: {type(error).__name__}: {error}")
    print(f"h5py {h5py.__version__} with HDF5 {h5py.version.hdf5_version}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
