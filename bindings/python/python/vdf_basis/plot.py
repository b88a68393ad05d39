"""Pictures of distributions and fits, by matplotlib: each function returns the axes it drew on.

Velocities are in km/s where the grid is in metres per second, and in its own units where it is small, as index units are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _functions
from ._arrays import DistributionLike, FloatArray, resolve
from ._canvas import NAMES, PLANES, cell_at, new_figure, new_planes, rounded, row_of_densities, row_of_differences, unit_of
from ._model import Model
from ._native import Expansion, Grid

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ._canvas import AxesArray
    from ._models import Mixture

__all__ = ["populations", "rate_distortion", "slices", "spectrum"]

#: Decades below the peak that are shown.
_DECADES = 6.0
_COLOURS = ("#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#9c6b4e", "#a463f2", "#97bbf5", "#3ca951")


def slices(
    f: DistributionLike,
    *reconstructions: Any,
    at: Sequence[float] | None = None,
    decades: float = _DECADES,
    labels: Sequence[str] | None = None,
    axes: AxesArray | None = None,
) -> AxesArray:
    """Draw three planes through a distribution in log scale, each reconstruction, and what it is off by.

    Parameters
    ----------
    f : array_like, Distribution or xarray.DataArray
        The distribution.
    *reconstructions : array_like, spec, bytes, Expansion or fitted model
        Reconstructions on the same grid.
    at : three floats, optional
        Velocity at which the planes meet; the highest density by default.
    decades : float
        Decades below the peak that are shown.
    labels : sequence of str, optional
        Titles of the reconstructions.
    axes : ndarray of Axes, optional
        Axes of the shape that is returned, to draw on.

    Returns
    -------
    ndarray of Axes of shape (1 + 2 * n_reconstructions, 3)
        One row for the distribution; for each reconstruction one row, and one for the difference in percent of the peak of f.

    Examples
    --------
    >>> import vdf_basis as vb
    >>> from vdf_basis import plot
    >>> plot.slices(vb.synthetic("beams", cells=20), "fast:l2=0.05").shape
    (3, 3)
    """
    values, grid = resolve(f)
    names = list(labels or [_title(each) for each in reconstructions])
    if len(names) != len(reconstructions):
        raise ValueError(f"there are {len(reconstructions)} reconstructions, but {len(names)} labels")
    others = [_reconstructed(each, values, grid) for each in reconstructions]
    index = cell_at(values, grid, at)
    bars: list[Any] = [None] * (1 + 2 * len(others))
    if axes is None:
        axes, bars = new_planes(len(bars), grid)
    peak = float(np.abs(values).max()) or 1.0
    row_of_densities(axes[0], bars[0], values, grid, index, peak, decades, "f")
    for row, (name, other) in enumerate(zip(names, others)):
        first = 2 * row + 1
        row_of_densities(axes[first], bars[first], other, grid, index, peak, decades, name)
        row_of_differences(axes[first + 1], bars[first + 1], 100 * (other - values) / peak, grid, index)
    for upper in axes[:-1].flat:
        upper.set_xlabel("")
        upper.tick_params(labelbottom=False)
    for axis, plane in zip(axes[0], PLANES):
        cut = plane[2]
        unit, scale = unit_of(grid)
        axis.set_title(f"$v_{NAMES[cut]}$ = {rounded(grid.centres[cut][index[cut]] / scale)}{unit}", fontsize=10)
    return axes


def spectrum(*fits: Model, labels: Sequence[str] | None = None, axes: AxesArray | None = None) -> AxesArray:
    """Draw how the power of fits falls with the degree.

    Of Hermite functions by total degree and by the degree along each axis; of spherical harmonics by l and m; of other bases by
    degree, level or rank. Powers are shares of the sum.

    Parameters
    ----------
    *fits : fitted models
        All of the same class.
    labels : sequence of str, optional
        Their names.
    axes : ndarray of Axes, optional
        Axes of the shape that is returned, to draw on.

    Returns
    -------
    ndarray of Axes of shape (2,), or (1,) for other bases

    Examples
    --------
    >>> import vdf_basis as vb
    >>> from vdf_basis import plot
    >>> plot.spectrum(vb.Hermite(order=10).fit(vb.synthetic("ring", cells=24))).shape
    (2,)
    """
    if not fits:
        raise TypeError("spectrum takes one fitted model or more")
    names = list(labels or [repr(fit) for fit in fits])
    panels = [_panels(fit) for fit in fits]
    if len(names) != len(fits) or len({tuple(each) for each in panels}) != 1:
        raise ValueError(f"fits of different kinds, or {len(names)} labels for {len(fits)} of them")
    if axes is None:
        axes = new_figure(1, len(panels[0]), (4.6 * len(panels[0]) + 0.4, 3.6))[0]
    several = len(fits) > 1
    for count, (name, panel) in enumerate(zip(names, panels)):
        for axis, (quantity, lines) in zip(axes, panel.items()):
            for number, (line, power) in enumerate(lines.items()):
                colour = _COLOURS[(count if several else number) % len(_COLOURS)]
                style = ("-", "--", ":")[number % 3] if several else "-"
                label = " ".join(filter(None, (name if several else "", line)))
                _draw_power(axis, power, colour, style, label)
            axis.set_xlabel(quantity)
    for axis in axes:
        axis.set_yscale("log")
        axis.grid(alpha=0.3)
        axis.margins(x=0.02)
        if axis.get_legend_handles_labels()[1]:
            axis.legend(frameon=False, fontsize=8)
    axes[0].set_ylabel("share of the power")
    if not several:
        axes[0].figure.suptitle(names[0], fontsize=10)
    return axes


def populations(
    f: DistributionLike,
    mixture: Mixture | None = None,
    *,
    sigmas: Sequence[float] = (1.0, 2.0),
    decades: float = _DECADES,
    axes: AxesArray | None = None,
) -> AxesArray:
    """Draw the populations of a mixture as ellipses over slices of the distribution.

    Ellipses are the covariances as they project on each plane.

    Parameters
    ----------
    f : array_like, Distribution or xarray.DataArray
        The distribution.
    mixture : Mixture, optional
        A fitted mixture; by default one whose number of components is chosen.
    sigmas : sequence of float
        Half axes of the ellipses, in standard deviations.
    decades : float
        Decades below the peak that are shown.
    axes : ndarray of Axes, optional
        Three axes to draw on.

    Returns
    -------
    ndarray of Axes of shape (3,)

    Examples
    --------
    >>> import vdf_basis as vb
    >>> from vdf_basis import plot
    >>> f = vb.synthetic("beams", cells=24)
    >>> plot.populations(f, vb.Mixture(n_components=2).fit(f)).shape
    (3,)
    """
    from ._models import Mixture

    values, grid = resolve(f)
    if mixture is None:
        mixture = Mixture(n_components=6, select="bic").fit(values, grid=grid)
    mixture._check_fitted()
    own, bar = axes is None, None
    if axes is None:
        rows, (bar,) = new_planes(1, grid, below=0.6)
        axes = rows[0]
    index = cell_at(values, grid, None)
    peak = float(np.abs(values).max()) or 1.0
    row_of_densities(axes, bar, values, grid, index, peak, decades, "f", grey=True)
    for axis, plane in zip(axes, PLANES):
        _ellipses(axis, mixture, plane[:2], grid, sigmas)
    handles, shares = axes[0].get_legend_handles_labels()
    options: dict[str, Any] = {"title": "share of the density", "fontsize": 9, "title_fontsize": 9, "frameon": False}
    if own:
        axes[0].figure.legend(handles, shares, loc="lower center", ncols=min(len(shares), 8), **options)
    else:
        axes[0].legend(handles, shares, **options)
    return axes


def rate_distortion(
    f: DistributionLike,
    specs: Iterable[str] = ("fast", "balanced", "hermite", "cosine", "wavelet"),
    *,
    errors: Sequence[float] = (0.3, 0.1, 0.03, 0.01),
    axes: Axes | None = None,
) -> Axes:
    """Draw bytes against the relative L2 error that is reached, for several specs.

    Parameters
    ----------
    f : array_like, Distribution or xarray.DataArray
        The distribution.
    specs : iterable of str
        Bases or presets; those without a bound of their own are asked for each of the errors. Errors that a basis cannot
        reach are left out.
    errors : sequence of float
        Bounds ``l2=``.
    axes : Axes, optional
        Axes to draw on.

    Returns
    -------
    Axes

    Examples
    --------
    >>> import vdf_basis as vb
    >>> from vdf_basis import plot
    >>> plot.rate_distortion(vb.synthetic("beams", cells=20), ["fast", "wavelet", "octree:l2=0.05"]).get_xlabel()
    'bytes'
    """
    values, grid = resolve(f)
    if axes is None:
        axes = new_figure(1, 1, (5.6, 4.0))[0, 0]
    for number, spec in enumerate(specs):
        points = _points(values, grid, spec, errors)
        if not points:
            continue
        sizes, reached = zip(*sorted(points))
        style: dict[str, Any] = {"marker": "o", "markersize": 5, "linewidth": 1.6}
        axes.plot(sizes, reached, color=_COLOURS[number % len(_COLOURS)], label=spec, **style)
    axes.set(xscale="log", yscale="log", xlabel="bytes", ylabel="relative $L_2$ error")
    axes.set_title(f"{' x '.join(map(str, grid.shape))} cells: {4 * grid.size:,} bytes as float32", fontsize=10)
    _label_decades(axes.xaxis)
    axes.grid(which="major", alpha=0.35)
    axes.grid(which="minor", alpha=0.12)
    axes.legend(frameon=False)
    return axes


def _points(values: FloatArray, grid: Grid, spec: str, errors: Sequence[float]) -> list[tuple[int, float]]:
    bounded = "l2=" in spec or "linf=" in spec or "dex=" in spec or "relative=" in spec
    texts = [spec] if bounded else [f"{spec}{',' if ':' in spec else ':'}l2={error:g}" for error in errors]
    found = []
    for text in texts:
        _functions.parse_spec(text)
        try:
            stream = _functions.compress(values, text, grid=grid)
        except ValueError:
            # A bound that this basis does not reach.
            continue
        found.append((len(stream), _functions.compare(values, stream, grid=grid).l2))
    return [(size, error) for size, error in found if error > 0]


def _label_decades(axis: Any) -> None:
    """Label 1, 2 and 5 of each decade with plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda size, _: f"{size:,.0f}"))
    axis.set_minor_formatter(NullFormatter())


def _reconstructed(given: Any, values: FloatArray, grid: Grid) -> FloatArray:
    """Densities of a reconstruction, whatever form it has."""
    if isinstance(given, str):
        given = _functions.expand(values, given, grid=grid)
    if isinstance(given, (bytes, bytearray, memoryview)):
        given = Expansion.from_bytes(bytes(given))
    if isinstance(given, Model):
        given._check_fitted()
        given = given.expansion_
    found = given.reconstruct(grid if given.grid.shape != values.shape else None) if isinstance(given, Expansion) else resolve(given)[0]
    if found.shape != values.shape:
        raise ValueError(f"a reconstruction has the shape {found.shape}, but the distribution {values.shape}")
    return found


def _title(given: Any) -> str:
    if isinstance(given, (str, Model)):
        return str(given)
    if isinstance(given, (bytes, bytearray, memoryview)):
        return f"{_functions.info(bytes(given)).spec}, {len(given)} bytes"
    return given.spec if isinstance(given, Expansion) else "reconstruction"


def _panels(fit: Model) -> dict[str, dict[str, FloatArray]]:
    """Lines of each panel of a spectrum, by the quantity along its horizontal axis."""
    found = fit.spectrum()
    if isinstance(found, dict) and "total_degree" in found:
        axes = {f"$v_{name}$": np.asarray(power) for name, power in zip(NAMES, found["axis"])}
        return {"total degree $m_x + m_y + m_z$": {"": np.asarray(found["total_degree"])}, "degree $m$ along an axis": axes}
    if isinstance(found, dict):
        return {"degree $l$": {"": np.asarray(found["degree"])}, "order $|m|$": {"": np.asarray(found["order"])}}
    return {"degree": {"": np.asarray(found)}}


def _draw_power(axis: Any, power: FloatArray, colour: str, style: str, label: str) -> None:
    total = float(power.sum()) or 1.0
    # Powers at the level of rounding would stretch the axis over decades that mean nothing.
    shares = np.where(power > 1e-20 * total, power / total, np.nan)
    axis.plot(np.arange(len(power)), shares, style, color=colour, marker=".", markersize=7, linewidth=1.4, label=label or None)


def _ellipses(axis: Any, mixture: Mixture, plane: tuple[int, ...], grid: Grid, sigmas: Sequence[float]) -> None:
    from matplotlib.patches import Ellipse

    _, scale = unit_of(grid)
    limits = axis.get_xlim(), axis.get_ylim()
    for number, (weight, mean, covariance) in enumerate(zip(mixture.weights_, mixture.means_, mixture.covariances_)):
        variances, vectors = np.linalg.eigh(covariance[np.ix_(plane, plane)])
        angle = float(np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1])))
        colour = _COLOURS[number % len(_COLOURS)]
        for ring, sigma in enumerate(sigmas):
            width, height = 2 * sigma * np.sqrt(np.maximum(variances[::-1], 0)) / scale
            centre = mean[list(plane)] / scale
            shape = Ellipse(tuple(centre), width, height, angle=angle, fill=False, edgecolor=colour)
            shape.set(linewidth=1.8 if ring == 0 else 1.0, linestyle="-" if ring == 0 else "--")
            axis.add_patch(shape)
        axis.plot(*(mean[list(plane)] / scale), "+", color=colour, label=f"{100 * weight:.3g}%")
    axis.set(xlim=limits[0], ylim=limits[1])
