"""What is taken as a distribution, and what is refused."""

import numpy as np
import pytest
import xarray as xr

import vdf_basis as vb
from vdf_basis._arrays import as_values, resolve

SPEC = "cosine"


@pytest.fixture
def f():
    return np.random.default_rng(1).random((4, 5, 6))


def test_c_contiguous_doubles_are_not_copied(f):
    assert as_values(f) is f
    assert as_values(f[1:]) is not f and np.shares_memory(as_values(f[1:]), f)
    f.flags.writeable = False
    assert as_values(f) is f
    assert vb.compress(f, SPEC)


def test_other_layouts_and_types_give_the_same_stream(f):
    f = np.round(f * 100)  # Exact in single precision and as integers.
    stream = vb.compress(f, SPEC)
    padded = np.zeros((8, 5, 6))
    padded[::2] = f
    unaligned = np.frombuffer(b"\0" + f.tobytes(), dtype=np.uint8)[1:].view(np.float64).reshape(f.shape)
    for other in (
        np.asfortranarray(f),
        f.astype(np.float32),
        f.astype(np.float16),
        f.astype(np.int16),
        f.astype(">f8"),
        f.astype(">f4"),
        padded[::2],
        f[::-1, :, ::-1].copy()[::-1, :, ::-1],
        f.transpose(2, 0, 1).copy().transpose(1, 2, 0),
        unaligned,
        f.tolist(),
        np.ma.masked_array(f, mask=False),
        f.view(type("Sub", (np.ndarray,), {})),
    ):
        assert vb.compress(other, SPEC) == stream


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (np.ones((3, 4)), ValueError, r"f has 2 axes of shape \(3, 4\)"),
        (np.ones((2, 3, 4, 5)), ValueError, "f has 4 axes .* one cell of it at a time"),
        (np.ones((3, 0, 4)), ValueError, r"f is empty: its shape is \(3, 0, 4\)"),
        (np.ones((2, 2, 2), dtype=object), TypeError, "dtype object.*astype"),
        (np.ones((2, 2, 2), dtype=complex), TypeError, "dtype complex128.*f.real"),
        (np.ones((2, 2, 2), dtype=bool), TypeError, "dtype bool"),
        (np.ones((2, 2, 2), dtype=np.longdouble), TypeError, "up to 8 bytes"),
        (np.full((2, 2, 2), "a"), TypeError, "dtype <U1"),
        (np.zeros((2, 2, 2), dtype="M8[s]"), TypeError, "datetime64"),
        (None, TypeError, "f is NoneType"),
        ("beams", TypeError, "f is str"),
        ({64: 1.0}, TypeError, "f is dict"),
        ([[[1.0], [2.0, 3.0]]], ValueError, "f is no array"),
        (3.0, ValueError, "f has 0 axes"),
    ],
)
def test_what_is_no_distribution_is_refused_with_the_value(bad, error, message):
    for function in (lambda f: vb.compress(f, SPEC), vb.moments, lambda f: vb.compare(np.ones((2, 2, 2)), f)):
        with pytest.raises(error, match=message.replace("f ", "(f|reconstruction) ", 1)):
            function(bad)


def test_values_that_are_not_finite_are_refused_with_their_index(f):
    for bad, text in ((np.nan, "NaN"), (np.inf, "inf"), (-np.inf, "-inf")):
        f[2, 3, 1] = bad
        with pytest.raises(ValueError, match=rf"index \[2, 3, 1\] is {text}"):
            vb.compress(f, SPEC)
        with pytest.raises(ValueError, match=r"index \[2, 3, 1\]"):
            vb.compress(f.astype(np.float32), SPEC)


def test_masked_values_are_refused_with_what_to_write(f):
    masked = np.ma.masked_less(f, 0.1)
    with pytest.raises(ValueError, match=r"masked array with \d+ of 120 values masked.*f.filled\(0.0\)"):
        vb.compress(masked, SPEC)
    assert vb.compress(masked.filled(0.0), SPEC)


def test_extents(f):
    def grid(extent):
        return resolve(f, extent=extent)[1]

    assert grid(2.0).extent == ((-2.0, 2.0),) * 3
    assert grid((0, 3)).extent == ((0.0, 3.0),) * 3
    assert grid(((0, 4), (-5, 5), (1, 7))).spacing == (1.0, 2.0, 1.0)
    assert resolve(f)[1] == vb.Grid.unit(f.shape)
    for bad, error in (
        ((1, 2, 3, 4, 5, 6), ValueError),
        ((1, 2, 3), ValueError),
        ("wide", TypeError),
        ((2, 1), ValueError),
        (np.nan, ValueError),
    ):
        with pytest.raises(error):
            vb.compress(f, SPEC, extent=bad)
    with pytest.raises(ValueError, match="both"):
        vb.compress(f, SPEC, grid=vb.Grid.unit(f.shape), extent=1)
    with pytest.raises(TypeError, match="Grid is wanted"):
        vb.compress(f, SPEC, grid=(4, 5, 6))
    with pytest.raises(ValueError, match=r"\[4, 5, 6\].*\[6, 5, 4\]|\[6, 5, 4\].*\[4, 5, 6\]"):
        vb.compress(f, SPEC, grid=vb.Grid.unit((6, 5, 4)))


def labelled(f, **changes):
    coords = {"vx": np.arange(4.0), "vy": np.arange(5.0) * 2, "vz": np.arange(6.0) - 3, **changes}
    return xr.DataArray(f, dims=("vx", "vy", "vz"), coords=coords)


def test_labelled_arrays_carry_their_grid_in_any_order(f):
    array = labelled(f)
    expected = vb.Grid(f.shape, (-0.5, -1.0, -3.5), (1.0, 2.0, 1.0))
    for other in (array, array.transpose("vz", "vx", "vy"), array.transpose("vy", "vz", "vx")):
        values, grid = resolve(other)
        assert grid == expected and (values == f).all()
        assert vb.compress(other, SPEC) == vb.compress(f, SPEC, grid=expected)
    values, grid = resolve(xr.DataArray(f, dims=("vx", "vy", "vz")))
    assert grid == vb.Grid.unit(f.shape)


def test_labelled_arrays_that_fit_no_grid_are_refused_saying_where(f):
    with pytest.raises(ValueError, match=r"vy is not equally spaced: vy\[2\] = 4.5"):
        vb.moments(labelled(f, vy=[0, 2, 4.5, 6, 8]))
    with pytest.raises(ValueError, match="vx runs from 3.0 to 0.0"):
        vb.moments(labelled(f, vx=np.arange(4.0)[::-1]))
    with pytest.raises(ValueError, match="vz holds nan"):
        vb.moments(labelled(f, vz=[0, 1, np.nan, 3, 4, 5]))
    with pytest.raises(ValueError, match="dimensions"):
        vb.moments(xr.DataArray(f, dims=("x", "y", "z")))
    with pytest.raises(ValueError, match="dimensions"):
        vb.moments(xr.DataArray(f[None], dims=("cell", "vx", "vy", "vz")))
    with pytest.raises(ValueError, match="one does not say how wide"):
        vb.moments(labelled(f).isel(vx=[0]))


def test_grids_print_compare_hash_and_refuse():
    grid = vb.Grid((2, 3, 4), (0.0, -1.0, 0.5), (1.0, 2.0, 1e5))
    assert eval(repr(grid), {"Grid": vb.Grid}) == grid
    assert len({grid, vb.Grid((2, 3, 4), (-0.0, -1.0, 0.5), (1.0, 2.0, 1e5)), vb.Grid.unit((2, 3, 4))}) == 2
    assert grid != vb.Grid.unit((2, 3, 4)) and grid != "grid"
    assert [len(centres) for centres in grid.centres] == [2, 3, 4]
    assert vb.grid_of_centres(*grid.centres) == grid
    for shape, lower, spacing in (
        ((0, 1, 1), (0, 0, 0), (1, 1, 1)),
        ((2**40, 2**40, 1), (0, 0, 0), (1, 1, 1)),
        ((1, 1, 1), (0, 0, 0), (1, -1, 1)),
        ((1, 1, 1), (0, np.nan, 0), (1, 1, 1)),
    ):
        with pytest.raises(ValueError, match="invalid velocity grid"):
            vb.Grid(shape, lower, spacing)
    with pytest.raises((TypeError, ValueError, OverflowError)):
        vb.Grid((-1, 1, 1), (0, 0, 0), (1, 1, 1))
    with pytest.raises((TypeError, ValueError)):
        vb.Grid((1, 1), (0, 0, 0), (1, 1, 1))


def test_the_axes_are_vx_vy_vz_in_c_order():
    f = np.zeros((4, 5, 6))
    f[3, 1, 2] = 1.0
    grid = vb.Grid((4, 5, 6), (0.0, 10.0, 20.0), (1.0, 1.0, 1.0))
    assert vb.moments(f, grid=grid).bulk_velocity.tolist() == [3.5, 11.5, 22.5]
