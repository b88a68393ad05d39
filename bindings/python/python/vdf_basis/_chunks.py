"""Chunks of several distributions as bytes: what the codecs of Zarr and of numcodecs share.

A chunk is an archive: cell k is the k-th distribution of the chunk, in C order. Distributions that are the fill value
throughout are left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from . import _native
from ._archive import Archive
from ._archive_writer import ArchiveWriter
from ._native import Grid, StreamError

#: Name of the population in the archives of chunks.
_POPULATION = "f"
#: Spec of distributions that are zero throughout, which many bases refuse.
_ZEROS = "lossless"


def encode_cells(
    cells: npt.NDArray[Any], spec: str, *, grid: Grid | None = None, group: int | None = None, fill: Any = None
) -> bytes:
    """Return the bytes of distributions.

    Parameters
    ----------
    cells : ndarray of shape (..., nx, ny, nz)
        The distributions.
    spec : str
        Basis and bound.
    grid : Grid, optional
        The velocity grid; index units by default.
    group : int, optional
        Distributions coded together; 32 by default.
    fill : float, optional
        Distributions that equal it throughout are left out.
    """
    if cells.ndim < 3:
        raise ValueError(f"a chunk of shape {cells.shape} holds no distribution: its last three axes must be vx, vy, vz")
    shape = cast("tuple[int, int, int]", cells.shape[-3:])
    grid = Grid.unit(shape) if grid is None else grid
    if grid.shape != shape:
        raise ValueError(f"a chunk of shape {cells.shape} holds no distributions on a grid of {grid.shape} cells")
    # One thread a chunk: Zarr and Dask encode several chunks at a time.
    with ArchiveWriter(None, spec, population=_POPULATION, group=group, threads=1) as archive:
        zeros = []
        for number, cell in enumerate(cells.reshape(-1, *shape)):
            if fill is not None and _is_all(cell, fill):
                continue
            if not cell.any():
                zeros.append(number)
                continue
            archive.write(number, cell, grid=grid)
        for number in zeros:
            archive.write(number, np.zeros(shape), grid=grid, spec=_ZEROS)
        return archive.getvalue()


def decode_cells(
    data: bytes, *, shape: tuple[int, ...] | None = None, dtype: npt.DTypeLike = np.float64, fill: Any = None
) -> npt.NDArray[Any]:
    """Return the distributions that bytes hold.

    Parameters
    ----------
    data : bytes
        What `encode_cells` returned.
    shape : tuple of int, optional
        Shape of the chunk; by default (n, nx, ny, nz).
    dtype : dtype
        Type of the densities.
    fill : float, optional
        Value of distributions that were left out.

    Raises
    ------
    StreamError
        For bytes that are damaged, or hold other distributions than the chunk.
    """
    archive = Archive.from_bytes(data, max_cells=None if shape is None else int(np.prod(shape[-3:])))
    if archive.is_recovered:
        raise StreamError("the chunk is cut or damaged: the index of its cells is missing")
    if archive.lost_cells:
        raise StreamError(f"the chunk is damaged: {archive.lost_cells} of its cells cannot be read")
    numbers = archive.cells
    if shape is None:
        if sorted(numbers) != list(range(len(numbers))) or not numbers:
            raise StreamError("cells are missing in the chunk, so that the shape of the array must be known")
        grids = [each.grid for each in archive.info.sets]
        # A few bytes could claim many large cells.
        if len(numbers) * max(grid.size for grid in grids) > _native.MAX_CELLS:
            raise StreamError(f"the chunk holds {len(numbers)} cells of {grids[0].shape}, more than {_native.MAX_CELLS} values")
        shape = (len(numbers), *grids[0].shape)
    cells = np.full(shape, 0.0 if fill is None else fill, dtype=dtype).reshape(-1, *shape[-3:])
    if outside := [number for number in numbers if number >= len(cells)]:
        raise StreamError(f"the chunk has {len(cells)} cells, but its bytes hold cell {outside[0]}")
    for record in archive.values():
        if record.grid.shape != cells.shape[1:]:
            raise StreamError(f"cell {record.cell} of the chunk has the shape {record.grid.shape}, not {cells.shape[1:]}")
        cells[record.cell] = record.f
    return cells.reshape(shape)


def _is_all(cell: npt.NDArray[Any], value: Any) -> bool:
    """Return True if all densities equal the value, or are NaN if it is."""
    return bool((np.isnan(cell) if np.isnan(value) else cell == value).all())


def check_spec(spec: object) -> str:
    """Return a spec, if it exists."""
    if not isinstance(spec, str):
        raise TypeError(f"spec is {type(spec).__name__}; text such as \"fast:l2=0.03\" is wanted")
    _native.normalise_spec(spec)
    return spec


def check_group(group: object) -> int | None:
    """Return the number of distributions coded together, if it is one."""
    if group is None or (isinstance(group, int) and not isinstance(group, bool) and group >= 1):
        return group
    raise ValueError(f"group = {group!r} is not allowed: a number of distributions, 1 or more, or None")


def grid_to_json(grid: Grid) -> dict[str, Any]:
    """Return a grid as JSON has it; numbers come back to the last bit."""
    return {"shape": list(grid.shape), "lower": list(grid.lower), "spacing": list(grid.spacing)}


def grid_from_json(data: Grid | Mapping[str, Any] | None) -> Grid | None:
    """Return the grid of its JSON form."""
    if data is None or isinstance(data, Grid):
        return data
    if not isinstance(data, Mapping) or set(data) != {"shape", "lower", "spacing"}:
        raise ValueError(f"grid = {json.dumps(data, default=str)} is not allowed: shape, lower and spacing are wanted")
    return Grid(data["shape"], data["lower"], data["spacing"])


class SaysWhereItGoes(type):
    """Type of the codec classes: their name in an error message says how to use them.

    Zarr refuses a codec in the wrong place with ``Got {type(codec)} instead``, and leaves no other way to explain.
    """

    #: What to write.
    _usage = ""

    def __repr__(cls) -> str:
        plain = super().__repr__()
        return f"{plain} ({cls._usage})" if cls._usage else plain
