"""Populations that are larger than a machine, as arrays of Dask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from dask.delayed import delayed

from ._native import Grid, PcaAccumulator
from ._population_pca import PopulationPCA

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["population_pca"]


def population_pca(
    array: Any,
    n_components: int,
    *,
    values: str = "linear",
    floor: float | None = None,
    grid: Grid | None = None,
    directions: int | None = None,
    tolerance: float | None = None,
    fan_in: int = 8,
) -> Any:
    """Return the task that learns the principal components of a population.

    Each chunk is taken in by an accumulator where it is; accumulators are merged in a tree of fixed shape, so that the result does
    not depend on the number of workers.

    Parameters
    ----------
    array : dask.array.Array or xarray.DataArray of shape (n, nx, ny, nz)
        The population. Its chunks hold whole velocity grids.
    n_components : int
        Components to learn.
    values, floor, grid, directions, tolerance
        As for `PopulationPCA`; the floor of ``values="log10"`` must be given, since no worker sees all densities. ``directions``
        bounds the memory of an accumulator, which else grows with the population.
    fan_in : int
        Accumulators that are merged by one task.

    Returns
    -------
    dask.delayed.Delayed
        Its ``compute()`` gives a `PopulationPCA`.

    Examples
    --------
    >>> import dask.array, numpy as np, vdf_basis as vb
    >>> from vdf_basis.dask import population_pca
    >>> cells = np.stack([cell.f for cell in vb.synthetic_population("shock", 12, cells=12)])
    >>> population_pca(dask.array.from_array(cells, chunks=(4, -1, -1, -1)), 3).compute().components_.shape
    (3, 1296)
    """
    if hasattr(array, "dims") and hasattr(array, "coords"):
        from ._xarray import AXES, grid_of_coordinates

        grid = grid_of_coordinates(array) if grid is None else grid
        array = array.transpose(..., *AXES).data
    if array.ndim != 4 or any(len(parts) != 1 for parts in array.chunks[1:]):
        raise ValueError(
            f"the array has the shape {array.shape} in chunks {array.chunks}; (n, nx, ny, nz) in chunks of whole velocity grids "
            'are wanted: write array.rechunk({0: "auto", 1: -1, 2: -1, 3: -1})'
        )
    if values == "log10" and floor is None:
        raise ValueError('values="log10" needs a floor here: a millionth of the highest density of the population, for example')
    if fan_in < 2:
        raise ValueError(f"fan_in = {fan_in} is not allowed: 2 or more")
    grid = Grid.unit(array.shape[1:]) if grid is None else grid
    gather, merge = delayed(_gather, pure=True), delayed(_merge, pure=True)
    level = [gather(chunk, grid, values, floor, directions) for chunk in array.to_delayed().ravel()]
    while len(level) > 1:
        level = [merge(level[k : k + fan_in]) for k in range(0, len(level), fan_in)]
    return delayed(_learn, pure=True)(level[0], n_components, tolerance, directions)


def _gather(
    cells: npt.NDArray[Any], grid: Grid, values: str, floor: float | None, directions: int | None
) -> PcaAccumulator:
    accumulator = PcaAccumulator(grid, values, floor, directions)
    for cell in np.asarray(cells):
        accumulator.add(cell)
    return accumulator


def _merge(parts: list[PcaAccumulator]) -> PcaAccumulator:
    # A copy: Dask may give the first part to another task again.
    whole = PcaAccumulator.from_bytes(parts[0].to_bytes())
    for part in parts[1:]:
        whole.merge(part)
    return whole


def _learn(
    accumulator: PcaAccumulator, n_components: int, tolerance: float | None, directions: int | None
) -> PopulationPCA:
    return PopulationPCA.from_accumulator(
        accumulator, n_components=n_components, tolerance=tolerance, directions=directions
    )
