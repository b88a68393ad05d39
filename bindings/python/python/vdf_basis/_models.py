"""Physical expansions as classes that are fitted to one distribution each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from ._arrays import FloatArray
from ._model import Model
from ._native import Expansion

if TYPE_CHECKING:
    import numpy.typing as npt

    Vector: TypeAlias = "Sequence[float] | npt.NDArray[np.floating[Any]]"
    PerAxis: TypeAlias = int | tuple[int, int, int]

__all__ = ["Hermite", "Maxwellian", "Mixture", "SphericalHarmonics"]


class Maxwellian(Model):
    """One Maxwellian: a density, a centre, and widths.

    Parameters
    ----------
    method : {"least-squares", "moments"}
        Smallest sum of squared errors over the cells, or the distribution's own density, bulk velocity and variances.
    covariance : {"diagonal", "isotropic", "full"}
        A width for each axis of the grid, one for all, or widths along axes of its own.

    Attributes
    ----------
    peak_ : float
        Highest density [s^3 m^-6].
    density_ : float
        Number density over all of velocity space [m^-3].
    centre_ : ndarray of shape (3,)
        Centre [m/s].
    widths_ : ndarray of shape (3,)
        Standard deviations along the axes [m/s].
    axes_ : ndarray of shape (3, 3)
        The axes, one a row.
    covariance_ : ndarray of shape (3, 3)
        Covariance of velocity [m^2/s^2].
    n_iter_, converged_ : int, bool
        Steps of the search, and whether it ended at a minimum; set where one was made.

    Examples
    --------
    >>> import vdf_basis as vb
    >>> fit = vb.Maxwellian().fit(vb.synthetic("maxwellian", cells=24))
    >>> fit.widths_.round(-3)
    array([300000., 300000., 300000.])
    """

    _name = "maxwellian"
    _keys = {"method": "fit"}
    peak_: float
    density_: float
    centre_: FloatArray
    widths_: FloatArray
    axes_: FloatArray
    covariance_: FloatArray

    def __init__(self, *, method: str = "least-squares", covariance: str = "diagonal") -> None:
        self.method = method
        self.covariance = covariance


class Hermite(Model):
    """Hermite functions about a centre, with a width along each of three axes.

    Parameters
    ----------
    order : int or (int, int, int)
        Functions along each axis, at most 128.
    truncation : {"cube", "total-degree", "hyperbolic-cross"}
        Which products are kept.
    terms : int, optional
        Keep so many terms of the cube, those with the largest coefficients.
    weight : {"symmetric", "asymmetric"}
        Weight of the functions.
    projection : {"least-squares", "quadrature"}
        How coefficients are found on the cells.
    search : {"residual", "fitted", "moments"}, optional
        Where centre and widths come from; by default they leave the smallest residual.
    scale : float, optional
        Factor of the widths, with ``search="fitted"`` and ``"moments"``.
    centre, scales : three floats, optional
        A given frame in place of a search.
    frame : {"grid", "pressure", "field-aligned"}
        Axes of the functions.
    field : three floats, optional
        Magnetic field, with ``frame="field-aligned"``: the third axis lies along it.

    Attributes
    ----------
    coef_ : ndarray of shape (mx, my, mz)
        Coefficients of the products of functions of degree a, b and c; zero where no term is kept.
    terms_ : ndarray of shape (n, 3)
        Degrees of the terms that are kept.
    centre_, widths_, axes_ : ndarray
        The frame [m/s].
    orders_ : list of int
        Functions along each axis: those asked for, or what the cells resolve.

    Examples
    --------
    >>> import vdf_basis as vb
    >>> f = vb.synthetic("ring", cells=24)
    >>> fit = vb.Hermite(order=10).fit(f)
    >>> fit.coef_.shape, fit.spectrum()["total_degree"].shape
    ((10, 10, 10), (28,))
    >>> fit.score(f) > 0.98
    True
    """

    _name = "hermite"
    coef_: FloatArray
    terms_: npt.NDArray[np.int64]
    centre_: FloatArray
    widths_: FloatArray
    axes_: FloatArray
    orders_: list[int]

    def __init__(
        self,
        *,
        order: PerAxis = 15,
        truncation: str = "cube",
        terms: int | None = None,
        weight: str = "symmetric",
        projection: str = "least-squares",
        search: str | None = None,
        scale: float | None = None,
        centre: Vector | None = None,
        scales: Vector | None = None,
        frame: str = "grid",
        field: Vector | None = None,
    ) -> None:
        self.order = order
        self.truncation = truncation
        self.terms = terms
        self.weight = weight
        self.projection = projection
        self.search = search
        self.scale = scale
        self.centre = centre
        self.scales = scales
        self.frame = frame
        self.field = field

    def spectrum(self) -> dict[str, Any]:
        """Return the power by degree: squared coefficients, summed.

        Returns
        -------
        dict
            ``total_degree``: by a + b + c; ``axis``: three arrays, by the degree along each axis; ``unit``: divisor of the
            coefficients before they are squared, 1 for all but extreme densities. Arrays are labelled, if a labelled array
            was fitted.
        """
        self._check_fitted()
        found = _power(self.expansion_)
        found["total_degree"] = self._series(found["total_degree"], "degree")
        found["axis"] = [self._series(axis, "degree") for axis in found["axis"]]
        return found


class SphericalHarmonics(Model):
    """Spherical harmonics times functions of the speed, about a centre.

    Parameters
    ----------
    method : {"joint", "misner", "burnett"}
        One least-squares problem with splines; shell by shell; or Burnett's functions.
    degree : int
        Highest degree l, with ``"burnett"`` the total degree 2 n + l; at most 32.
    shells : int
        Functions of the speed, or spheres; 3 to 1000.
    placing : {"uniform", "data"}
        Equal steps to the farthest cell, or to the radius that holds 99.9 % of the sum of f^2.
    radius : float, optional
        Nothing is represented beyond it [m/s].
    centre : {"half-cell", "bulk", "search"} or three floats
        The centre [m/s].
    field : three floats, optional
        Magnetic field: the polar axis lies along it.
    half_width, order, resolution : optional
        With ``"misner"``: of a shell in cells, of the radial polynomials, and of the highest degree.
    width : float, optional
        With ``"burnett"``: width of the functions [m/s]; searched by default.

    Attributes
    ----------
    coef_ : ndarray of shape (n,)
        Amplitudes [s^3 m^-6].
    terms_ : ndarray of shape (n, 3)
        Shell, l and m of each.
    centre_ : ndarray of shape (3,)
        The centre [m/s].
    degrees_ : list of int
        Highest degree in each shell; -1 where it has none.

    Examples
    --------
    >>> import vdf_basis as vb
    >>> fit = vb.SphericalHarmonics(degree=4, shells=40).fit(vb.synthetic("shell", cells=30))
    >>> fit.spectrum()["anisotropy"] < 1e-6
    True
    """

    _name = "spherical"
    coef_: FloatArray
    terms_: npt.NDArray[np.int64]
    centre_: FloatArray
    degrees_: list[int]

    def __init__(
        self,
        *,
        method: str = "joint",
        degree: int = 10,
        shells: int = 50,
        placing: str = "uniform",
        radius: float | None = None,
        centre: str | Vector = "half-cell",
        field: Vector | None = None,
        half_width: float | None = None,
        order: int | None = None,
        resolution: float | None = None,
        width: float | None = None,
    ) -> None:
        self.method = method
        self.degree = degree
        self.shells = shells
        self.placing = placing
        self.radius = radius
        self.centre = centre
        self.field = field
        self.half_width = half_width
        self.order = order
        self.resolution = resolution
        self.width = width

    def spectrum(self) -> dict[str, Any]:
        """Return the power by degree l and by order m.

        Returns
        -------
        dict
            ``degree`` and ``order``: integrated over all speeds; ``radii``, ``sphere_degree`` and ``sphere_order``: on
            single spheres, one a row; ``gyrotropy``: the part that is the same all around the polar axis; ``anisotropy``:
            the part that depends on direction; ``unit``: divisor of the densities before they are squared. The first two
            are labelled, if a labelled array was fitted.
        """
        self._check_fitted()
        found = _power(self.expansion_)
        for name in ("degree", "order"):
            found[name] = self._series(found[name], name)
        return found

    def on_sphere(self, radius: float) -> FloatArray:
        """Return the amplitude of every harmonic on a sphere about the centre.

        Parameters
        ----------
        radius : float
            Distance from the centre [m/s].

        Returns
        -------
        ndarray of shape ((degree + 1)**2,)
            f_lm [s^3 m^-6] in the order l^2 + l + m; zero beyond the outermost shell.
        """
        self._check_fitted()
        found = self.expansion_.on_sphere(radius)
        assert found is not None
        return found


class Mixture(Model):
    """A sum of Gaussians, or of kappa distributions: populations with a density, a drift and a temperature.

    Parameters
    ----------
    n_components : int
        Components, 1 to 256; the largest number where it is chosen.
    covariance : {"full", "tied", "diagonal", "spherical", "field-aligned"}
        Kind of the covariances; ``"field-aligned"`` are gyrotropic about ``field``.
    field : three floats, optional
        Magnetic field.
    kappa : float, optional
        Index of kappa components, above 3/2; Gaussians by default.
    refine : {"least-squares", "none", "log10"}
        After expectation maximisation: least squares of the densities, nothing, or least squares of their logarithms.
    floor : float, optional
        With ``refine="log10"``: the density above which logarithms count.
    start : {"auto", "k-means", "moment-split", "greedy"}
        Where the search begins.
    select : {"fixed", "bic", "mml", "l2"}
        How the number of components is chosen.
    l2 : float, optional
        With ``select="l2"``: the error to reach.
    samples : float, optional
        Effective samples of the criteria.
    seed, tolerance, iterations : optional
        Of the searches.

    Attributes
    ----------
    weights_ : ndarray of shape (n_components,)
        Shares of the density, by descending size.
    densities_ : ndarray of shape (n_components,)
        Number densities [m^-3].
    means_ : ndarray of shape (n_components, 3)
        Drifts [m/s].
    covariances_ : ndarray of shape (n_components, 3, 3)
        Covariances of velocity [m^2/s^2].
    widths_, axes_ : ndarray
        Thermal speeds of each component [m/s], and the axes they belong to, one a row.
    kappa_ : float or None
        Index of kappa components.
    n_iter_, converged_ : int, bool
        Steps of the last search, and whether it ended at a minimum.

    Examples
    --------
    >>> import vdf_basis as vb
    >>> fit = vb.Mixture(n_components=2).fit(vb.synthetic("beams", cells=24))
    >>> fit.weights_.round(2)
    array([0.7, 0.3])
    >>> fit.means_[:, 0].round(-3)
    array([-300000.,  600000.])
    """

    _name = "mixture"
    _keys = {"n_components": "components"}
    densities_: FloatArray
    weights_: FloatArray
    means_: FloatArray
    covariances_: FloatArray
    widths_: FloatArray
    axes_: FloatArray
    kappa_: float | None

    def __init__(
        self,
        *,
        n_components: int = 15,
        covariance: str = "full",
        field: Vector | None = None,
        kappa: float | None = None,
        refine: str = "least-squares",
        floor: float | None = None,
        start: str = "auto",
        select: str = "fixed",
        l2: float | None = None,
        samples: float | None = None,
        seed: int = 0,
        tolerance: float = 1e-4,
        iterations: int = 200,
    ) -> None:
        self.n_components = n_components
        self.covariance = covariance
        self.field = field
        self.kappa = kappa
        self.refine = refine
        self.floor = floor
        self.start = start
        self.select = select
        self.l2 = l2
        self.samples = samples
        self.seed = seed
        self.tolerance = tolerance
        self.iterations = iterations

    def _learn(self, expansion: Expansion) -> None:
        super()._learn(expansion)
        self.weights_ = self.densities_ / self.densities_.sum()

    def sample(
        self, n_samples: int = 1, *, random_state: int | np.random.Generator | None = None
    ) -> tuple[FloatArray, npt.NDArray[np.intp]]:
        """Return velocities drawn from the mixture, and the component of each.

        Parameters
        ----------
        n_samples : int
            Their number.
        random_state : int or numpy.random.Generator, optional
            Seed, or source of random numbers.

        Returns
        -------
        velocities : ndarray of shape (n_samples, 3)
        components : ndarray of shape (n_samples,)

        Examples
        --------
        >>> import vdf_basis as vb
        >>> fit = vb.Mixture(n_components=2).fit(vb.synthetic("beams", cells=24))
        >>> velocities, components = fit.sample(1000, random_state=1)
        >>> velocities.shape, components.shape
        ((1000, 3), (1000,))
        """
        self._check_fitted()
        rng = np.random.default_rng(random_state)
        components = rng.choice(len(self.weights_), size=n_samples, p=self.weights_ / self.weights_.sum())
        # Principal coordinates, then the axes, one a row.
        xi = rng.standard_normal((n_samples, 3)) * self.widths_[components]
        if self.kappa_ is not None:
            # A kappa distribution is Student's t of 2 kappa - 1 degrees of freedom, of the same covariance.
            freedom = 2.0 * self.kappa_ - 1.0
            xi *= np.sqrt((freedom - 2.0) / rng.chisquare(freedom, size=(n_samples, 1)))
        velocities = self.means_[components] + np.einsum("ni,nij->nj", xi, self.axes_[components])
        return velocities, components


def _power(expansion: Expansion) -> dict[str, Any]:
    found = expansion.spectrum()
    assert found is not None
    return found
