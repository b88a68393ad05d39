"""Distributions known in closed form, to try things on."""

from __future__ import annotations

from collections.abc import Iterator

from . import _native
from ._arrays import Extent, grid_of_extent
from ._distribution import Distribution
from ._native import Grid

__all__ = ["synthetic", "synthetic_names", "synthetic_population"]

_SHOCK = "shock"


def synthetic(
    name: str,
    *,
    cells: int = 50,
    seed: int = 0,
    grid: Grid | None = None,
    extent: Extent | None = None,
    average: int | None = None,
    threshold: float | None = None,
    noise: float = 0.0,
    ripple: float = 0.0,
    noise_seed: int = 0,
) -> Distribution:
    """Return a named distribution of a space plasma in SI units.

    Parameters
    ----------
    name : str
        One of `synthetic_names`.
    cells : int
        Cells along the longest edge of the grid that suits the distribution; not used with ``grid``.
    seed : int
        0 for the parameters of the catalogue, any other number for a variation.
    grid : Grid, optional
        Another grid.
    extent : optional
        Another box of ``cells`` cells along every axis, as for `compress`.
    average : int, optional
        Values are the means over the cells, by Gauss-Legendre quadrature with so many points an axis, in place of those at
        the centres.
    threshold : float, optional
        Densities below it are zero, as outside the blocks that Vlasiator stores.
    noise, ripple : float
        Largest relative error of a cell, and largest error as a fraction of the peak.
    noise_seed : int
        Seed of both.

    Returns
    -------
    Distribution

    Examples
    --------
    >>> import vdf_basis as vb
    >>> vb.synthetic("crescent", cells=30).shape
    (30, 27, 26)
    """
    if grid is not None and extent is not None:
        raise ValueError("grid and extent are both given; one says all")
    if extent is not None:
        grid = grid_of_extent((cells, cells, cells), extent)
    if grid is None:
        grid = _native.synthetic_grid(name, cells)
    errors = (noise, ripple, noise_seed) if noise or ripple else None
    values = _native.synthetic(name, seed, grid, average, threshold, errors)
    return Distribution(values, grid, attrs={"name": name, "seed": seed})


def synthetic_names() -> list[str]:
    """Return the names that `synthetic` knows.

    Examples
    --------
    >>> import vdf_basis as vb
    >>> vb.synthetic_names()[:3]
    ['maxwellian', 'bi-maxwellian', 'beams']
    """
    return _native.synthetic_names()


def synthetic_population(
    name: str = _SHOCK, count: int = 24, *, cells: int = 40, seed: int = 0
) -> Iterator[Distribution]:
    """Return many related distributions on one grid, each made when it is asked for.

    Parameters
    ----------
    name : str
        ``"shock"`` for a walk through a collisionless shock, or a name of `synthetic_names` for its variations.
    count : int
        Their number.
    cells : int
        Cells along the longest edge of the grid.
    seed : int
        Of a shock 0 for a smooth walk, any other number for cells that each vary by 10%; else the first seed.

    Returns
    -------
    iterator of Distribution

    Examples
    --------
    >>> import vdf_basis as vb
    >>> [cell.cell for cell in vb.synthetic_population("shock", 3, cells=10)]
    [0, 1, 2]
    """
    shocked = name == _SHOCK
    grid = _native.shock_grid(count, seed, cells) if shocked else _native.synthetic_grid(name, cells)

    def member(index: int) -> Distribution:
        if shocked:
            values = _native.shock(count, seed, index, grid)
        else:
            values = _native.synthetic(name, seed + index, grid)
        return Distribution(values, grid, cell=index, attrs={"name": name})

    return (member(index) for index in range(count))
