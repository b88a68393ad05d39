"""Parameters of the HDF5 filter of vdf-basis, for h5py and h5repack.

    import h5py, vdf_basis_hdf5 as vdf
    file.create_dataset("f", data=f, chunks=(16, 50, 50, 50), **vdf.options("conserve(fast:l2=0.01)"))

    h5repack -f "$(python3 vdf_basis_hdf5.py 'conserve(fast:l2=0.01)')" in.h5 out.h5

docs/hdf5.md introduces the filter.
"""

import sys

FILTER = 317
"""The filter's id. It is in the range for testing, 256 to 511, and not registered with the HDF Group."""

PACKING = 1
"""The version of the packing, the first value."""

MAX_SPEC = 1000
"""Most bytes of a spec: HDF5 hands a filter 256 values at most."""


def pack(spec):
    """The values of the filter: the version of the packing, the bytes of the spec, and these, four in a value."""
    text = spec.encode()
    if not 0 < len(text) <= MAX_SPEC:
        raise ValueError(f"a spec of {len(text)} bytes; allowed are 1 to {MAX_SPEC}")
    padded = text + bytes(-len(text) % 4)
    words = (int.from_bytes(padded[k : k + 4], "little") for k in range(0, len(padded), 4))
    return (PACKING, len(text), *words)


def unpack(values):
    """The spec of such values, for example of `dataset.id.get_create_plist().get_filter(0)[2]`."""
    if len(values) < 2 or values[0] != PACKING:
        raise ValueError(f"values {values[:2]}; allowed is a packing of version {PACKING}")
    return b"".join(int(word).to_bytes(4, "little") for word in values[2:])[: values[1]].decode()


def options(spec):
    """Arguments of h5py's `create_dataset`."""
    return {"compression": FILTER, "compression_opts": pack(spec)}


def repack(spec):
    """The argument of `h5repack -f`."""
    values = pack(spec)
    return f"UD={FILTER},0,{len(values)}," + ",".join(map(str, values))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} SPEC")
    print(repack(sys.argv[1]))
