"""Densities together with their grid and what is known about the cell."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _functions
from ._arrays import FloatArray, as_values
from ._native import Grid
from ._results import Moments

if TYPE_CHECKING:
    import numpy.typing as npt
    import xarray


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Distribution:
    """Phase-space densities on a velocity grid, and what is known about the cell they belong to.

    Every function of this package takes one in place of an array, and takes the grid from it. ``numpy.asarray`` gives its
    densities.

    Parameters
    ----------
    f : array_like of shape (nx, ny, nz)
        Densities at the centres of the cells, axes vx, vy, vz.
    grid : Grid
        The velocity grid.
    cell : int, optional
        Number of the spatial cell.
    population : str, optional
        Name of the population.
    time : float, optional
        Time of the simulation [s].
    position : (float, float, float), optional
        Centre of the spatial cell [m].
    magnetic_field : (float, float, float), optional
        Magnetic field in the cell [T].
    attrs : dict, optional
        Anything else.

    Examples
    --------
    >>> import numpy as np, vdf_basis as vb
    >>> beams = vb.synthetic("beams", cells=20)
    >>> beams
    <Distribution: 20 x 16 x 16 cells, vx -1.5e+06 to 1.5e+06, vy -1.2e+06 to 1.2e+06, vz -1.2e+06 to 1.2e+06>
    >>> np.asarray(beams).shape
    (20, 16, 16)
    >>> round(beams.moments().density / 1e6, 2)
    1.0
    """

    f: FloatArray
    grid: Grid
    cell: int | None = None
    population: str | None = None
    time: float | None = None
    position: tuple[float, float, float] | None = None
    magnetic_field: tuple[float, float, float] | None = None
    attrs: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        values = as_values(self.f)
        if values.shape != self.grid.shape:
            raise ValueError(f"f has the shape {values.shape}, but the grid has {self.grid.shape}")
        object.__setattr__(self, "f", values)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Cells along vx, vy and vz."""
        return self.grid.shape

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        if copy:
            return np.array(self.f, dtype=dtype)
        converted = np.asarray(self.f, dtype=dtype)
        if copy is False and converted is not self.f:
            raise ValueError(f"densities are float64; to have them as {dtype} takes a copy")
        return converted

    def moments(self) -> Moments:
        """Return density, bulk velocity, pressure and heat flux."""
        return _functions.moments(self)

    def compress(self, spec: str, *, threshold: float | None = None) -> bytes:
        """Return the stream of these densities; see `vdf_basis.compress`."""
        return _functions.compress(self, spec, threshold=threshold)

    def to_xarray(self) -> xarray.DataArray:
        """Return a labelled array with the coordinates ``vx``, ``vy`` and ``vz``; needs xarray."""
        from ._xarray import to_dataarray

        return to_dataarray(self)

    def __repr__(self) -> str:
        nx, ny, nz = self.grid.shape
        edges = ", ".join(
            f"{axis} {lower:g} to {upper:g}" for axis, (lower, upper) in zip(("vx", "vy", "vz"), self.grid.extent)
        )
        about = f" of cell {self.cell}" if self.cell is not None else ""
        return f"<Distribution{about}: {nx} x {ny} x {nz} cells, {edges}>"
