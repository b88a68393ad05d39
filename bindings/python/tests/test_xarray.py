"""Labelled arrays in and out, their units, and the accessor."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

import vdf_basis as vb

xarray = pytest.importorskip("xarray")

import vdf_basis.xarray
from vdf_basis._units import parse_units

AXES = ("vx", "vy", "vz")
KM = {"units": "km/s"}


@pytest.fixture(scope="module")
def beams():
    return vb.synthetic("beams", cells=20)


@pytest.fixture(scope="module")
def labelled(beams):
    """The same in other units and another order, with a time."""
    coords = {axis: (axis, centres / 1e3, KM) for axis, centres in zip(AXES, beams.grid.centres)}
    array = xarray.DataArray(beams.f * 1e18, dims=AXES, coords=coords, attrs={"units": "s^3 km^-6", "run": "A"}, name="vdf")
    return array.assign_coords(time=12.5).transpose("vz", "vx", "vy")


def test_units_and_order_of_axes_change_nothing(beams, labelled):
    assert vb.compare(beams, labelled).l2 < 1e-15 and vb.compare(labelled, beams).density < 1e-15
    ours, theirs = vb.moments(beams), vb.moments(labelled)
    assert theirs.density == pytest.approx(ours.density) and theirs.bulk_velocity == pytest.approx(ours.bulk_velocity, abs=1e-6)
    assert vb.compare(beams, vb.compress(labelled, "fast:l2=0.05")).l2 <= 0.05
    assert labelled.vdf.grid.spacing == pytest.approx(beams.grid.spacing)
    assert labelled.vdf.distribution().shape == beams.shape


def test_grids_of_centres_and_of_edges_are_one_grid(shock):
    # The centres of this grid give its spacing back but for the last bit.
    cell = shock[0]
    assert vb.compare(cell, cell.to_xarray()).l2 == 0
    for stream in (vb.compress(cell, "wavelet:l2=0.05"), vb.compress(cell.to_xarray(), "wavelet:l2=0.05")):
        assert vb.compare(cell.to_xarray(), stream).l2 <= 0.05 and vb.compare(cell, stream).l2 <= 0.05


def test_what_comes_out_is_labelled_as_what_went_in(beams, labelled):
    fit = labelled.vdf.fit("hermite", order=12)
    back = fit.reconstruct()
    assert back.dims == labelled.dims and back.attrs == labelled.attrs and back.name == "vdf"
    assert back.coords.identical(labelled.coords)
    assert abs(back - labelled).max() < 0.05 * labelled.max()
    again = pickle.loads(pickle.dumps(fit)).reconstruct()
    assert again.identical(back)
    other = fit.reconstruct(vb.Grid.from_edges((6, 6, 6), (-1e6,) * 3, (1e6,) * 3))
    assert other.dims == labelled.dims and other.vx.units == "km/s" and float(other.vx[-1]) == pytest.approx(1e3 * 5 / 6)
    assert float(other.time) == 12.5
    assert labelled.vdf.compare(labelled.vdf.roundtrip("fast:l2=0.05")).l2 <= 0.05


def test_arrays_without_coordinates_stay_without(beams):
    plain = xarray.DataArray(beams.f, dims=AXES)
    back = plain.vdf.fit("maxwellian").reconstruct()
    assert dict(back.coords) == {} and back.dims == AXES and plain.vdf.grid is None
    assert plain.vdf.moments().density.attrs == {}


def test_moments_of_one_and_of_many(beams, labelled):
    found = labelled.vdf.moments(B=[0, 0, 5e-9])
    truth = vb.moments(beams)
    assert float(found.density) == pytest.approx(truth.density) and found.density.units == "m^-3"
    assert found.bulk_velocity.units == "km/s" and found.bulk_velocity.values == pytest.approx(truth.bulk_velocity / 1e3, abs=1e-9)
    assert float(found.pressure_parallel) == pytest.approx(truth.pressure[2, 2])
    assert float(found.pressure_perpendicular) == pytest.approx((truth.pressure[0, 0] + truth.pressure[1, 1]) / 2)
    many = xarray.concat([labelled, 2 * labelled, 3 * labelled], "cell").assign_attrs(labelled.attrs)
    fields = xarray.DataArray(np.eye(3), dims=("cell", "component"))
    table = many.transpose("vx", "cell", "vy", "vz").vdf.moments(B=fields)
    assert table.density.dims == ("cell",) and table.density.values == pytest.approx(truth.density * np.arange(1, 4))
    assert table.pressure_parallel.values == pytest.approx(np.diag(truth.pressure) * np.arange(1, 4))
    assert table.pressure.dims == ("cell", "component", "component_")


def test_a_magnetic_field_of_any_kind(labelled):
    units = pytest.importorskip("astropy.units")
    fields = [
        (0.0, 3.0, 4.0),
        np.array([0, 3, 4]),
        xarray.DataArray([0.0, 3.0, 4.0], dims="comp", attrs={"units": "nT"}),
        [0, 3, 4] * units.nT,
    ]
    fits = [labelled.vdf.fit("hermite", order=6, B=field) for field in fields]
    assert all(abs(fit.axes_[2] - [0, 0.6, 0.8]).max() < 1e-12 for fit in fits)
    direct = vb.Hermite(order=6, frame="field-aligned", field=fields[2]).fit(labelled)
    assert (direct.coef_ == fits[2].coef_).all()
    assert labelled.vdf.fit("mixture", n_components=2, B=fields[0]).covariance == "field-aligned"
    with pytest.raises(ValueError, match="select one time"):
        labelled.vdf.fit("hermite", B=xarray.DataArray(np.ones((5, 3)), dims=("time", "comp")))
    with pytest.raises(ValueError, match="no direction"):
        labelled.vdf.fit("cosine", B=fields[0])
    with pytest.raises(ValueError, match="vanishes"):
        labelled.vdf.moments(B=[0, 0, 0])
    with pytest.raises(ValueError, match="three numbers"):
        labelled.vdf.moments(B=[1, 2])


def test_quantities_of_astropy(beams):
    units = pytest.importorskip("astropy.units")
    f = (beams.f * units.Unit("s3 / m6")).to("s3 / km6")
    assert vb.moments(f, extent=1500 * units.km / units.s).density == pytest.approx(vb.moments(beams.f, extent=1.5e6).density)
    pairs = tuple((low / 1e3 * units.km / units.s, high * units.m / units.s) for low, high in beams.grid.extent)
    assert vb.compare(beams, vb.compress(f, "fast:l2=0.05", extent=pairs)).l2 <= 0.05
    back = vb.Hermite(order=12, centre=[0, 0, 0] * units.km / units.s, scales=[500, 400, 400] * units.km / units.s).fit(f, extent=pairs)
    assert back.spec.endswith("centre=0e0/0e0/0e0,scales=5e5/4e5/4e5")
    assert back.reconstruct().unit == f.unit and abs(back.reconstruct() - f).max() < 0.2 * f.max()
    assert vb.grid_of_centres(*(c * 1e-3 * units.km / units.s for c in beams.grid.centres)).shape == beams.shape
    with pytest.raises(ValueError, match="phase-space density"):
        vb.compress(beams.f * units.m, "fast")
    with pytest.raises(ValueError, match="a speed"):
        vb.compress(f, "fast", extent=3 * units.eV)


def test_quantities_of_pint(beams, labelled):
    pint = pytest.importorskip("pint")
    ureg = pint.UnitRegistry()
    f = ureg.Quantity(beams.f, "s^3/m^6").to("s^3/km^6")
    assert vb.moments(f, extent=ureg.Quantity(1500, "km/s")).density == pytest.approx(vb.moments(beams.f, extent=1.5e6).density)
    fit = vb.Maxwellian().fit(f, extent=ureg.Quantity(1500, "km/s"))
    assert fit.reconstruct().units == f.units
    # Quantities inside a labelled array, as pint-xarray makes them.
    array = xarray.DataArray(f, dims=AXES, coords={axis: labelled.coords[axis] for axis in AXES})
    assert array.vdf.fit("maxwellian").reconstruct().data.units == f.units
    found = array.vdf.moments()
    assert found.bulk_velocity.data.check("[speed]") and found.density.data.check("[length]**-3")
    assert found.pressure.data.check("1/[length]/[time]**2") and found.heat_flux.data.check("1/[time]**3")
    with pytest.raises(ValueError, match="a speed"):
        vb.compress(f, "fast", extent=ureg.Quantity(3, "eV"))


def test_facts_of_archives_may_have_units(beams):
    units = pytest.importorskip("astropy.units")
    with vb.ArchiveWriter(None, "maxwellian") as archive:
        archive.write(0, beams, time=2 * units.min, position=[1, 2, 3] * units.km, magnetic_field=[1, 2, 3] * units.nT)
    record = vb.Archive.from_bytes(archive.getvalue())[0]
    assert record.time == 120 and record.position == (1e3, 2e3, 3e3) and record.magnetic_field == pytest.approx((1e-9, 2e-9, 3e-9))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a: a.assign_coords(vx=np.arange(20.0) ** 1.01), r"vx is not equally spaced: vx\[\d+\] ="),
        (lambda a: a.isel(vx=slice(None, None, -1)), "flip the array"),
        (lambda a: a.rename(vx="v"), "vx, vy and vz are wanted"),
        (lambda a: a.expand_dims("cell"), "select or rename"),
        (lambda a: a.assign_attrs(units="eV"), "'eV'.*phase-space density"),
        (lambda a: a.assign_coords(vx=("vx", a.vx.values, {"units": "eV"})), "vx has the units 'eV'.*a speed"),
        (lambda a: a.where(a.vx > 0), "NaN|finite"),
        (lambda a: a.isel(vx=[3]), "two or more cells"),
    ],
    ids=["irregular", "descending", "names", "dimensions", "density", "speed", "nan", "one cell"],
)
def test_bad_input(labelled, change, words):
    with pytest.raises(ValueError, match=words):
        vb.compress(change(labelled), "fast:l2=0.1")


def test_unknown_bases_are_named(labelled):
    with pytest.raises(ValueError, match="there are maxwellian, hermite"):
        labelled.vdf.fit("hermit")


@pytest.mark.parametrize(
    ("text", "decades", "metres", "seconds"),
    [
        ("m/s", 0, 1, -1), ("m s-1", 0, 1, -1), ("km s^-1", 3, 1, -1), ("km*s**-1", 3, 1, -1), ("kilometer / second", 3, 1, -1),
        ("km s⁻¹", 3, 1, -1), ("cm/s", -2, 1, -1), ("s^3/m^6", 0, -6, 3), ("s3 m-6", 0, -6, 3), ("s^{3} km^{-6}", -18, -6, 3),
        ("s**3 / cm**6", 12, -6, 3), ("second ** 3 / meter ** 6", 0, -6, 3), ("metres/second", 0, 1, -1),
    ],
)  # fmt: skip
def test_units_are_read_as_people_write_them(text, decades, metres, seconds):
    assert parse_units(text) == (decades, {"m": metres, "s": seconds})


@pytest.mark.parametrize("text", ["eV", "km//s", "m^", "v_A", "1/(m s)", "furlong", "m^x"])
def test_other_units_are_none(text):
    assert parse_units(text) is None


def test_the_accessor_is_there_if_xarray_was_imported_first_and_xarray_is_not_imported_else():
    code = "import xarray, vdf_basis; assert hasattr(xarray.DataArray, 'vdf')"
    other = "import sys, vdf_basis; assert not {'xarray', 'zarr', 'matplotlib', 'dask', 'numcodecs'} & set(sys.modules)"
    for each in (code, other):
        subprocess.run([sys.executable, "-c", each], check=True)
