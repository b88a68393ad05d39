"""Trees, transforms and components as classes that are fitted to one distribution each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._arrays import FloatArray
from ._model import Model

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ._models import PerAxis

__all__ = ["PCA", "Cosine", "Octree", "Wavelet"]


class Octree(Model):
    """A tree of boxes, each with the exponential of a polynomial or a polynomial of its own.

    Parameters
    ----------
    leaf : {"log", "linear", "best"}
        Exponentials, polynomials, or the cheaper of both.
    degree : int or "auto"
        Degree of the polynomials, 0 to 6; ``"auto"`` chooses for each box.
    l2, linf : float, optional
        As few coefficients as leave at most this error; ``l2=0.05`` by default.
    coefficients : int, optional
        The least error with at most so many coefficients.
    split : {"axis", "octants"}
        Two parts along the best axis, or eight.
    smallest : int
        No axis is cut into parts of fewer cells.
    align : int
        Cuts at multiples of so many cells.
    refine : {"none", "splits"}
        Whether cuts may leave the middle.
    blend : bool
        On other grids, boxes run into each other over one cell.

    Attributes
    ----------
    boxes_ : ndarray of shape (n_leaves, 3, 2)
        First cell, and first cell beyond, of each box along each axis.
    models_ : list of (str, int)
        Kind and degree of each: ``"empty"``, ``"polynomial"``, ``"exponential"`` or ``"cells"``.
    sizes_ : list of int
        Coefficients of each.
    coef_ : ndarray
        The coefficients, box after box.

    Examples
    --------
    >>> import vdf_basis as vb
    >>> f = vb.synthetic("beams", cells=20)
    >>> fit = vb.Octree(l2=0.1).fit(f)
    >>> fit.fidelity(f).l2 <= 0.1, len(fit.models_) == len(fit.boxes_)
    (True, True)
    """

    _name = "octree"
    boxes_: npt.NDArray[np.int64]
    models_: list[tuple[str, int]]
    sizes_: list[int]
    coef_: FloatArray

    def __init__(
        self,
        *,
        leaf: str = "log",
        degree: int | str = "auto",
        l2: float | None = None,
        linf: float | None = None,
        coefficients: int | None = None,
        split: str = "axis",
        smallest: int = 3,
        align: int = 1,
        refine: str = "none",
        blend: bool = False,
    ) -> None:
        self.leaf = leaf
        self.degree = degree
        self.l2 = l2
        self.linf = linf
        self.coefficients = coefficients
        self.split = split
        self.smallest = smallest
        self.align = align
        self.refine = refine
        self.blend = blend


class Cosine(Model):
    """The discrete cosine transform, of the whole grid or of blocks.

    Parameters
    ----------
    block : int or (int, int, int), optional
        Cells of a block along each axis; the whole grid by default.
    keep : int or (int, int, int), optional
        Coefficients that are kept along each axis, those of the lowest degrees; all by default.
    padding : {"mirror", "zeros"}
        What stands in the last block behind the edge.
    terms : int, optional
        Keep so many terms, those with the largest coefficients.
    threshold : float, optional
        Keep coefficients that are larger in size.
    discard : float, optional
        Keep as few terms as leave this share of the norm.

    Attributes
    ----------
    coef_ : ndarray of shape (n,)
        Coefficients [s^3 m^-6].
    terms_ : ndarray of shape (n, 6)
        Block along each axis, and degree along each axis, of each.

    Examples
    --------
    >>> import vdf_basis as vb
    >>> vb.Cosine(terms=100).fit(vb.synthetic("kappa", cells=20)).coef_.shape
    (100,)
    """

    _name = "cosine"
    coef_: FloatArray
    terms_: npt.NDArray[np.int64]

    def __init__(
        self,
        *,
        block: PerAxis | None = None,
        keep: PerAxis | None = None,
        padding: str = "mirror",
        terms: int | None = None,
        threshold: float | None = None,
        discard: float | None = None,
    ) -> None:
        self.block = block
        self.keep = keep
        self.padding = padding
        self.terms = terms
        self.threshold = threshold
        self.discard = discard


class Wavelet(Model):
    """The discrete wavelet transform.

    Parameters
    ----------
    filter : str
        Such as ``"bior4.4"``, ``"sym8"``, ``"db4"`` or ``"haar"``.
    boundary : {"whole-sample", "periodic", "symmetric"}, optional
        What stands beyond the edges; the first where the filter allows it.
    level : int, optional
        Levels; 2 by default, or as many as there is room for.
    soft : float, optional
        Details are brought nearer to zero by this much [s^3 m^-6].
    terms, threshold, discard : optional
        Which terms are kept, as for `Cosine`.
    rounding : "int8", optional
        To multiples of the largest coefficient over 127.
    step : float, optional
        Round to multiples of this [s^3 m^-6].

    Attributes
    ----------
    coef_ : ndarray of shape (n,)
        Every coefficient, in the order of PyWavelets.
    step_ : float or None
        The step of which they are multiples, if they were rounded.

    Examples
    --------
    >>> import vdf_basis as vb
    >>> f = vb.synthetic("kappa", cells=20)
    >>> vb.Wavelet(terms=200).fit(f).fidelity(f).l2 < 0.2
    True
    """

    _name = "wavelet"
    coef_: FloatArray
    step_: float | None

    def __init__(
        self,
        *,
        filter: str = "bior4.4",
        boundary: str | None = None,
        level: int | None = None,
        soft: float | None = None,
        terms: int | None = None,
        threshold: float | None = None,
        discard: float | None = None,
        rounding: str | None = None,
        step: float | None = None,
    ) -> None:
        self.filter = filter
        self.boundary = boundary
        self.level = level
        self.soft = soft
        self.terms = terms
        self.threshold = threshold
        self.discard = discard
        self.rounding = rounding
        self.step = step


class PCA(Model):
    """Principal components of the slices of one distribution.

    Parameters
    ----------
    n_components : int
        Components that are kept; fewer where fewer describe the slices exactly.
    axis : {"x", "y", "z"}
        Axis across which the slices lie.
    values : {"log10", "linear"}
        Decades above a floor, or the densities themselves.
    floor : float, optional
        The floor of the decades; a millionth of the peak by default.

    Attributes
    ----------
    mean_ : ndarray of shape (n_cells,)
        The mean slice, in C order of the two other axes.
    components_ : ndarray of shape (n_components, n_cells)
        The components, unit vectors, the most important first.
    scores_ : ndarray of shape (n_components, n_slices)
        How much each slice has of every component.
    floor_ : float or None
        The floor of the decades.

    Examples
    --------
    >>> import vdf_basis as vb
    >>> fit = vb.PCA(n_components=5).fit(vb.synthetic("ring", cells=20))
    >>> fit.components_.shape, fit.scores_.shape
    ((5, 320), (5, 20))
    """

    _name = "pca"
    _keys = {"n_components": "components"}
    mean_: FloatArray
    components_: FloatArray
    scores_: FloatArray
    floor_: float | None

    def __init__(
        self, *, n_components: int = 30, axis: str = "x", values: str = "log10", floor: float | None = None
    ) -> None:
        self.n_components = n_components
        self.axis = axis
        self.values = values
        self.floor = floor
