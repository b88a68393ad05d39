"""Serializer for arrays of Zarr version 3: each chunk holds whole distributions, as bytes that keep an error bound.

It is found by its name, ``vdf_basis``, wherever this package is installed: who reads a store need not import anything.
"""

from __future__ import annotations

import asyncio
from abc import ABCMeta
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from zarr.abc.codec import ArrayBytesCodec

from ._chunks import SaysWhereItGoes, check_group, check_spec, decode_cells, encode_cells, grid_from_json, grid_to_json
from ._native import Grid

if TYPE_CHECKING:
    from typing import Self

    import xarray
    from zarr.core.array_spec import ArraySpec
    from zarr.core.buffer import Buffer, NDBuffer

__all__ = ["VdfBasisCodec", "encoding"]

_NAME = "vdf_basis"


class _Serializer(SaysWhereItGoes, ABCMeta):
    _usage = 'which makes bytes of arrays: write serializer=VdfBasisCodec("fast:l2=0.03"), compressors=None'


@dataclass(frozen=True, init=False)
class VdfBasisCodec(ArrayBytesCodec, metaclass=_Serializer):
    """Codec of arrays whose last three axes are vx, vy and vz.

    It goes to ``zarr.create_array(serializer=...)``, with ``compressors=None``, since its bytes are dense. Chunks hold whole
    velocity grids: ``chunks=(24, nx, ny, nz)`` codes 24 distributions together, which takes fewer bytes than one by one, but
    to read one of them decodes the chunk. The bytes of a chunk are an archive, which `Archive.from_bytes` reads, too.

    Parameters
    ----------
    spec : str
        Basis and bound, such as ``"fast:l2=0.03"``.
    grid : Grid, optional
        The velocity grid; index units by default. Bounds on errors do not depend on it.
    group : int, optional
        Distributions of a chunk that are coded together; 32 by default.

    Examples
    --------
    >>> import numpy as np, zarr, vdf_basis as vb
    >>> from vdf_basis.zarr import VdfBasisCodec
    >>> cells = np.stack([cell.f for cell in vb.synthetic_population("shock", 6, cells=12)])
    >>> codec = VdfBasisCodec("fast:l2=0.05")
    >>> array = zarr.create_array(
    ...     {}, shape=cells.shape, chunks=(3, 12, 12, 9), dtype="f8", serializer=codec, compressors=None
    ... )
    >>> array[:] = cells
    >>> vb.compare(cells[4], array[4]).l2 <= 0.05
    True
    """

    is_fixed_size = False

    spec: str
    grid: Grid | None
    group: int | None

    def __init__(self, spec: str, *, grid: Grid | Mapping[str, Any] | None = None, group: int | None = None) -> None:
        object.__setattr__(self, "spec", check_spec(spec))
        object.__setattr__(self, "grid", grid_from_json(grid))
        object.__setattr__(self, "group", check_group(group))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the codec of its JSON form."""
        configuration = data.get("configuration")
        if data.get("name") != _NAME or not isinstance(configuration, Mapping):
            raise ValueError(f"{data!r} is not the JSON form of the codec {_NAME!r}")
        try:
            return cls(**configuration)
        except TypeError as problem:
            raise TypeError(f"the configuration of the codec {_NAME!r} is not allowed: {problem}") from None

    def to_dict(self) -> dict[str, Any]:
        """Return the codec as JSON has it."""
        configuration: dict[str, Any] = {"spec": self.spec}
        if self.grid is not None:
            configuration["grid"] = grid_to_json(self.grid)
        if self.group is not None:
            configuration["group"] = self.group
        return {"name": _NAME, "configuration": configuration}

    def validate(self, *, shape: tuple[int, ...], dtype: Any, chunk_grid: Any) -> None:
        """Refuse arrays that are not distributions, and chunks that cut velocity grids."""
        native = dtype.to_native_dtype()
        if native.kind != "f" or native.itemsize not in (4, 8):
            raise TypeError(f"the array is of dtype {native}; the codec {_NAME!r} keeps float32 or float64")
        if len(shape) < 3:
            raise ValueError(f"the array has the shape {shape}; its last three axes must be vx, vy, vz")
        chunks = getattr(chunk_grid, "chunk_shape", None)
        if chunks is not None and tuple(chunks[-3:]) != tuple(shape[-3:]):
            wanted = (*chunks[:-3], *shape[-3:])
            raise ValueError(f"chunks = {tuple(chunks)} cut the velocity grid of {tuple(shape[-3:])} cells: write chunks={wanted}")
        if self.grid is not None and self.grid.shape != tuple(shape[-3:]):
            raise ValueError(f"the array has {tuple(shape[-3:])} velocity cells, but the grid of the codec {self.grid.shape}")

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: ArraySpec) -> int:
        """Raise NotImplementedError: the number of bytes depends on the densities."""
        raise NotImplementedError

    async def _encode_single(self, chunk_data: NDBuffer, chunk_spec: ArraySpec) -> Buffer | None:
        cells = np.asarray(chunk_data.as_numpy_array())
        data = await asyncio.to_thread(
            encode_cells, cells, self.spec, grid=self.grid, group=self.group, fill=chunk_spec.fill_value
        )
        return chunk_spec.prototype.buffer.from_bytes(data)

    async def _decode_single(self, chunk_data: Buffer, chunk_spec: ArraySpec) -> NDBuffer:
        cells = await asyncio.to_thread(
            decode_cells,
            chunk_data.to_bytes(),
            shape=chunk_spec.shape,
            dtype=chunk_spec.dtype.to_native_dtype(),
            fill=chunk_spec.fill_value,
        )
        return chunk_spec.prototype.nd_buffer.from_numpy_array(cells)


def encoding(array: xarray.DataArray, spec: str, *, cells: int = 32) -> dict[str, Any]:
    """Return the encoding with which xarray writes a labelled array to Zarr by this codec.

    Parameters
    ----------
    array : xarray.DataArray
        An array whose last dimensions are vx, vy and vz, with coordinates.
    spec : str
        Basis and bound.
    cells : int
        Cells of a chunk along the dimension before the velocities; of other dimensions one.

    Examples
    --------
    >>> import tempfile, xarray, vdf_basis as vb
    >>> from vdf_basis.zarr import encoding
    >>> archive = vb.Archive.from_bytes(vb.write_archive(None, vb.synthetic_population("shock", 4, cells=12), "fast:l2=0.01"))
    >>> f = archive.to_xarray()
    >>> path = tempfile.mkdtemp()
    >>> written = f.to_dataset().to_zarr(path, mode="w", encoding={"f": encoding(f, "fast:l2=0.05")}, consolidated=False)
    >>> vb.compare(f[2], xarray.open_zarr(path, consolidated=False).f[2].compute()).l2 <= 0.05
    True
    """
    from ._xarray import AXES, grid_of_coordinates

    if array.dims[-3:] != AXES:
        raise ValueError(f'the last dimensions of {array.dims} are not vx, vy, vz: write array.transpose(..., "vx", "vy", "vz")')
    others = array.shape[:-3]
    chunks = (*(1 for _ in others[:-1]), *(min(cells, size) for size in others[-1:]), *array.shape[-3:])
    return {
        "serializer": VdfBasisCodec(spec, grid=grid_of_coordinates(array)),
        "chunks": chunks,
        "compressors": None,
        "filters": None,
    }
