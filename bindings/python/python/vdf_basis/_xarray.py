"""Labelled arrays of xarray, in and out. Imported only where xarray is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._arrays import grid_of_centres
from ._native import Grid

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray

    from ._archive import Record
    from ._distribution import Distribution

AXES = ("vx", "vy", "vz")


def from_dataarray(array: Any, name: str = "f") -> tuple[Any, Grid | None]:
    """Return the values of a labelled array in the order vx, vy, vz, and the grid of its coordinates."""
    dims = tuple(array.dims)
    if sorted(map(str, dims)) != list(AXES):
        raise ValueError(f"{name} has the dimensions {dims}; vx, vy and vz are wanted, in any order: select or rename the others")
    return _with_grid(array.transpose(*AXES))


def _with_grid(ordered: Any) -> tuple[Any, Grid | None]:
    if not all(axis in ordered.coords for axis in AXES):
        return ordered.values, None
    return ordered.values, grid_of_centres(*(ordered.coords[axis].values for axis in AXES))


def from_population(array: Any) -> tuple[Any, Grid | None]:
    """Return the values of a labelled array of many cells, cells first, and the grid of its coordinates."""
    others = [axis for axis in array.dims if axis not in AXES]
    if len(others) != 1:
        raise ValueError(f"X has the dimensions {tuple(array.dims)}; vx, vy, vz and one of cells are wanted")
    ordered = array.transpose(others[0], *AXES)
    return _with_grid(ordered)


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
