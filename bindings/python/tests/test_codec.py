"""Streams: the same bytes as those of the command, the same densities to the last bit."""

import pickle
import subprocess
import zlib

import numpy as np
import pytest

import vdf_basis as vb

SPECS = [
    "maxwellian",
    "hermite:order=6",
    "wavelet:l2=0.05",
    "balanced:l2=0.05",
    "fast:linf=0.05",
    "conserve(cosine):l2=0.1",
    "mixture:components=2",
    "octree:l2=0.1",
    "spherical:degree=3,shells=8",
    "pca:components=4",
    "lossless",
]


@pytest.mark.parametrize("spec", SPECS)
def test_streams_are_those_of_the_command(vdfb, tmp_path, spec):
    f = np.random.default_rng(3).random((9, 8, 7)) + vb.synthetic("beams", grid=vb.Grid.from_edges((9, 8, 7), *box())).f * 1e12
    np.save(tmp_path / "f.npy", f)
    command = [vdfb, "encode", "f.npy", "-o", "f.vdfb", "--basis", spec]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    stream = (tmp_path / "f.vdfb").read_bytes()
    assert vb.compress(f, spec) == stream
    subprocess.run([vdfb, "decode", "f.vdfb", "-o", "g.npy"], cwd=tmp_path, check=True, capture_output=True)
    g = vb.decompress(stream)
    assert g.tobytes() == np.load(tmp_path / "g.npy").tobytes()
    assert g.flags.c_contiguous and g.flags.writeable and g.dtype == np.float64
    assert vb.expand(f, spec).to_bytes() == stream


def box():
    return (-1.5e6,) * 3, (1.5e6,) * 3


def test_an_archive_is_that_of_the_command(vdfb, tmp_path, shock):
    np.save(tmp_path / "f.npy", np.stack([cell.f for cell in shock]))
    command = [vdfb, "encode", "f.npy", "-o", "f.vdfa", "--basis", "fast:l2=0.03", "--population", "proton"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    assert vb.write_archive(None, [cell.f for cell in shock], "fast:l2=0.03") == (tmp_path / "f.vdfa").read_bytes()


def test_bounds_hold(ring):
    for spec, name, limit in (("fast:l2=0.02", "l2", 0.02), ("wavelet:linf=0.01", "linf", 0.01)):
        assert getattr(vb.compare(ring, vb.compress(ring, spec)), name) <= limit


def test_a_threshold_makes_small_densities_zero(ring):
    cut = np.where(ring.f < 1e-14, 0.0, ring.f)
    assert vb.compress(ring, "lossless", threshold=1e-14) == vb.compress(cut, "lossless", grid=ring.grid)
    for bad in (-1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="threshold"):
            vb.compress(ring, "lossless", threshold=bad)


def test_info_and_moments_of_a_stream(ring):
    stream = vb.compress(ring, "hermite:order=8")
    info = vb.info(stream)
    assert info.grid == ring.grid and info.spec == "hermite:order=8"
    # Bits are not stored one by one, so that a part is known to a byte or two.
    assert info.size == len(stream) and abs(sum(info.parts.values()) - info.size) <= 4
    assert info.ratio == 4 * ring.f.size / len(stream)
    of_cells, of_stream = vb.moments(vb.decompress(stream), grid=ring.grid), vb.moments(stream)
    assert of_stream.density == pytest.approx(of_cells.density, rel=1e-9)
    assert of_stream == vb.expand(ring, "hermite:order=8").moments()
    for given in (bytearray(stream), memoryview(stream)):
        assert (vb.decompress(given) == vb.decompress(stream)).all()


def test_another_grid(ring):
    stream = vb.compress(ring, "maxwellian")
    wider = vb.Grid.from_edges((10, 12, 14), (-3e6,) * 3, (3e6,) * 3)
    assert vb.decompress(stream, grid=wider).shape == (10, 12, 14)
    with pytest.raises(ValueError):
        vb.decompress(vb.compress(ring, "lossless"), grid=vb.Grid.unit((3, 3, 3)))


def test_streams_that_are_cut_or_damaged_are_stream_errors(ring):
    stream = vb.compress(ring, "fast:l2=0.1")
    cases = [stream[:length] for length in range(len(stream))]
    cases += [bytes([*stream[:k], stream[k] ^ 0x40, *stream[k + 1 :]]) for k in range(len(stream))]
    for case in cases:
        for read in (vb.decompress, vb.info, vb.moments):
            with pytest.raises(vb.StreamError):
                read(case)
    assert issubclass(vb.StreamError, ValueError)
    for wrong in ("VDF", 3, None):
        with pytest.raises(TypeError, match="bytes are wanted"):
            vb.decompress(wrong)
    # bytes(3) would be three zeros.
    assert (vb.decompress(np.frombuffer(stream, dtype=np.uint8)) == vb.decompress(stream)).all()
    with pytest.raises(vb.StreamError, match="limit"):
        vb.decompress(stream, max_cells=10)
    error = pickle.loads(pickle.dumps(vb.StreamError("cut")))
    assert type(error) is vb.StreamError and str(error) == "cut"


def test_made_up_streams_are_stream_errors(ring):
    """Streams with a checksum that is right, of which each byte in turn is another."""
    small = vb.compress(ring.f[:4, :4, :4], "fast:l2=0.3")
    for k in range(4, len(small) - 4):
        for change in (1, 0x80):
            made = bytes([*small[:k], small[k] ^ change, *small[k + 1 : -4]])
            try:
                assert np.isfinite(vb.decompress(made + zlib.crc32(made).to_bytes(4, "little"))).all()
            except vb.StreamError:
                pass


def test_specs_that_do_not_exist_are_refused_with_what_does(ring):
    for spec, message in (
        ("hermit", "there are cells, cosine"),
        ("hermite:oder=3", "no key `oder`"),
        ("fast:l2=-1", "l2"),
        ("", "spec"),
        ("fast:l2=1e-40", "cannot reach"),
        ("pca:learnt=0123456789abcdef", "learnt"),
    ):
        with pytest.raises(ValueError, match=message):
            vb.compress(ring, spec)
    with pytest.raises(TypeError):
        vb.compress(ring, 3)
    assert "fast" in vb.bases() and "conserve" in vb.combinators()
    assert vb.parse_spec("quantized(fast):bytes=90") == "fast:bytes=90"


def test_expansions_compare_and_pickle(ring):
    expansion = vb.expand(ring, "mixture:components=2")
    again = pickle.loads(pickle.dumps(expansion))
    assert again == expansion and again.to_bytes() == expansion.to_bytes()
    assert expansion != vb.expand(ring, "mixture:components=3")
    assert len(expansion) == len(expansion.numbers()) == len(expansion.labels())
    warm = vb.expand(ring, "mixture:components=2", start=expansion)
    assert vb.compare(ring, warm).l2 < 1.01 * vb.compare(ring, expansion).l2
    with pytest.raises(ValueError):
        vb.expand(ring, "maxwellian", start=expansion)


def test_comparisons_need_one_grid(ring):
    assert vb.compare(ring, ring.f).l2 == 0.0
    assert vb.compare(ring.f, ring).density == 0.0
    with pytest.raises(ValueError, match="different grids"):
        vb.compare(ring, vb.synthetic("gyrating-ring", cells=25))
    with pytest.raises(ValueError, match=r"shape|grid"):
        vb.compare(np.ones((3, 3, 3)), np.ones((3, 3, 4)))
    with pytest.raises(ValueError, match="floor"):
        vb.compare(ring, ring, floor=-1.0)
    fidelity = vb.compare(ring, 0.9 * ring.f)
    assert fidelity.to_dict()["l2"] == pytest.approx(0.1) and "l2=0.1," in repr(fidelity)


def test_moments_print_and_compare(ring):
    moments = ring.moments()
    assert moments == vb.moments(ring.f, grid=ring.grid) and moments != vb.moments(2 * ring.f, grid=ring.grid)
    assert set(moments.to_dict()) == {"density", "bulk_velocity", "pressure", "heat_flux", "thermal_speed", "thermal_speeds"}
    assert moments.pressure.shape == (3, 3) and np.allclose(moments.pressure, moments.pressure.T)


def test_synthetic_distributions():
    for name in vb.synthetic_names():
        f = vb.synthetic(name, cells=12)
        assert f.shape == f.grid.shape and f.f.min() >= 0
    assert not np.array_equal(vb.synthetic("ring", cells=10).f, vb.synthetic("ring", cells=10, seed=2).f)
    assert vb.synthetic("ring", cells=10, threshold=1e-13).f[0, 0, 0] == 0.0
    assert vb.synthetic("ring", cells=9, extent=1e6).shape == (9, 9, 9)
    assert not np.array_equal(vb.synthetic("ring", cells=10, average=2).f, vb.synthetic("ring", cells=10).f)
    assert vb.synthetic("ring", cells=10, noise=0.1).f.std() > 0
    for bad in (lambda: vb.synthetic("rings"), lambda: vb.synthetic("ring", cells=0), lambda: vb.synthetic("ring", noise=2)):
        with pytest.raises(ValueError):
            bad()


def test_distributions_behave_as_arrays(ring):
    assert np.asarray(ring) is ring.f and np.asarray(ring, dtype=np.float32).dtype == np.float32
    assert np.array(ring, copy=True) is not ring.f
    with pytest.raises(ValueError):
        np.asarray(ring, dtype=np.float32, copy=False)
    with pytest.raises(ValueError, match="shape"):
        vb.Distribution(ring.f, vb.Grid.unit((3, 3, 3)))
    again = pickle.loads(pickle.dumps(ring))
    assert again.grid == ring.grid and (again.f == ring.f).all()
    back = vb.compress(ring.to_xarray(), "maxwellian")
    assert vb.info(back).grid.shape == ring.shape
