"""Streams, moments and errors of distributions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeAlias

from . import _native
from ._arrays import DistributionLike, Extent, FloatArray, resolve, same_grid
from ._native import Expansion, Grid, LearntPca
from ._results import Fidelity, Moments, StreamInfo

if TYPE_CHECKING:
    BytesLike: TypeAlias = bytes | bytearray | memoryview

__all__ = ["bases", "combinators", "compare", "compress", "decompress", "expand", "info", "moments", "parse_spec"]


def compress(
    f: DistributionLike,
    spec: str | LearntPca,
    *,
    grid: Grid | None = None,
    extent: Extent | None = None,
    threshold: float | None = None,
) -> bytes:
    """Return the stream of a distribution: bytes from which `decompress` makes densities, with nothing else at hand.

    Parameters
    ----------
    f : array_like of shape (nx, ny, nz), Distribution or xarray.DataArray
        Densities, axes vx, vy, vz. C-contiguous arrays of float64 are not copied. Do not write to the array until the call
        returns.
    spec : str or LearntPca
        The basis and its options, such as ``"fast:l2=0.03"``; ``docs/methods`` of the repository lists all.
    grid : Grid, optional
        The velocity grid; by default that of ``f``, else index units.
    extent : float, (float, float) or three pairs, optional
        Outer edges of the box in place of a grid: ``v`` for -v to v, ``(lower, upper)``, or such a pair for each axis.
    threshold : float, optional
        Densities of smaller magnitude are taken as zero, as outside the blocks that Vlasiator stores.

    Returns
    -------
    bytes

    Raises
    ------
    ValueError
        For values that are not finite, with their index, and for a spec that does not exist or a bound that it cannot
        reach, with what is allowed.

    Examples
    --------
    >>> import vdf_basis as vb
    >>> f = vb.synthetic("beams", cells=24)
    >>> stream = vb.compress(f, "balanced:l2=0.02")
    >>> len(stream) < 110
    True
    """
    values, on = resolve(f, grid, extent)
    if isinstance(spec, LearntPca):
        if threshold is not None:
            raise ValueError(f"threshold = {threshold} is not allowed: a learnt basis has a floor of its own")
        return Expansion.encode(values, on, spec.spec, spec).to_bytes()
    return _native.compress(values, on, spec, threshold)


def decompress(
    stream: BytesLike,
    *,
    grid: Grid | None = None,
    learnt: LearntPca | Iterable[LearntPca] = (),
    max_cells: int | None = None,
) -> FloatArray:
    """Return the densities that a stream holds.

    Parameters
    ----------
    stream : bytes
        A stream of `compress`, or of the command ``vdfb``.
    grid : Grid, optional
        Another grid to sample them on, for bases that allow it; by default the stream's own, ``info(stream).grid``.
    learnt : LearntPca or several, optional
        Learnt bases that the stream may name.
    max_cells : int, optional
        Most cells of the stream's grid, 2**26 by default: streams from outside may claim anything.

    Returns
    -------
    ndarray of shape (nx, ny, nz)

    Raises
    ------
    StreamError
        For bytes that are cut, damaged, or no stream.

    Examples
    --------
    >>> import vdf_basis as vb
    >>> f = vb.synthetic("beams", cells=24)
    >>> g = vb.decompress(vb.compress(f, "balanced:l2=0.02"))
    >>> vb.compare(f, g).l2 <= 0.02
    True
    >>> vb.decompress(b"VDF")
    Traceback (most recent call last):
        ...
    vdf_basis.StreamError: malformed stream: it is shorter than any stream
    """
    return _native.decompress(_bytes(stream), grid, _several(learnt), max_cells)


def expand(
    f: DistributionLike,
    spec: str | LearntPca,
    *,
    grid: Grid | None = None,
    extent: Extent | None = None,
    start: Expansion | None = None,
) -> Expansion:
    """Return a distribution in a basis, with its coefficients at hand.

    Parameters
    ----------
    f, spec, grid, extent : optional
        As for `compress`.
    start : Expansion, optional
        The expansion of a similar distribution in the same basis, at which searches may begin.

    Returns
    -------
    Expansion

    Examples
    --------
    >>> import vdf_basis as vb
    >>> expansion = vb.expand(vb.synthetic("maxwellian", cells=20), "maxwellian")
    >>> expansion
    <Expansion "maxwellian": 7 coefficients, 20 x 20 x 20 cells>
    >>> expansion.reconstruct().shape
    (20, 20, 20)
    """
    values, on = resolve(f, grid, extent)
    if isinstance(spec, LearntPca):
        return Expansion.encode(values, on, spec.spec, spec, start)
    return Expansion.encode(values, on, spec, None, start)


def info(stream: BytesLike, *, learnt: LearntPca | Iterable[LearntPca] = ()) -> StreamInfo:
    """Return version, grid and spec of a stream, and the bytes of its parts.

    Parameters
    ----------
    stream : bytes
        A stream of `compress`.
    learnt : LearntPca or several, optional
        Learnt bases that the stream may name.

    Returns
    -------
    StreamInfo

    Examples
    --------
    >>> import vdf_basis as vb
    >>> about = vb.info(vb.compress(vb.synthetic("beams", cells=24), "wavelet:l2=0.05"))
    >>> about.spec, about.grid.shape
    ('quantized(wavelet):l2=0.05', (24, 19, 19))
    """
    stream = _bytes(stream)
    version, grid, spec, parts = _native.info(stream, _several(learnt))
    summed: dict[str, int] = {}
    for name, size in parts:
        summed[name] = summed.get(name, 0) + size
    return StreamInfo(version, grid, spec, len(stream), summed)


def moments(
    f: DistributionLike | BytesLike | Expansion, *, grid: Grid | None = None, extent: Extent | None = None
) -> Moments:
    """Return the moments of densities, or of a stream.

    Parameters
    ----------
    f : array_like, Distribution, bytes or Expansion
        Densities, or a stream; the latter's moments come from the coefficients where the basis has a closed form.
    grid, extent : optional
        As for `compress`; of a stream the grid that its reconstruction is summed over.

    Returns
    -------
    Moments

    Examples
    --------
    >>> import vdf_basis as vb
    >>> f = vb.synthetic("beams", cells=40)
    >>> round(vb.moments(f).bulk_velocity[0])
    -30000
    """
    if isinstance(f, (bytes, bytearray, memoryview)):
        f = Expansion.from_bytes(bytes(f))
    if isinstance(f, Expansion):
        if extent is not None:
            raise ValueError("extent is not allowed for a stream, which has a grid of its own")
        return f.moments(grid)
    values, on = resolve(f, grid, extent)
    return _native.moments(values, on)


def compare(
    original: DistributionLike,
    reconstruction: DistributionLike | BytesLike | Expansion,
    *,
    grid: Grid | None = None,
    extent: Extent | None = None,
    floor: float | None = None,
) -> Fidelity:
    """Return the errors of a reconstruction.

    Parameters
    ----------
    original : array_like of shape (nx, ny, nz), Distribution or xarray.DataArray
        The original densities.
    reconstruction : the same, bytes or Expansion
        The reconstructed densities, or their stream.
    grid, extent : optional
        As for `compress`; by default the grid of either.
    floor : float, optional
        Densities below it count as equal to it in logarithms, and do not count in relative errors. By default 1e-15 for
        peaks of space plasmas in SI units, and 1e-6 of the peak for others.

    Returns
    -------
    Fidelity

    Examples
    --------
    >>> import vdf_basis as vb
    >>> f = vb.synthetic("ring", cells=24)
    >>> errors = vb.compare(f, vb.compress(f, "hermite:order=12"))
    >>> errors.l2 < 0.1, errors.density < 0.01
    (True, True)
    """
    if isinstance(reconstruction, (bytes, bytearray, memoryview)):
        reconstruction = Expansion.from_bytes(bytes(reconstruction))
    values, on = resolve(original, grid, extent, "original")
    if isinstance(reconstruction, Expansion):
        own = reconstruction.grid
        if own.shape == values.shape and (on == Grid.unit(own.shape) or same_grid(on, own)):
            on = own
        other = reconstruction.reconstruct(on)
    else:
        other, theirs = resolve(reconstruction, grid, extent, "reconstruction")
        units = Grid.unit(on.shape)
        if theirs != on and theirs.shape == on.shape and on == units:
            on = theirs
        elif not same_grid(theirs, on) and theirs != Grid.unit(theirs.shape):
            raise ValueError(f"the two are on different grids, {on!r} and {theirs!r}; resample one of them")
    return Fidelity(**dict(_native.compare(values, other, on, floor)))


def parse_spec(spec: str) -> str:
    """Return a spec as streams hold it, or raise a ValueError with what exists.

    Parameters
    ----------
    spec : str
        A basis or preset, its options, and a bound.

    Returns
    -------
    str

    Examples
    --------
    >>> from vdf_basis import parse_spec
    >>> parse_spec("hermit")
    Traceback (most recent call last):
        ...
    ValueError: in the spec `hermit`: there is no basis `hermit`; there are cells, cosine, ...
    >>> parse_spec("conserve(smallest):l2=0.03")
    'quantized(conserve(smallest:l2=0.0294)):l2=0.03'
    """
    return _native.normalise_spec(spec)


def bases() -> list[str]:
    """Return the names of the bases and presets that specs may have."""
    return _native.basis_names()[0]


def combinators() -> list[str]:
    """Return the names that specs may have around another spec, such as ``conserve(...)``."""
    return _native.basis_names()[1]


def _bytes(stream: object) -> bytes:
    if isinstance(stream, (bytes, bytearray, memoryview)):
        return bytes(stream)
    try:
        return memoryview(stream).tobytes()  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"the stream is {type(stream).__name__}; bytes are wanted") from None


def _several(learnt: LearntPca | Iterable[LearntPca]) -> list[LearntPca]:
    return [learnt] if isinstance(learnt, LearntPca) else list(learnt)
