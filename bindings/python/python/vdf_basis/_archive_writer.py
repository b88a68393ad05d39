"""Writing archives, cell by cell."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, SupportsIndex, cast

from . import _native
from ._arrays import DistributionLike, Extent, as_index, resolve
from ._native import Grid
from ._units import FIELD, LENGTH, TIME
from ._units import numbers as in_si

if TYPE_CHECKING:
    from ._archive import PathLike, Record

__all__ = ["ArchiveWriter", "write_archive"]


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
        self._closed = False
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
        f, grid, extent : optional
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
        if self._closed:
            return
        self._closed = True
        try:
            if self._native.is_closed():
                raise ValueError("an earlier cell could not be written, so that the archive is not finished")
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
        self._closed = True
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
    grid, extent : optional
        As for `compress`.
    population, group, threads : optional
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
