"""Distributions of Vlasiator: its files, and the dictionaries that analysator reads from them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import SupportsIndex

import numpy as np

from ._arrays import as_index
from ._distribution import Distribution
from ._native import Grid, VlsvFile

__all__ = ["VlsvFile", "from_blocks", "from_vlsv"]


def from_vlsv(
    path: str | os.PathLike[str] | VlsvFile,
    cell: SupportsIndex,
    population: str = "proton",
    box: int | str | None = None,
) -> Distribution:
    """Return the distribution of a cell of a VLSV file.

    Parameters
    ----------
    path : str, os.PathLike or VlsvFile
        The file. To read many cells, open it once: ``VlsvFile(path)``.
    cell : int
        Number of the spatial cell.
    population : str
        Name of the population; ``"avgs"`` if the file has no names.
    box : int, "whole" or None
        None for the box around the stored blocks; a number n for the cells ``peak - n`` to ``peak + n - 1`` along each axis
        about the highest density, as ``extract_vdf(file, cell, n)`` takes them; ``"whole"`` for the whole velocity mesh.

    Returns
    -------
    Distribution
        Densities [s^3 m^-6], in metres per second, with time, position and magnetic field where the file has them;
        ``attrs`` has what else the file says.

    Raises
    ------
    StreamError
        For a file that is cut, damaged, or of a kind that is not read.
    ValueError
        For a cell or a population that is not there, with what is.
    """
    file = path if isinstance(path, VlsvFile) else VlsvFile(Path(path))
    if isinstance(box, str) and box != "whole":
        raise ValueError(f"box = {box!r} is not allowed: a number of cells about the peak, \"whole\", or None")
    half = None if box is None or isinstance(box, str) else as_index(box, "box")
    number = as_index(cell, "cell")
    values, grid, facts = file._read(number, population, half, box == "whole")
    time, position, field = (facts.pop(name) for name in ("time", "position", "magnetic_field"))
    return Distribution(
        values,
        grid,
        number,
        population,
        time,
        None if position is None else tuple(position),
        None if field is None else tuple(field),
        {name: value for name, value in facts.items() if value is not None},
    )


def from_blocks(
    cells: Mapping[int, float],
    mesh_size: Sequence[int],
    extent: Sequence[float],
    *,
    block_size: int | Sequence[int] = 4,
    whole: bool = False,
) -> Distribution:
    """Return a distribution from the dictionary of velocity cells that analysator reads.

    Velocity cell ``id`` lies in block ``id // w**3`` at place ``id % w**3``, w the width of a block; in both numbers vx runs
    fastest.

    Parameters
    ----------
    cells : mapping of int to float
        Densities by velocity cell, as ``VlsvReader(file).read_velocity_cells(cellid, pop)`` gives them.
    mesh_size : three ints
        Blocks of the velocity mesh along each axis: ``get_velocity_mesh_size(pop)``.
    extent : six floats
        Edges of the mesh, (vx0, vy0, vz0, vx1, vy1, vz1) [m/s]: ``get_velocity_mesh_extent(pop)``.
    block_size : int or three ints
        Cells along each edge of a block: ``get_velocity_block_size(pop)``.
    whole : bool
        Return the whole mesh in place of the box around the blocks that are there.

    Returns
    -------
    Distribution

    Examples
    --------
    >>> import vdf_basis as vb
    >>> found = vb.from_blocks({64: 1.0, 65: 2.0}, (2, 1, 1), (-4.0, -2.0, -2.0, 4.0, 2.0, 2.0))
    >>> found.shape, found.grid.lower, found.f[:, 0, 0]
    ((4, 4, 4), (0.0, -2.0, -2.0), array([1., 2., 0., 0.]))
    """
    w = _width(block_size)
    blocks = np.asarray(mesh_size)
    edges = np.asarray(extent, dtype=np.float64)
    if blocks.shape != (3,) or blocks.dtype.kind not in "iu" or (blocks < 1).any():
        raise ValueError(f"mesh_size = {mesh_size!r} is not allowed: the blocks along three axes")
    if edges.shape != (6,):
        raise ValueError(f"extent = {extent!r} is not allowed: six edges (vx0, vy0, vz0, vx1, vy1, vz1)")
    if not cells:
        raise ValueError("cells is empty: the distribution has no velocity cells")
    ids = np.fromiter(cells.keys(), dtype=np.int64, count=len(cells))
    values = np.fromiter(cells.values(), dtype=np.float64, count=len(cells))
    most = int(blocks.prod()) * w**3
    if (outside := (ids < 0) | (ids >= most)).any():
        raise ValueError(f"velocity cell {ids[outside][0]} is not allowed: the mesh has {most}, counted from 0")
    block, place = np.divmod(ids, w**3)
    corner = np.stack(np.unravel_index(block, tuple(blocks), order="F")) * w
    index = corner + np.stack(np.unravel_index(place, (w, w, w), order="F"))
    first = np.zeros(3, dtype=np.int64) if whole else corner.min(axis=1)
    shape = blocks * w if whole else corner.max(axis=1) + w - first
    mesh = Grid.from_edges(_three(blocks * w), _three(edges[:3]), _three(edges[3:]))
    f = np.zeros(tuple(shape))
    f[tuple(index - first[:, None])] = values
    return Distribution(f, mesh.window(_three(first), _three(shape)))


def _three(numbers: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> tuple[int, int, int]:
    x, y, z = numbers.tolist()
    return x, y, z


def _width(block_size: int | Sequence[int]) -> int:
    widths = np.atleast_1d(np.asarray(block_size))
    if widths.dtype.kind not in "iu" or widths.size not in (1, 3) or (widths != widths[0]).any() or widths[0] < 1:
        raise ValueError(f"block_size = {block_size!r} is not allowed: one width for all three axes")
    return int(widths[0])
