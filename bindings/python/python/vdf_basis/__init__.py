"""Velocity distribution functions as coefficients of an analytic basis, and back.

Streams of a few hundred bytes that keep an error bound, exact moments, archives of many cells, and fits as classes::

    import vdf_basis as vb

    f = vb.synthetic("beams", cells=40)            # or your own array, with grid= or extent=
    stream = vb.compress(f, "balanced:l2=0.02")    # bytes
    g = vb.decompress(stream)                      # an array
    vb.compare(f, g)                               # every error, those of the moments too

Arrays have the axes (vx, vy, vz), in C order by default: ``f[i, j, k]`` is the density at the centre of cell i along vx, j
along vy and k along vz.
"""

from __future__ import annotations

import sys

from ._arrays import grid_of_centres
from ._archive import Archive, ArchiveInfo, ArchiveSet, Record, open_archive
from ._archive_writer import ArchiveWriter, write_archive
from ._distribution import Distribution
from ._functions import bases, combinators, compare, compress, decompress, expand, info, moments, parse_spec
from ._models import Hermite, Maxwellian, Mixture, SphericalHarmonics
from ._native import Expansion, Grid, LearntPca, PcaAccumulator, StreamError, VlsvFile, __version__
from ._parameters import NotFittedError
from ._population_pca import PopulationPCA
from ._results import Fidelity, Moments, StreamInfo
from ._synthetic import synthetic, synthetic_names, synthetic_population
from ._transforms import PCA, Cosine, Octree, Wavelet
from ._vlsv import from_blocks, from_vlsv

__all__ = [
    "Archive",
    "ArchiveInfo",
    "ArchiveSet",
    "ArchiveWriter",
    "Cosine",
    "Distribution",
    "Expansion",
    "Fidelity",
    "Grid",
    "Hermite",
    "LearntPca",
    "Maxwellian",
    "Mixture",
    "Moments",
    "NotFittedError",
    "Octree",
    "PCA",
    "PcaAccumulator",
    "PopulationPCA",
    "Record",
    "SphericalHarmonics",
    "StreamError",
    "StreamInfo",
    "VlsvFile",
    "Wavelet",
    "__version__",
    "bases",
    "combinators",
    "compare",
    "compress",
    "decompress",
    "expand",
    "from_blocks",
    "from_vlsv",
    "grid_of_centres",
    "info",
    "moments",
    "open_archive",
    "parse_spec",
    "synthetic",
    "synthetic_names",
    "synthetic_population",
    "write_archive",
]

if "xarray" in sys.modules:
    # Registers ``da.vdf``, without an import of xarray where nobody wants it.
    from . import xarray as _accessor

del sys
