"""Principal components of a population of distributions, as a transformer of samples."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ._arrays import FloatArray, as_values, same_grid
from ._native import Expansion, Grid, LearntPca, PcaAccumulator
from ._parameters import Parametrised

if TYPE_CHECKING:
    import numpy.typing as npt
    from typing_extensions import Self

__all__ = ["PopulationPCA"]

#: Floor of the decades as a fraction of the peak, where none is given.
_RELATIVE_FLOOR = 1e-6


class PopulationPCA(Parametrised):
    """Principal components of many distributions on one grid: each distribution becomes a few scores.

    A transformer of samples in scikit-learn's manner. Samples are rows of ``nx * ny * nz`` densities in C order, or arrays of
    four axes (cell, vx, vy, vz), or an iterable of distributions.

    Parameters
    ----------
    n_components : int, optional
        Components to learn; by default all that the samples allow.
    values : {"linear", "log10"}
        What the components describe: the densities themselves, or decades above a floor.
    floor : float, optional
        The floor of the decades; by default a millionth of the largest density of the first samples.
    grid : Grid, optional
        The grid of the distributions; by default that of the samples, else index units.
    directions : int, optional
        Keep only so many leading directions, for a bounded memory; twice the components is a good number.
    tolerance : float, optional
        Find components by random projections, to this share of the variance.

    Attributes
    ----------
    components_ : ndarray of shape (n_components_, n_features)
        The components, unit vectors, the most important first.
    mean_ : ndarray of shape (n_features,)
        The mean of the population.
    explained_variance_, explained_variance_ratio_, singular_values_ : ndarray of shape (n_components_,)
        Variances along the components, their shares of all variance, and the singular values of the centred samples.
    floor_ : float or None
        The floor of the decades.
    n_components_, n_features_in_, n_samples_seen_ : int
        Numbers of components, of cells, and of samples taken in.
    grid_ : Grid
        The grid.
    learnt_ : LearntPca
        The basis, which `compress` and `decompress` take.
    accumulator_ : PcaAccumulator
        Mean and covariance so far, which can be merged with those of other processes (`from_accumulator`).

    Examples
    --------
    >>> import numpy as np, vdf_basis as vb
    >>> X = np.stack([cell.f for cell in vb.synthetic_population("shock", 12, cells=12)])
    >>> pca = vb.PopulationPCA(n_components=4).fit(X)
    >>> scores = pca.transform(X)
    >>> scores.shape, pca.inverse_transform(scores).shape
    ((12, 4), (12, 1296))
    >>> bool(pca.explained_variance_ratio_.sum() > 0.9)
    True
    """

    components_: FloatArray
    mean_: FloatArray
    explained_variance_: FloatArray
    explained_variance_ratio_: FloatArray
    singular_values_: FloatArray
    floor_: float | None
    n_components_: int
    n_features_in_: int
    n_samples_seen_: int
    grid_: Grid
    learnt_: LearntPca
    accumulator_: PcaAccumulator

    def __init__(
        self,
        *,
        n_components: int | None = None,
        values: str = "linear",
        floor: float | None = None,
        grid: Grid | None = None,
        directions: int | None = None,
        tolerance: float | None = None,
    ) -> None:
        self.n_components = n_components
        self.values = values
        self.floor = floor
        self.grid = grid
        self.directions = directions
        self.tolerance = tolerance

    def fit(self, X: Any, y: object = None) -> Self:
        """Learn the components of samples.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features) or (n_samples, nx, ny, nz), or iterable of distributions
            The samples.
        y : None
            Ignored.

        Returns
        -------
        self
        """
        for name in [name for name in vars(self) if name.endswith("_") and not name.startswith("_")]:
            delattr(self, name)
        return self.partial_fit(X)

    def partial_fit(self, X: Any, y: object = None) -> Self:
        """Take in more samples, and learn the components of all so far.

        Parameters
        ----------
        X, y
            As for `fit`.

        Returns
        -------
        self
        """
        samples, grid = self._samples(X, at_fit=True)
        first = not hasattr(self, "accumulator_")
        if first:
            self._set_features(X, samples, grid)
            self.floor_ = self._floor(samples)
            self.accumulator_ = PcaAccumulator(self.grid_, self.values, self.floor_, self.directions)
        for sample in samples:
            self.accumulator_.add(sample.reshape(self.grid_.shape))
        return self._learn()

    @classmethod
    def from_accumulator(cls, accumulator: PcaAccumulator, **params: Any) -> Self:
        """Return the components of a population that an accumulator, merged from several, has taken in.

        Parameters
        ----------
        accumulator : PcaAccumulator
            What was taken in; it is copied.
        **params
            Parameters of the constructor besides ``values``, ``floor`` and ``grid``, which the accumulator knows.
        """
        found = cls(**params, values=accumulator.values, floor=accumulator.floor, grid=accumulator.grid)
        found.grid_ = accumulator.grid
        found.n_features_in_ = accumulator.grid.size
        found.floor_ = accumulator.floor
        found.accumulator_ = PcaAccumulator.from_bytes(accumulator.to_bytes())
        return found._learn()

    def _learn(self) -> Self:
        count = self.accumulator_.count
        most = self.n_components
        if most is None:
            most = max(1, min(count, self.n_features_in_))
        elif isinstance(most, (bool, float)) or most < 1:
            raise ValueError(f"n_components = {most!r} is not allowed: a number of components, at least one, or None")
        learnt = self.accumulator_.learn(most, self.tolerance)
        self.learnt_ = learnt
        self.components_ = learnt.components
        self.mean_ = learnt.mean.ravel()
        self.explained_variance_ = learnt.explained_variance
        self.explained_variance_ratio_ = learnt.explained_variance_ratio
        self.singular_values_ = learnt.explained_deviation * np.sqrt(max(count - 1, 0))
        self.n_components_ = len(self.components_)
        self.n_samples_seen_ = count
        return self

    def _set_features(self, X: Any, samples: FloatArray, grid: Grid | None) -> None:
        self.grid_ = self.grid if self.grid is not None else grid if grid is not None else Grid.unit((1, 1, samples.shape[1]))
        if self.grid_.size != samples.shape[1]:
            raise ValueError(f"X has {samples.shape[1]} features, but the grid has {self.grid_.size} cells: {self.grid_!r}")
        self.n_features_in_ = samples.shape[1]
        if (names := _column_names(X)) is not None:
            self.feature_names_in_ = names

    def _floor(self, samples: FloatArray) -> float | None:
        if self.values != "log10" or self.floor is not None:
            return self.floor
        peak = float(samples.max())
        if not peak > 0:
            raise ValueError("no density of the samples is positive, so that values=\"log10\" has no floor")
        return _RELATIVE_FLOOR * peak

    def transform(self, X: Any) -> FloatArray:
        """Return the scores of samples.

        Parameters
        ----------
        X : array_like or iterable of distributions
            As for `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_components_)
        """
        self._check_fitted()
        samples, _ = self._samples(X, at_fit=False)
        return (self._described(samples) - self.mean_) @ self.components_.T

    def fit_transform(self, X: Any, y: object = None) -> FloatArray:
        """Learn the components of samples, and return their scores.

        Parameters
        ----------
        X, y
            As for `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_components_)
        """
        if hasattr(X, "__next__"):
            X = list(X)
        return self.fit(X).transform(X)

    def inverse_transform(self, scores: Any) -> FloatArray:
        """Return the densities that scores stand for.

        Parameters
        ----------
        scores : array_like of shape (n_samples, n_components_)
            As `transform` gives them.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            Reshape to ``(-1, *grid_.shape)`` for distributions.
        """
        self._check_fitted()
        scores = np.asarray(scores, dtype=np.float64)
        if scores.ndim != 2 or scores.shape[1] != self.n_components_:
            raise ValueError(f"scores have the shape {scores.shape}; (n_samples, {self.n_components_}) is wanted")
        described = scores @ self.components_ + self.mean_
        if self.floor_ is None:
            return cast(FloatArray, described)
        return np.where(described > 0, self.floor_ * 10**described, 0.0)

    def reconstruct(self, f: Any) -> FloatArray:
        """Return what the components make of a distribution.

        Parameters
        ----------
        f : array_like of shape (nx, ny, nz), Distribution or xarray.DataArray
            Densities on the grid of the population.

        Returns
        -------
        ndarray of shape (nx, ny, nz)
        """
        self._check_fitted()
        return Expansion.encode(f, self.grid_, self.learnt_.spec, self.learnt_).reconstruct()

    def get_feature_names_out(self, input_features: object = None) -> npt.NDArray[np.object_]:
        """Return names of the scores: ``populationpca0``, ``populationpca1``, ..."""
        self._check_fitted()
        return np.array([f"{type(self).__name__.lower()}{k}" for k in range(self.n_components_)], dtype=object)

    def to_bytes(self) -> bytes:
        """Return the learnt basis as bytes, without what was accumulated."""
        self._check_fitted()
        return self.learnt_.to_bytes()

    def _described(self, samples: FloatArray) -> FloatArray:
        if self.floor_ is None:
            return samples
        return np.log10(np.maximum(samples, self.floor_) / self.floor_)

    def _samples(self, X: Any, *, at_fit: bool) -> tuple[FloatArray, Grid | None]:
        """Return samples as rows, and the grid that they carry."""
        array, grid = _rows(X)
        if array.shape[0] == 0 or array.shape[1] == 0:
            raise ValueError(
                f"Found array with {array.shape[0]} sample(s) and {array.shape[1]} feature(s) (shape={array.shape}) "
                f"while a minimum of 1 is required by {type(self).__name__}."
            )
        if not np.isfinite(array).all():
            row, column = np.argwhere(~np.isfinite(array))[0]
            raise ValueError(
                f"Input X contains NaN or infinity: feature {column} of sample {row} is {array[row, column]}"
            )
        if hasattr(self, "n_features_in_"):
            if array.shape[1] != self.n_features_in_:
                raise ValueError(
                    f"X has {array.shape[1]} features, but {type(self).__name__} is expecting {self.n_features_in_} "
                    "features as input"
                )
            if grid is not None and not same_grid(grid, self.grid_) and grid != Grid.unit(self.grid_.shape):
                raise ValueError(f"the samples are on {grid!r}, but the components on {self.grid_!r}; resample them")
            self._check_names(X)
        return array, grid

    def _check_names(self, X: Any) -> None:
        known, names = getattr(self, "feature_names_in_", None), _column_names(X)
        if known is not None and names is not None and list(known) != list(names):
            raise ValueError(
                "The feature names should match those that were passed during fit.\n" + _different(list(known), list(names))
            )

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import InputTags, Tags, TargetTags, TransformerTags  # type: ignore[import-untyped]

        return Tags(
            estimator_type=None,
            target_tags=TargetTags(required=False),
            transformer_tags=TransformerTags(preserves_dtype=["float64"]),
            input_tags=InputTags(three_d_array=False),
        )


def _column_names(X: Any) -> npt.NDArray[np.object_] | None:
    """Return the names of a data frame's columns, if all are text."""
    columns = getattr(X, "columns", None)
    if columns is None:
        return None
    names = np.asarray(columns, dtype=object)
    return names if all(isinstance(name, str) for name in names) else None


def _different(known: list[str], names: list[str]) -> str:
    lines = []
    if unseen := [name for name in names if name not in known]:
        lines += ["Feature names unseen at fit time:", *(f"- {name}" for name in unseen)]
    if missing := [name for name in known if name not in names]:
        lines += ["Feature names seen at fit time, yet now missing:", *(f"- {name}" for name in missing)]
    if not lines:
        lines = ["Feature names must be in the same order as they were in fit."]
    return "\n".join(lines) + "\n"


def _rows(X: Any) -> tuple[FloatArray, Grid | None]:
    """Return samples as rows of C-contiguous float64, and the grid that they carry."""
    grid = None
    if hasattr(X, "dims") and hasattr(X, "coords"):
        from ._xarray import from_population

        X, grid = from_population(X)
    elif hasattr(X, "toarray"):
        raise TypeError("Sparse data was passed for X, but dense data is required: X.toarray() makes it so")
    elif not hasattr(X, "__array__") and not isinstance(X, (list, tuple)) and isinstance(X, Iterable):
        X = list(X)
    if isinstance(X, (list, tuple)) and len(X) and isinstance(getattr(X[0], "grid", None), Grid):
        grid = X[0].grid
        if other := next((k for k, each in enumerate(X) if each.grid != grid), None):
            raise ValueError(f"sample {other} is on another grid than sample 0: {X[other].grid!r}, {grid!r}")
        X = np.stack([as_values(each.f) for each in X])
    array = np.asarray(X)
    if array.dtype.kind == "c":
        raise ValueError("Complex data not supported: X holds complex numbers")
    if array.dtype.kind not in "fiub":
        # As numbers in text, or objects that are numbers.
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError) as problem:
            raise type(problem)(f"X holds no real numbers; its dtype is {array.dtype}: {problem}") from None
    if array.ndim == 4:
        grid = Grid.unit(cast("tuple[int, int, int]", array.shape[1:])) if grid is None else grid
        array = array.reshape(len(array), -1)
    if array.ndim != 2:
        raise ValueError(
            f"Expected 2D array, or 4D array of distributions, got {array.ndim}D array of shape {array.shape} instead. "
            "Reshape your data using X.reshape(1, -1) if it is a single sample."
        )
    return np.require(array, dtype=np.float64, requirements=("C", "A")), grid
