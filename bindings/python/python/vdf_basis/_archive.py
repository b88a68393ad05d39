"""Archives: the distributions of many cells in one file."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeAlias, cast

from . import _native
from ._arrays import DistributionLike, Extent, as_index, resolve
from ._distribution import Distribution
from ._native import Expansion, Grid
from ._results import Moments
from ._units import FIELD, LENGTH, TIME
from ._units import numbers as in_si

if TYPE_CHECKING:
    import xarray

    from ._arrays import FloatArray

    PathLike: TypeAlias = str | os.PathLike[str]

__all__ = ["Archive", "ArchiveInfo", "ArchiveSet", "ArchiveWriter", "Record", "open_archive", "write_archive"]

_Vector = tuple[float, float, float]


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Record:
    """A cell of an archive: its coefficients, and facts that were kept with it.

    ``numpy.asarray`` gives its densities, which are computed when they are first asked for.

    Attributes
    ----------
    cell : int
        Number of the cell.
    population : str
        Name of the population.
    expansion : Expansion
        The distribution in its basis.
    time : float or None
        Time of the simulation [s].
    position, magnetic_field : (float, float, float) or None
        Centre of the cell [m], and magnetic field in it [T].
    """

    cell: int
    population: str
    expansion: Expansion
    time: float | None
    position: _Vector | None
    magnetic_field: _Vector | None

    @classmethod
    def _of(cls, found: _native._RecordTuple) -> Record:
        cell, population, (time, position, field), expansion = found
        return cls(cell, population, expansion, time, _vector(position), _vector(field))

    @property
    def f(self) -> FloatArray:
        """The densities, axes vx, vy, vz."""
        known = self.__dict__.get("_f")
        if known is None:
            known = self.expansion.reconstruct()
            self.__dict__["_f"] = known
        return cast("FloatArray", known)

    @property
    def grid(self) -> Grid:
        """The velocity grid."""
        return self.expansion.grid

    @property
    def spec(self) -> str:
        """Spec of the basis."""
        return self.expansion.spec

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return self.distribution().__array__(dtype, copy)

    def moments(self) -> Moments:
        """Return the moments, from the coefficients where the basis has a closed form."""
        return self.expansion.moments()

    def distribution(self) -> Distribution:
        """Return densities and facts without the coefficients."""
        return Distribution(
            self.f, self.grid, self.cell, self.population, self.time, self.position, self.magnetic_field
        )

    def to_xarray(self) -> xarray.DataArray:
        """Return a labelled array with the coordinates ``vx``, ``vy`` and ``vz``; needs xarray."""
        return self.distribution().to_xarray()

    def __repr__(self) -> str:
        nx, ny, nz = self.grid.shape
        return f"<Record of cell {self.cell}, {self.population}: {self.spec!r}, {nx} x {ny} x {nz} cells>"


def _vector(numbers: Sequence[float] | None) -> _Vector | None:
    return None if numbers is None else (numbers[0], numbers[1], numbers[2])


@dataclasses.dataclass(frozen=True)
class ArchiveSet:
    """Population, grid and basis that groups of an archive share, their number of cells, and their bytes."""

    population: str
    grid: Grid
    spec: str
    cells: int
    size: int


@dataclasses.dataclass(frozen=True)
class ArchiveInfo:
    """Contents of an archive: version, bytes, bytes of each part, what groups share, and the number of groups."""

    version: int
    size: int
    parts: Mapping[str, int]
    sets: tuple[ArchiveSet, ...]
    groups: int


class Archive(Mapping[int, Record]):
    """An archive that is open for reading: a mapping of cells to records, of one population at a time.

    Use `open_archive`, or `Archive.from_bytes` for one in memory. Any number of threads may read it; pickled, it is opened
    again by its path. A ``with`` statement or `close` closes the file.

    Examples
    --------
    >>> import vdf_basis as vb
    >>> data = vb.write_archive(None, vb.synthetic_population("shock", 4, cells=12), "fast:l2=0.05")
    >>> archive = vb.Archive.from_bytes(data)
    >>> archive
    <Archive of 4 cells of proton>
    >>> archive[2]
    <Record of cell 2, proton: 'fast:l2=0.05', 12 x 12 x 9 cells>
    >>> [record.cell for record in archive.values()]
    [0, 1, 2, 3]
    """

    def __init__(self, source: Path | bytes, population: str | None = None, *, max_cells: int | None = None) -> None:
        if isinstance(source, bytes):
            native = _native.Archive.from_bytes(source, max_cells)
        else:
            native = _native.Archive.open(source, max_cells)
        self._begin(native, population)
        self._source, self._max_cells = source, max_cells

    def _begin(self, native: _native.Archive, population: str | None) -> None:
        self._open: _native.Archive | None = native
        names = native.populations()
        if population is not None and population not in names:
            native.cells(population)  # Says which populations there are.
        self._population = population if population is not None or not names else names[0]
        self._cells: list[int] | None = None

    @classmethod
    def from_bytes(cls, data: bytes, *, max_cells: int | None = None) -> Archive:
        """Return the archive that bytes hold."""
        return cls(bytes(data), max_cells=max_cells)

    @property
    def _native(self) -> _native.Archive:
        if self._open is None:
            raise ValueError("the archive is closed")
        return self._open

    def close(self) -> None:
        """Close the file; nothing can be read afterwards."""
        self._open = None

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopened, (self._source, self._population, self._max_cells)

    @property
    def populations(self) -> list[str]:
        """Names of the populations, in the order in which they were first written."""
        return self._native.populations()

    @property
    def population(self) -> str | None:
        """Name of the population whose cells are read: the first, unless `select` has chosen another."""
        return self._population

    def select(self, population: str) -> Archive:
        """Return the same archive with the cells of another population."""
        other = Archive.__new__(Archive)
        other._begin(self._native, population)
        other._source, other._max_cells = self._source, self._max_cells
        return other

    @property
    def cells(self) -> list[int]:
        """Numbers of the cells, in the archive's order."""
        if self._cells is None:
            self._cells = [] if self._population is None else self._native.cells(self._population)
        return list(self._cells)

    @property
    def is_recovered(self) -> bool:
        """True if the index was missing or damaged, as after a writer that was killed: whole groups were found."""
        return self._native.is_recovered()

    @property
    def info(self) -> ArchiveInfo:
        """Contents: what groups share, and the bytes of each part."""
        version, size, parts, sets, groups = self._native.info()
        return ArchiveInfo(version, size, dict(parts), tuple(ArchiveSet(*each) for each in sets), groups)

    def __getitem__(self, cell: SupportsIndex) -> Record:
        number = as_index(cell, "cell")
        if self._population is None:
            raise KeyError(f"cell {number}: the archive is empty")
        native = self._native
        try:
            return Record._of(native.read(number, self._population))
        except _native.StreamError:
            raise
        except ValueError as problem:
            raise KeyError(str(problem)) from None

    def __contains__(self, cell: object) -> bool:
        return cell in self.cells

    def __iter__(self) -> Iterator[int]:
        return iter(dict.fromkeys(self.cells))

    def __len__(self) -> int:
        return len(set(self.cells))

    def values(self) -> _Records:  # type: ignore[override]
        """Return an iterable of all records, decoded group by group."""
        return _Records(self)

    def items(self) -> Iterator[tuple[int, Record]]:  # type: ignore[override]
        """Return an iterator of cells and records, decoded group by group."""
        return ((record.cell, record) for record in self.values())

    def groups(self) -> Iterator[list[Record]]:
        """Return an iterator of the records of each group, of all populations, in the archive's order."""
        for number in range(self.info.groups):
            yield [Record._of(found) for found in self._native.read_group(number)]

    def to_xarray(self, cells: Iterable[int] | None = None) -> xarray.DataArray:
        """Return the densities of cells, all by default, as a labelled array of four axes; needs xarray.

        All cells must be on one grid.
        """
        from ._xarray import stacked

        return stacked([self[cell] for cell in cells] if cells is not None else list(self.values()))

    def __repr__(self) -> str:
        if self._open is None:
            return "<Archive, closed>"
        others = [name for name in self.populations if name != self._population]
        besides = f"; also {', '.join(others)}" if others else ""
        return f"<Archive of {len(self)} cells of {self._population}{besides}>"


class _Records:
    """The records of a population, decoded group by group; of a cell that was written twice, the last."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def __len__(self) -> int:
        return len(self._archive)

    def __iter__(self) -> Iterator[Record]:
        native, population = self._archive._native, self._archive.population
        groups = native.groups()
        last = {cell: (g, k) for g, group in enumerate(groups) if group[0] == population for k, cell in enumerate(group[2])}
        for number, group in enumerate(groups):
            if group[0] != population:
                continue
            for place, found in enumerate(native.read_group(number)):
                if last[found[0]] == (number, place):
                    yield Record._of(found)


def open_archive(path: PathLike, population: str | None = None, *, max_cells: int | None = None) -> Archive:
    """Open an archive, ``.vdfa``, for reading.

    Parameters
    ----------
    path : str or os.PathLike
        The file.
    population : str, optional
        The population whose cells are read; the first by default.
    max_cells : int, optional
        Most cells of a velocity grid, 2**26 by default.

    Returns
    -------
    Archive
        A mapping of cells to records.
    """
    return Archive(Path(path), population, max_cells=max_cells)


def _reopened(source: Path | bytes, population: str | None, max_cells: int | None) -> Archive:
    return Archive(source, population, max_cells=max_cells)


class ArchiveWriter:
    """Writes an archive cell by cell, in a ``with`` statement.

    A thread encodes the cells before while the next is made. The file has a temporary name beside the final one until
    the ``with`` statement ends; if it ends with an exception, nothing is left under either name. Of a process that was
    killed, the temporary file is an archive that can be read up to its last whole group. The bytes do not depend on the
    number of threads.

    Parameters
    ----------
    path : str, os.PathLike or None
        The file; with None `getvalue` gives the bytes.
    spec : str
        The basis and its options.
    population : str
        Name of the population, unless `write` says another.
    append : bool
        Go on at the end of the archive that is there.
    group : int, optional
        Cells coded together, 32 by default: more take fewer bytes, but to read one decodes those before it.
    threads : int, optional
        Threads that encode; as many as there are processors by default.
    skip_errors : bool
        Leave out cells that cannot be encoded, and list them in `skipped`, in place of raising.

    Examples
    --------
    >>> import tempfile, os, vdf_basis as vb
    >>> path = os.path.join(tempfile.mkdtemp(), "run.vdfa")
    >>> with vb.ArchiveWriter(path, "fast:l2=0.05") as archive:
    ...     for cell, f in enumerate(vb.synthetic_population("shock", 3, cells=12)):
    ...         archive.write(cell, f, time=0.5)
    >>> vb.open_archive(path)[1].time
    0.5
    """

    def __init__(
        self,
        path: PathLike | None,
        spec: str,
        *,
        population: str = "proton",
        append: bool = False,
        group: int | None = None,
        threads: int | None = None,
        skip_errors: bool = False,
    ) -> None:
        self.spec = _native.normalise_spec(spec)
        self.population = population
        self._path = None if path is None else Path(path)
        self._value: bytes | None = None
        if append and self._path is None:
            raise ValueError("append=True is not allowed without a path")
        # An archive that is continued is safe as it is: its groups stay whole.
        self._part = self._path
        if self._path is not None and not append:
            self._part = self._path.with_name(f"{self._path.name}.{os.getpid()}-{id(self):x}.part")
        self._native = _native.Writer(self._part, append, group, threads, skip_errors)

    def write(
        self,
        cell: SupportsIndex,
        f: DistributionLike,
        *,
        grid: Grid | None = None,
        extent: Extent | None = None,
        time: float | None = None,
        position: Sequence[float] | None = None,
        magnetic_field: Sequence[float] | None = None,
        population: str | None = None,
        spec: str | None = None,
    ) -> None:
        """Add a cell; facts that are not given are those of ``f``, if it has them.

        Parameters
        ----------
        cell : int
            Number of the cell, at most 2**61.
        f, grid, extent
            As for `compress`; the densities are copied.
        time : float, optional
            Time of the simulation [s].
        position, magnetic_field : three floats, optional
            Centre of the cell [m], and magnetic field in it [T].
        population, spec : str, optional
            Other than the archive's; a new group begins.
        """
        values, on = resolve(f, grid, extent)
        facts = (
            _fact(time, f, "time"),
            _fact(position, f, "position"),
            _fact(magnetic_field, f, "magnetic_field"),
        )
        self._native.add(
            as_index(cell, "cell"),
            values,
            on,
            self.spec if spec is None else _native.normalise_spec(spec),
            population if population is not None else self.population,
            facts,
        )

    def flush(self) -> None:
        """Wait until all cells are written; the next begins a new group."""
        self._native.flush()

    @property
    def skipped(self) -> dict[int, str]:
        """Cells that were left out so far, and why."""
        return dict(self._native.skipped())

    def close(self) -> None:
        """Write what is waiting and the index, and give the file its name."""
        if self._native.is_closed():
            return
        try:
            self._value = self._native.finish()
        except BaseException:
            self._discard()
            raise
        if self._part is not None and self._path is not None and self._part != self._path:
            os.replace(self._part, self._path)

    def getvalue(self) -> bytes:
        """Return the bytes of an archive that was written without a path, and close it."""
        if self._path is not None:
            raise ValueError(f"the archive is written to {self._path}")
        self.close()
        if self._value is None:
            raise ValueError("the writing has failed, so that there are no bytes")
        return self._value

    def _discard(self) -> None:
        self._native.abort()
        if self._part is not None and self._part != self._path:
            self._part.unlink(missing_ok=True)

    def __enter__(self) -> ArchiveWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._discard()


def _fact(given: Any, f: object, name: str) -> Any:
    value = given if given is not None else getattr(f, name, None)
    if value is None:
        return None
    value = in_si(value, {"time": TIME, "position": LENGTH, "magnetic_field": FIELD}[name], name)
    if name == "time":
        return float(value)
    numbers = [float(number) for number in value]
    if len(numbers) != 3:
        raise ValueError(f"{name} = {value!r} is not allowed: three numbers")
    return numbers


def write_archive(
    path: PathLike | None,
    cells: Iterable[DistributionLike | Record | tuple[int, DistributionLike]] | Mapping[int, DistributionLike],
    spec: str,
    *,
    grid: Grid | None = None,
    extent: Extent | None = None,
    population: str = "proton",
    group: int | None = None,
    threads: int | None = None,
) -> bytes | None:
    """Write an archive of cells.

    Parameters
    ----------
    path : str, os.PathLike or None
        The file; with None the bytes are returned.
    cells : iterable or mapping
        Distributions, pairs of a cell's number and a distribution, or a mapping of both. Distributions without a number
        are counted from 0. An iterable is taken bit by bit, so that the population need not fit in memory.
    spec : str
        The basis and its options.
    grid, extent
        As for `compress`.
    population, group, threads
        As for `ArchiveWriter`.

    Returns
    -------
    bytes or None

    Examples
    --------
    >>> import vdf_basis as vb
    >>> data = vb.write_archive(None, vb.synthetic_population("shock", 6, cells=16), "fast:l2=0.03")
    >>> len(vb.Archive.from_bytes(data))
    6
    """
    pairs = cells.items() if isinstance(cells, Mapping) else cells
    with ArchiveWriter(path, spec, population=population, group=group, threads=threads) as archive:
        for count, each in enumerate(pairs):
            cell, f = each if isinstance(each, tuple) and len(each) == 2 else (None, each)
            own = getattr(f, "cell", None)
            number = cell if cell is not None else own if own is not None else count
            archive.write(cast(int, number), cast(DistributionLike, f), grid=grid, extent=extent)
        return archive.getvalue() if path is None else None
