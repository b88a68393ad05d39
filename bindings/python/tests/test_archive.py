"""Archives, written and read."""

import os
import pickle

import numpy as np
import pytest

import vdf_basis as vb

SPEC = "fast:l2=0.05"


def test_cells_come_back(shock, tmp_path):
    path = tmp_path / "run.vdfa"
    assert vb.write_archive(path, shock, SPEC, group=8) is None
    archive = vb.open_archive(path)
    assert archive.cells == list(archive) == [cell.cell for cell in shock] and len(archive) == 20
    assert 3 in archive and 99 not in archive
    for record in archive.values():
        original = shock[record.cell]
        assert vb.compare(original, record).l2 <= 0.05
        assert (np.asarray(record) == np.asarray(archive[record.cell])).all()
        decoded = vb.moments(np.asarray(record), grid=record.grid)
        assert record.moments().density == pytest.approx(decoded.density, rel=1e-12)
        assert decoded.density == pytest.approx(original.moments().density, rel=0.2)
    assert [cell for cell, _ in archive.items()] == archive.cells
    assert [len(group) for group in archive.groups()] == [8, 8, 4]
    info = archive.info
    assert info.size == path.stat().st_size == sum(info.parts.values()) and info.sets[0].spec == SPEC
    assert "20 cells of proton" in repr(archive) and archive.to_xarray().dims == ("cell", "vx", "vy", "vz")
    assert os.listdir(tmp_path) == ["run.vdfa"]


def test_bytes_do_not_depend_on_threads_or_on_how_cells_are_handed_over(shock, tmp_path):
    data = vb.write_archive(None, shock, SPEC, group=4, threads=1)
    assert vb.write_archive(None, iter(shock), SPEC, group=4, threads=3) == data
    assert vb.write_archive(None, {cell.cell: cell for cell in shock}, SPEC, group=4) == data
    assert vb.write_archive(None, [(cell.cell, cell.f) for cell in shock], SPEC, grid=shock[0].grid, group=4) == data
    with vb.ArchiveWriter(tmp_path / "a.vdfa", SPEC, group=4) as archive:
        for cell in shock:
            archive.write(cell.cell, cell)
    assert (tmp_path / "a.vdfa").read_bytes() == data


def test_facts_are_kept_to_the_last_bit(shock):
    with vb.ArchiveWriter(None, "maxwellian") as archive:
        for k, cell in enumerate(shock[:3]):
            archive.write(k, cell, time=k / 3, position=(0.1 * k, 2.0, -3.0), magnetic_field=np.array([1e-9, 0, k]))
        archive.write(9, vb.Distribution(shock[0].f, shock[0].grid, time=2.5))
    read = vb.Archive.from_bytes(archive.getvalue())
    assert read[2].time == 2 / 3 and read[1].position == (0.1, 2.0, -3.0) and read[2].magnetic_field == (1e-9, 0.0, 2.0)
    assert read[9].time == 2.5 and read[9].position is None
    assert read[9].distribution().time == 2.5
    labelled = read.to_xarray([0, 1, 2])
    assert labelled.coords["time"].values.tolist() == [0.0, 1 / 3, 2 / 3]
    assert labelled.coords["x"].values.tolist() == [0.0, 0.1, 0.2] and labelled.coords["Bz"].values.tolist() == [0, 1, 2]


def test_several_populations(shock):
    with vb.ArchiveWriter(None, "maxwellian") as archive:
        archive.write(1, shock[0])
        archive.write(1, shock[1], population="alpha", spec="cosine:terms=20")
    read = vb.Archive.from_bytes(archive.getvalue())
    assert read.populations == ["proton", "alpha"] and read.population == "proton"
    assert read.select("alpha")[1].spec == "cosine:terms=20" and read[1].spec == "maxwellian"
    with pytest.raises(ValueError, match="proton, alpha"):
        read.select("electron")


def test_appending_goes_on_where_it_ended(shock, tmp_path):
    path = tmp_path / "run.vdfa"
    vb.write_archive(path, shock[:5], SPEC)
    with vb.ArchiveWriter(path, SPEC, append=True) as archive:
        for cell in shock[5:]:
            archive.write(cell.cell, cell)
    assert vb.open_archive(path).cells == [cell.cell for cell in shock]
    with vb.ArchiveWriter(path, SPEC, append=True) as archive:
        archive.write(0, shock[7])
    archive = vb.open_archive(path)
    assert len(archive) == 20 and len(list(archive.values())) == 20
    assert vb.compare(shock[7], archive[0]).l2 <= 0.05
    with pytest.raises(FileNotFoundError):
        vb.ArchiveWriter(tmp_path / "none.vdfa", SPEC, append=True)


def test_what_fails_leaves_no_file(shock, tmp_path):
    zero = np.zeros(shock[0].shape)
    with pytest.raises(ValueError, match="cell 7: cannot fit maxwellian"), vb.ArchiveWriter(tmp_path / "a.vdfa", "maxwellian") as archive:
        archive.write(0, shock[0])
        archive.write(7, zero, grid=shock[0].grid)
    with pytest.raises(KeyError), vb.ArchiveWriter(tmp_path / "b.vdfa", SPEC) as archive:
        archive.write(0, shock[0])
        raise KeyError
    with pytest.raises(ValueError, match="closed"):
        archive.write(1, shock[1])
    with pytest.raises(ValueError, match="no basis"):
        vb.ArchiveWriter(tmp_path / "c.vdfa", "hermit")
    assert os.listdir(tmp_path) == []


def test_cells_that_fail_can_be_left_out(shock):
    with vb.ArchiveWriter(None, "maxwellian", skip_errors=True) as archive:
        archive.write(0, shock[0])
        archive.write(7, np.zeros(shock[0].shape), grid=shock[0].grid)
        archive.write(8, shock[1])
    assert vb.Archive.from_bytes(archive.getvalue()).cells == [0, 8]
    assert list(archive.skipped) == [7] and "zero everywhere" in archive.skipped[7]


def test_the_densities_are_copied_when_handed_over(shock):
    buffer = np.empty(shock[0].shape)
    with vb.ArchiveWriter(None, "lossless", group=2) as archive:
        for cell in shock[:6]:
            buffer[:] = cell.f
            archive.write(cell.cell, buffer)
    read = vb.Archive.from_bytes(archive.getvalue())
    assert all((read[cell.cell].f == cell.f).all() for cell in shock[:6])


def test_bad_arguments(shock, tmp_path):
    archive = vb.Archive.from_bytes(vb.write_archive(None, shock[:3], SPEC))
    with pytest.raises(KeyError, match="nearest is 2"):
        archive[99]
    for bad, error in ((-1, ValueError), (1.5, TypeError), ("a", TypeError)):
        with pytest.raises(error):
            archive[bad]
    with pytest.raises(FileNotFoundError):
        vb.open_archive(tmp_path / "none.vdfa")
    with pytest.raises(OSError, match="not a plain file"):
        vb.open_archive(tmp_path)
    with vb.ArchiveWriter(None, SPEC) as writer:
        with pytest.raises(ValueError, match="three numbers"):
            writer.write(0, shock[0], position=(1, 2))
        with pytest.raises(ValueError, match="0 or more"):
            writer.write(-1, shock[0])
    empty = vb.Archive.from_bytes(writer.getvalue())
    assert len(empty) == 0 and empty.populations == [] and list(empty.values()) == []
    with pytest.raises(KeyError):
        empty[0]


def test_archives_that_are_damaged_are_stream_errors_or_recovered(shock):
    data = vb.write_archive(None, shock[:4], SPEC, group=2)
    assert not vb.Archive.from_bytes(data).is_recovered
    cut = vb.Archive.from_bytes(data[:-20])
    assert cut.is_recovered and cut.cells == [0, 1, 2, 3]
    for bad in (b"", b"VDFA", b"VDFA\x09", b"hello, world", data[:3]):
        with pytest.raises(vb.StreamError):
            vb.Archive.from_bytes(bad)
    for k in range(len(data)):
        try:
            list(vb.Archive.from_bytes(bytes([*data[:k], data[k] ^ 0x10, *data[k + 1 :]])).values())
        except vb.StreamError:
            pass


def test_records_pickle(shock):
    record = vb.Archive.from_bytes(vb.write_archive(None, shock[:2], SPEC))[1]
    again = pickle.loads(pickle.dumps(record))
    assert again.cell == 1 and (again.f == record.f).all()


def test_archives_close_and_pickle(shock, tmp_path):
    vb.write_archive(tmp_path / "a.vdfa", shock[:3], SPEC)
    with vb.open_archive(tmp_path / "a.vdfa") as archive:
        again = pickle.loads(pickle.dumps(archive))
        assert (again[1].f == archive[1].f).all()
    with pytest.raises(ValueError, match="closed"):
        archive[1]
    assert repr(archive) == "<Archive, closed>" and again.cells == [0, 1, 2]
    in_memory = vb.Archive.from_bytes((tmp_path / "a.vdfa").read_bytes())
    assert pickle.loads(pickle.dumps(in_memory)).cells == [0, 1, 2]
