"""Axes of pictures, and planes through distributions drawn on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ._arrays import FloatArray
from ._native import Grid

if TYPE_CHECKING:
    AxesArray: TypeAlias = npt.NDArray[Any]

#: Axes of the three planes: across, upwards, and the one that is cut.
PLANES = ((0, 1, 2), (0, 2, 1), (1, 2, 0))
NAMES = ("x", "y", "z")
#: Widths of a grid above which its speeds are taken to be in m/s, and shown in km/s.
_METRES_PER_SECOND = 1e4
#: Width of a figure of three planes, and its margins: left, between columns and rows, right, top and bottom [inches].
_FIGURE, _LEFT, _GAP, _BETWEEN, _RIGHT, _TOP, _BOTTOM = 10.0, 0.75, 0.82, 0.18, 1.2, 0.35, 0.5


def cell_at(values: FloatArray, grid: Grid, at: Sequence[float] | None) -> tuple[int, ...]:
    """Return the index of the cell nearest to a velocity, or of the highest density."""
    if at is None:
        return tuple(int(k) for k in np.unravel_index(int(values.argmax()), values.shape))
    if len(at) != 3:
        raise ValueError(f"at = {at!r} is not allowed: three velocities")
    return tuple(int(np.abs(centres - v).argmin()) for centres, v in zip(grid.centres, at))


def unit_of(grid: Grid) -> tuple[str, float]:
    """Return the unit that speeds are shown in, and its size in the grid's."""
    width = max(upper - lower for lower, upper in grid.extent)
    return (" km/s", 1e3) if width >= _METRES_PER_SECOND else ("", 1.0)


def rounded(value: float) -> str:
    """Return a number with four digits."""
    return f"{value:.4g}" if value else "0"


def new_figure(rows: int, columns: int, size: tuple[float, float], **options: Any) -> AxesArray:
    """Return the axes of a new figure, in rows and columns."""
    import matplotlib.pyplot as plt

    options = {"layout": "constrained", **options}
    _, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, **options)
    found: AxesArray = axes
    return found


def new_planes(rows: int, grid: Grid, below: float = 0.0) -> tuple[AxesArray, list[Any]]:
    """Return rows of three planes with the shapes that the planes have, and the axes of a colour bar for each row.

    They are placed here, since matplotlib's own layout takes seconds for so many axes.
    """
    import matplotlib.pyplot as plt

    widths = [upper - lower for lower, upper in grid.extent]
    across = [widths[plane[0]] for plane in PLANES]
    scale = (_FIGURE - _LEFT - 2 * _GAP - _RIGHT) / sum(across)
    sizes = [(scale * widths[plane[0]], scale * widths[plane[1]]) for plane in PLANES]
    if not is_to_scale(grid):
        sizes = [((_FIGURE - _LEFT - 2 * _GAP - _RIGHT) / 3, 2.2)] * 3
    tall = max(height for _, height in sizes)
    high = rows * tall + (rows - 1) * _BETWEEN + _TOP + _BOTTOM + below
    figure = plt.figure(figsize=(_FIGURE, high))

    def place(left: float, bottom: float, width: float, height: float) -> Any:
        return figure.add_axes((left / _FIGURE, bottom / high, width / _FIGURE, height / high))

    axes, bars = np.empty((rows, 3), dtype=object), []
    for row in range(rows):
        left, bottom = _LEFT, _BOTTOM + below + (rows - 1 - row) * (tall + _BETWEEN)
        for column, (width, height) in enumerate(sizes):
            axes[row, column] = place(left, bottom, width, height)
            left += width + _GAP
        bars.append(place(left - _GAP + 0.12, bottom, 0.14, sizes[-1][1]))
    return axes, bars


def is_to_scale(grid: Grid) -> bool:
    """Return False for planes of very unlike edges, which are stretched, so that all can be seen."""
    widths = [upper - lower for lower, upper in grid.extent]
    return max(widths) <= 4 * min(widths)


def draw_image(axis: Any, plane: FloatArray, grid: Grid, axes: tuple[int, int], **options: Any) -> Any:
    """Draw a plane of cells with its velocities, and return the image."""
    unit, scale = unit_of(grid)
    (x0, x1), (y0, y1) = (grid.extent[k] for k in axes)
    image = axis.imshow(
        plane.T,
        origin="lower",
        extent=(x0 / scale, x1 / scale, y0 / scale, y1 / scale),
        aspect="equal" if is_to_scale(grid) else "auto",
        interpolation="nearest",
        **options,
    )
    bracket = f" [{unit.strip()}]" if unit else ""
    axis.set_xlabel(f"$v_{NAMES[axes[0]]}${bracket}")
    axis.set_ylabel(f"$v_{NAMES[axes[1]]}${bracket}", labelpad=1)
    axis.locator_params(axis="x", nbins=4)
    axis.locator_params(axis="y", nbins=5)
    return image


def cut_of(values: FloatArray, plane: tuple[int, int, int], index: tuple[int, ...]) -> FloatArray:
    """Return the cells of a plane."""
    found: FloatArray = np.take(values, index[plane[2]], axis=plane[2])
    return found


def row_of_densities(
    row: Any,
    bar: Any,
    values: FloatArray,
    grid: Grid,
    index: tuple[int, ...],
    peak: float,
    decades: float,
    name: str,
    grey: bool = False,
) -> None:
    """Draw three planes of densities in log scale, and their colour bar."""
    from matplotlib import colormaps
    from matplotlib.colors import LogNorm

    # White below the floor, and where a reconstruction is not positive.
    colours = colormaps["Greys" if grey else "viridis"].with_extremes(under="white", bad="white")
    norm = LogNorm(peak * 10**-decades, peak)
    for axis, plane in zip(row, PLANES):
        cut = cut_of(values, plane, index)
        image = draw_image(axis, np.where(cut > 0, cut, np.nan), grid, plane[:2], norm=norm, cmap=colours)
    colour_bar(image, row, bar, name)


def row_of_differences(row: Any, bar: Any, off: FloatArray, grid: Grid, index: tuple[int, ...]) -> None:
    """Draw three planes of differences, and their colour bar."""
    most = max(float(np.abs(cut_of(off, plane, index)).max()) for plane in PLANES) or 1.0
    for axis, plane in zip(row, PLANES):
        image = draw_image(axis, cut_of(off, plane, index), grid, plane[:2], vmin=-most, vmax=most, cmap="RdBu_r")
    colour_bar(image, row, bar, "difference [% of the peak]")


def colour_bar(image: Any, row: Any, bar: Any, label: str) -> None:
    """Draw a colour bar on its own axes, or beside a row of given ones."""
    where = {"ax": list(row), "pad": 0.01, "aspect": 25} if bar is None else {"cax": bar}
    drawn = row[-1].figure.colorbar(image, **where)
    drawn.set_label(label, fontsize=10 if len(label) < 30 else 7)
