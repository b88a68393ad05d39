"""What counts as a distribution: arrays, their grids, and objects that carry both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, SupportsIndex, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from ._native import Grid
from ._units import DENSITY, SPEED, numbers, stripped

if TYPE_CHECKING:
    from ._distribution import Distribution

FloatArray: TypeAlias = npt.NDArray[np.float64]

#: What functions of this package take as a distribution.
DistributionLike: TypeAlias = "Distribution | npt.ArrayLike"

#: A half-width, a pair of edges for all axes, or a pair for each axis.
Extent: TypeAlias = "float | tuple[float, float] | tuple[tuple[float, float], tuple[float, float], tuple[float, float]]"

_AXES = ("vx", "vy", "vz")
#: Relative difference of edges that rounding makes.
_ROUNDING = 1e-12


def as_values(f: object, name: str = "f") -> FloatArray:
    """Return densities as a C-contiguous array of float64 with three axes; ``f`` itself if it is one.

    Raises
    ------
    TypeError
        If ``f`` holds no real numbers, or numbers of more than double precision.
    ValueError
        If ``f`` has not three axes, is empty, or is a masked array with masked values.
    """
    if type(f) is not np.ndarray:
        f = _plain(f, name)
    array = cast("npt.NDArray[Any]", f)
    if array.ndim != 3:
        raise ValueError(
            f"{name} has {array.ndim} axes of shape {array.shape}; a distribution has three, (vx, vy, vz)"
            + ("; take one cell of it at a time" if array.ndim == 4 else "")
        )
    if array.size == 0:
        raise ValueError(f"{name} is empty: its shape is {array.shape}")
    if array.dtype.kind not in "fiu" or array.dtype.itemsize > 8:
        raise TypeError(f"{name} is of dtype {array.dtype}; a distribution holds real numbers of up to 8 bytes" + _hint(array))
    # No copy of what is C-contiguous, aligned and of the machine's byte order.
    return np.require(array, dtype=np.float64, requirements=("C", "A"))


def _hint(array: npt.NDArray[Any]) -> str:
    kind = array.dtype.kind
    if kind == "c":
        return "; take f.real if the imaginary part means nothing"
    if kind in "fO":
        return "; f.astype(float) makes such an array"
    return ""


def _plain(f: object, name: str) -> npt.NDArray[Any]:
    """Return an array of numpy's own class, in SI."""
    f = stripped(f, DENSITY, name)
    if isinstance(f, np.ma.MaskedArray):
        masked = int(np.ma.count_masked(f))  # type: ignore[no-untyped-call]
        if masked:
            raise ValueError(
                f"{name} is a masked array with {masked} of {f.size} values masked, which have no density; "
                "write f.filled(0.0) if they are empty"
            )
        return np.asarray(f.data)
    if f is None or isinstance(f, (str, bytes, bytearray, dict)):
        raise TypeError(f"{name} is {type(f).__name__}; a distribution is an array of three axes")
    try:
        return np.asarray(f)
    except ValueError as problem:
        raise ValueError(f"{name} is no array: {problem}") from None


def resolve(
    f: object, grid: Grid | None = None, extent: Extent | None = None, name: str = "f"
) -> tuple[FloatArray, Grid]:
    """Return densities and their grid.

    The grid is the one given, else that of the extent, else the one that ``f`` carries, else index units.
    """
    if grid is not None and extent is not None:
        raise ValueError("grid and extent are both given; one says all")
    own = None
    if type(f) is not np.ndarray:
        f, own = _carried(f, name)
    values = as_values(f, name)
    if grid is not None:
        if not isinstance(grid, Grid):
            raise TypeError(f"grid is {type(grid).__name__}; vdf_basis.Grid is wanted, or use extent=")
        return values, grid
    shape = cast("tuple[int, int, int]", values.shape)
    if extent is not None:
        return values, grid_of_extent(shape, extent)
    return values, own if own is not None else Grid.unit(shape)


def on_grid(f: object, grid: Grid) -> FloatArray:
    """Return densities on a grid; refuse those of another grid. Arrays without a grid of their own are taken as they are."""
    values, own = resolve(f)
    if values.shape != grid.shape:
        raise ValueError(f"f has the shape {values.shape}, but the grid has {grid.shape}")
    if not same_grid(own, grid) and own != Grid.unit(own.shape):
        raise ValueError(f"f is on {own!r}, but {grid!r} is wanted; resample it")
    return values


def same_grid(one: Grid, other: Grid) -> bool:
    """Return True if two grids are equal within rounding, as those of centres and of edges are."""
    if one == other or one.shape != other.shape:
        return one == other
    return all(
        abs(a - b) <= _ROUNDING * max(abs(low), abs(high)) + _ROUNDING * step
        for low, high, step, ends, theirs in zip(one.lower, one.upper, one.spacing, one.extent, other.extent)
        for a, b in zip(ends, theirs)
    )


def _carried(f: object, name: str) -> tuple[object, Grid | None]:
    """Return the array of an object that has a grid with it, and that grid."""
    own = getattr(f, "grid", None)
    values = getattr(f, "f", None)
    if isinstance(own, Grid) and values is not None:
        return values, own
    if hasattr(f, "dims") and hasattr(f, "coords"):
        from ._xarray import from_dataarray

        return from_dataarray(f, name)
    return f, None


def grid_of_extent(shape: tuple[int, int, int], extent: Extent) -> Grid:
    """Return the grid of a shape between the edges of its box.

    Parameters
    ----------
    shape : (int, int, int)
        Cells along vx, vy and vz.
    extent : float, (float, float) or three pairs of float
        ``v`` for -v to v along every axis, ``(lower, upper)`` for every axis, or such a pair for each axis: outer edges
        of the box, not centres of cells.

    Examples
    --------
    >>> from vdf_basis import Grid
    >>> from vdf_basis._arrays import grid_of_extent
    >>> grid_of_extent((50, 50, 50), 2e6).spacing
    (80000.0, 80000.0, 80000.0)
    """
    plain = numbers(extent, SPEED, "extent")
    try:
        edges = np.asarray(plain, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"extent = {extent!r} is not allowed: {_EXTENTS}") from None
    if edges.ndim == 0:
        edges = np.array([-edges, edges])
    if edges.shape == (2,):
        edges = np.tile(edges, (3, 1))
    if edges.shape != (3, 2):
        flat = "; six numbers in a row could be meant in two ways" if edges.shape == (6,) else ""
        raise ValueError(f"extent = {extent!r} is not allowed: {_EXTENTS}{flat}")
    lower, upper = edges.T.tolist()
    return Grid.from_edges(shape, (lower[0], lower[1], lower[2]), (upper[0], upper[1], upper[2]))


_EXTENTS = "a half-width v, a pair (lower, upper), or three pairs ((x0, x1), (y0, y1), (z0, z1))"


def grid_of_centres(vx: npt.ArrayLike, vy: npt.ArrayLike, vz: npt.ArrayLike) -> Grid:
    """Return the grid whose cells have these centres, which must be equally spaced and ascending.

    Parameters
    ----------
    vx, vy, vz : array_like of shape (n,)
        Centres of two or more cells along each axis.

    Returns
    -------
    Grid

    Raises
    ------
    ValueError
        If centres are not equally spaced to a part in 10,000 of the spacing, saying where.
    """
    lower, spacing, shape = [], [], []
    for axis, centres in zip(_AXES, (vx, vy, vz)):
        first, step, count = _uniform(axis, np.asarray(numbers(centres, SPEED, axis), dtype=np.float64))
        lower.append(first - 0.5 * step)
        spacing.append(step)
        shape.append(count)
    return Grid((shape[0], shape[1], shape[2]), (lower[0], lower[1], lower[2]), (spacing[0], spacing[1], spacing[2]))


def _uniform(axis: str, centres: FloatArray) -> tuple[float, float, int]:
    if centres.ndim != 1 or centres.size < 2:
        raise ValueError(
            f"{axis} has the shape {centres.shape}; the centres of two or more cells are wanted, since one does not say how wide it is"
        )
    if not np.isfinite(centres).all():
        raise ValueError(f"{axis} holds {centres[~np.isfinite(centres)][0]}")
    step = float(centres[-1] - centres[0]) / (centres.size - 1)
    if step <= 0:
        raise ValueError(f"{axis} runs from {centres[0]} to {centres[-1]}; ascending centres are wanted: flip the array along it")
    ideal = centres[0] + step * np.arange(centres.size)
    off = np.abs(centres - ideal)
    worst = int(off.argmax())
    if off[worst] > 1e-4 * step:
        raise ValueError(
            f"{axis} is not equally spaced: {axis}[{worst}] = {centres[worst]}, where {ideal[worst]} would be with the spacing {step}; "
            "interpolate to a uniform grid first"
        )
    return float(centres[0]), step, centres.size


def as_index(value: SupportsIndex, name: str) -> int:
    """Return a whole number of Python, of whatever integer type; refuse a negative one."""
    import operator

    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} = {value!r} is {type(value).__name__}; a whole number is wanted") from None
    if number < 0:
        raise ValueError(f"{name} = {number} is not allowed: 0 or more")
    return number
