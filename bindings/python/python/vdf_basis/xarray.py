"""Accessor ``vdf`` of labelled arrays: ``da.vdf.moments()``, ``da.vdf.fit("hermite", order=15)``, ``da.vdf.plot()``.

``import vdf_basis.xarray`` registers it; so does ``import vdf_basis`` after ``import xarray``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray

from . import _functions, _models, _transforms
from ._arrays import resolve
from ._distribution import Distribution
from ._like import like
from ._results import Fidelity, Moments
from ._units import SPEED, decades_of, is_quantity, scaled, vector
from ._xarray import AXES, grid_of_coordinates

if TYPE_CHECKING:
    from ._model import Model
    from ._native import Grid, LearntPca

__all__ = ["VdfAccessor"]

_MODELS: dict[str, type[Model]] = {
    "maxwellian": _models.Maxwellian,
    "hermite": _models.Hermite,
    "spherical": _models.SphericalHarmonics,
    "mixture": _models.Mixture,
    "octree": _transforms.Octree,
    "cosine": _transforms.Cosine,
    "wavelet": _transforms.Wavelet,
    "pca": _transforms.PCA,
}
_COMPONENTS = ["x", "y", "z"]


@xarray.register_dataarray_accessor("vdf")  # type: ignore[no-untyped-call]
class VdfAccessor:
    """Methods of labelled arrays with the dimensions vx, vy and vz.

    Units are those of ``attrs["units"]`` or of quantities of pint, and are m/s and s^3 m^-6 where none are given.

    Examples
    --------
    >>> import vdf_basis as vb, vdf_basis.xarray
    >>> f = vb.synthetic("beams", cells=24).to_xarray()
    >>> f.vdf.fit("mixture", n_components=2).weights_.round(2)
    array([0.7, 0.3])
    >>> float(f.vdf.moments().density.round(-3)), f.vdf.moments().bulk_velocity.units
    (1000000.0, 'm/s')
    """

    def __init__(self, array: xarray.DataArray) -> None:
        self._array = array

    @property
    def grid(self) -> Grid | None:
        """The velocity grid in m/s; None without coordinates."""
        return grid_of_coordinates(self._array)

    def distribution(self) -> Distribution:
        """Return the densities in SI with their grid, axes vx, vy, vz."""
        values, grid = resolve(self._array)
        return Distribution(values, grid)

    def compress(self, spec: str | LearntPca, *, threshold: float | None = None) -> bytes:
        """Return the stream; see `vdf_basis.compress`."""
        return _functions.compress(self._array, spec, threshold=threshold)

    def roundtrip(self, spec: str) -> xarray.DataArray:
        """Return what is decoded of the stream of a spec, labelled as this array is."""
        found = like(self._array)
        assert found is not None
        values, grid = resolve(self._array)
        dressed: xarray.DataArray = found.dress(_functions.expand(values, spec, grid=grid).reconstruct(), grid)
        return dressed

    def compare(self, reconstruction: Any, *, floor: float | None = None) -> Fidelity:
        """Return the errors of a reconstruction; see `vdf_basis.compare`."""
        return _functions.compare(self._array, reconstruction, floor=floor)

    def fit(self, basis: str, *, B: Any = None, **parameters: Any) -> Model:
        """Return a basis fitted to this distribution.

        Parameters
        ----------
        basis : str
            ``"maxwellian"``, ``"hermite"``, ``"spherical"``, ``"mixture"``, ``"octree"``, ``"cosine"``, ``"wavelet"`` or
            ``"pca"``.
        B : three numbers, quantity or xarray.DataArray, optional
            Magnetic field along which Hermite functions, spherical harmonics and mixtures have an axis.
        **parameters
            Of the class.
        """
        if basis not in _MODELS:
            raise ValueError(f"there is no basis {basis!r} to fit; there are {', '.join(_MODELS)}")
        if B is not None:
            parameters = {**_along(basis), **parameters, "field": tuple(vector(B, None, "B").tolist())}
        return _MODELS[basis](**parameters).fit(self._array)

    def moments(self, *, B: Any = None) -> xarray.Dataset:
        """Return the moments of every distribution: of dimensions besides vx, vy and vz there may be any number.

        Parameters
        ----------
        B : three numbers, quantity or xarray.DataArray, optional
            Magnetic field, for the pressures along and across it: one vector, or one for each distribution with the
            dimensions of this array and one of three components.

        Returns
        -------
        xarray.Dataset
            ``density``, ``bulk_velocity``, ``pressure``, ``heat_flux`` and ``thermal_speed``; with ``B`` also
            ``pressure_parallel`` and ``pressure_perpendicular``. Speeds are in the units of the coordinates, the rest in SI
            per unit mass. Quantities of pint come back as such.
        """
        others = tuple(axis for axis in self._array.dims if axis not in AXES)
        found = [_functions.moments(self._array.isel(place)) for place in self._places(others)]
        sizes = tuple(self._array.sizes[axis] for axis in others)
        kept = {name: value for name, value in self._array.coords.items() if set(value.dims) <= set(others)}
        dataset = xarray.Dataset(coords={**kept, "component": _COMPONENTS})
        for name, (values, dims, units) in self._tables(found, B, others).items():
            array = values.reshape((*sizes, *values.shape[1:]))
            dataset[name] = ((*others, *dims), array, {"units": units} if units else {})
        return self._as_quantities(dataset)

    def plot(self, *reconstructions: Any, **options: Any) -> Any:
        """Draw slices through this distribution, and through reconstructions; see `vdf_basis.plot.slices`."""
        from .plot import slices

        return slices(self._array, *reconstructions, **options)

    def _places(self, others: tuple[Any, ...]) -> Iterator[dict[Any, int]]:
        for index in np.ndindex(*(self._array.sizes[axis] for axis in others)):
            yield dict(zip(others, index))

    def _tables(self, found: list[Moments], B: Any, others: tuple[Any, ...]) -> dict[str, tuple[Any, tuple[str, ...], str]]:
        """Values, dimensions and units of each moment."""
        speeds = str(self._array.coords["vx"].attrs.get("units", "")) if "vx" in self._array.coords else ""
        physical = bool(speeds) or "units" in self._array.attrs or is_quantity(self._array.data)
        speeds = speeds or ("m/s" if physical else "")
        back = -decades_of(speeds, SPEED, "vx")
        density, pressure, flux = ("m^-3", "m^-1 s^-2", "s^-3") if physical else ("", "", "")
        p = np.array([each.pressure for each in found])
        tables = {
            "density": (np.array([each.density for each in found]), (), density),
            "bulk_velocity": (scaled(np.array([each.bulk_velocity for each in found]), back), ("component",), speeds),
            "thermal_speed": (scaled(np.array([each.thermal_speed for each in found]), back), (), speeds),
            "pressure": (p, ("component", "component_"), pressure),
            "heat_flux": (np.array([each.heat_flux for each in found]), ("component",), flux),
        }
        if B is not None:
            b = self._directions(B, others, len(found))
            along = np.einsum("ni,nij,nj->n", b, p, b)
            tables["pressure_parallel"] = (along, (), pressure)
            tables["pressure_perpendicular"] = ((np.trace(p, axis1=1, axis2=2) - along) / 2, (), pressure)
        return tables

    def _directions(self, B: Any, others: tuple[Any, ...], count: int) -> Any:
        """Unit vectors along the magnetic field, one a distribution."""
        dims = getattr(B, "dims", ())
        if len(dims) > 1:
            components = [axis for axis in dims if axis not in others]
            if len(components) != 1 or B.sizes[components[0]] != 3 or set(others) - set(dims):
                raise ValueError(f"B has the dimensions {tuple(dims)}; {(*others, 'component')} are wanted, or one vector")
            rows = B.transpose(*others, components[0]).values.reshape(-1, 3)
        else:
            rows = np.tile(vector(B, None, "B"), (count, 1))
        length = np.linalg.norm(rows, axis=1, keepdims=True)
        if not (length > 0).all():
            raise ValueError("B vanishes, so that it has no direction")
        return rows / length

    def _as_quantities(self, dataset: xarray.Dataset) -> xarray.Dataset:
        if not is_quantity(self._array.data):
            return dataset
        kind = type(self._array.data)
        for name, array in dataset.data_vars.items():
            # pint and astropy write powers with two stars.
            units = str(array.attrs.get("units", "")).replace("^", "**").replace(" s", " * s")
            dataset[name] = (array.dims, kind(array.values, units))
        return dataset


def _along(basis: str) -> dict[str, Any]:
    """Parameters by which a basis uses a field."""
    kinds: dict[str, dict[str, Any]] = {
        "hermite": {"frame": "field-aligned"},
        "mixture": {"covariance": "field-aligned"},
        "spherical": {},
    }
    if basis not in kinds:
        raise ValueError(f"B is not allowed with {basis!r}, which has no direction; {', '.join(kinds)} take it")
    return kinds[basis]
