"""Archives: the distributions of many cells in one file, read."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeAlias, cast

from . import _native
from ._arrays import as_index
from ._distribution import Distribution
from ._native import Expansion, Grid
from ._results import Moments

if TYPE_CHECKING:
    import xarray

    from ._arrays import FloatArray

    PathLike: TypeAlias = str | os.PathLike[str]

__all__ = ["Archive", "ArchiveInfo", "ArchiveSet", "Record", "open_archive"]

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
    def lost_cells(self) -> int:
        """Number of cells that cannot be read, because their population, grid and basis are damaged."""
        return self._native.lost_cells()

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
