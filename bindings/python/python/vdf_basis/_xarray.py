"""Labelled arrays of xarray, in and out. Imported only where xarray is wanted."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from ._arrays import grid_of_centres, same_grid
from ._like import QuantityLike
from ._native import Grid
from ._units import DENSITY, SPEED, decades_of, is_quantity, numbers, scaled

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray

    from ._archive import Record
    from ._distribution import Distribution

AXES = ("vx", "vy", "vz")


def from_dataarray(array: Any, name: str = "f") -> tuple[Any, Grid | None]:
    """Return the values of a labelled array in the order vx, vy, vz, and the grid of its coordinates, both in SI."""
    dims = tuple(array.dims)
    if sorted(map(str, dims)) != list(AXES):
        raise ValueError(f"{name} has the dimensions {dims}; vx, vy and vz are wanted, in any order: select or rename the others")
    ordered = array.transpose(*AXES)
    return numbers(ordered, DENSITY, name), grid_of_coordinates(ordered)


def grid_of_coordinates(array: Any) -> Grid | None:
    """Return the grid of the coordinates vx, vy and vz in m/s; None where one is missing."""
    if not all(axis in array.coords for axis in AXES):
        return None
    return grid_of_centres(*(array.coords[axis] for axis in AXES))


def from_population(array: Any) -> tuple[Any, Grid | None]:
    """Return the values of a labelled array of many cells, cells first, and the grid of its coordinates."""
    others = [axis for axis in array.dims if axis not in AXES]
    if len(others) != 1:
        raise ValueError(f"X has the dimensions {tuple(array.dims)}; vx, vy, vz and one of cells are wanted")
    ordered = array.transpose(others[0], *AXES)
    return numbers(ordered, DENSITY, "X"), grid_of_coordinates(ordered)


@dataclasses.dataclass(frozen=True)
class DataArrayLike:
    """Dimensions, coordinates, units and attributes of a labelled array, without its values."""

    dims: tuple[Any, ...]
    coords: xarray.Dataset
    attrs: dict[str, Any]
    name: Any
    quantity: QuantityLike | None

    @classmethod
    def of(cls, array: Any) -> DataArrayLike:
        """Return those of an array."""
        quantity = QuantityLike.of(array.data) if is_quantity(array.data) else None
        return cls(array.dims, array.coords.to_dataset(), dict(array.attrs), array.name, quantity)

    def dress(self, values: Any, grid: Grid) -> xarray.DataArray:
        """Return densities in SI as such an array.

        Coordinates are those of the grid. Others are kept where they still fit, such as a time without a dimension.
        """
        import xarray

        own = grid_of_coordinates(self.coords)
        same = same_grid(grid, Grid.unit(grid.shape) if own is None else own)
        coordinates: dict[Any, Any] = {} if same else {axis: self._axis(axis, grid) for axis in AXES}
        for name, coordinate in self.coords.coords.items():
            if not coordinate.dims or (same and set(coordinate.dims) <= set(AXES)):
                coordinates[name] = coordinate
        if self.quantity is not None:
            data = self.quantity.dress(values, grid)
        else:
            data = scaled(values, -decades_of(self.attrs.get("units"), DENSITY, "f"))
        found = xarray.DataArray(data, dims=AXES, coords=coordinates, name=self.name, attrs=self.attrs)
        return found.transpose(*(axis for axis in self.dims if axis in AXES))

    def _axis(self, axis: str, grid: Grid) -> tuple[str, Any, dict[str, Any]]:
        attrs = dict(self.coords[axis].attrs) if axis in self.coords else {"units": "m/s"}
        centres = grid.centres[AXES.index(axis)]
        return axis, scaled(centres, -decades_of(attrs.get("units"), SPEED, axis)), attrs


def to_dataarray(distribution: Distribution) -> xarray.DataArray:
    """Return a labelled array of a distribution."""
    import xarray

    attrs: dict[str, Any] = {"units": "s^3 m^-6", "long_name": "phase-space density"}
    known = {name: getattr(distribution, name) for name in ("cell", "population", "time", "position", "magnetic_field")}
    attrs.update({name: value for name, value in known.items() if value is not None})
    return xarray.DataArray(
        distribution.f, coords=_coordinates(distribution.grid), dims=AXES, name="f", attrs=attrs
    )


def stacked(records: Sequence[Record]) -> xarray.DataArray:
    """Return the densities of several cells as a labelled array of four axes.

    Facts that all cells have are coordinates: ``time``, the position ``x``, ``y``, ``z``, and the field ``Bx``, ``By``, ``Bz``.
    """
    import xarray

    if not records:
        raise ValueError("there are no cells to put together")
    grid = records[0].grid
    if other := next((record for record in records if record.grid != grid), None):
        raise ValueError(f"cell {other.cell} is on another grid than cell {records[0].cell}: {other.grid!r}, {grid!r}")
    facts: dict[str, Any] = {"cell": [record.cell for record in records]}
    if all(record.time is not None for record in records):
        facts["time"] = ("cell", [record.time for record in records], {"units": "s"})
    for name, components, unit in (("position", ("x", "y", "z"), "m"), ("magnetic_field", ("Bx", "By", "Bz"), "T")):
        values = [getattr(record, name) for record in records]
        if all(value is not None for value in values):
            columns = zip(components, zip(*values))
            facts.update({component: ("cell", list(column), {"units": unit}) for component, column in columns})
    return xarray.DataArray(
        np.stack([record.f for record in records]),
        coords={**facts, **_coordinates(grid)},
        dims=("cell", *AXES),
        name="f",
        attrs={"units": "s^3 m^-6", "long_name": "phase-space density", "population": records[0].population},
    )


def _coordinates(grid: Grid) -> dict[str, Any]:
    return {axis: (axis, centres, {"units": "m/s"}) for axis, centres in zip(AXES, grid.centres)}
