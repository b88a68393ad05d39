"""The class that the fits of single distributions share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from . import _native
from ._arrays import DistributionLike, Extent, FloatArray, resolve
from ._native import Expansion, Grid
from ._parameters import Parametrised, spec_value
from ._like import Like, like
from ._results import Fidelity, Moments

if TYPE_CHECKING:
    import xarray
    from typing_extensions import Self

__all__ = ["Model"]


class Model(Parametrised):
    """A basis that is fitted to one distribution.

    Attributes
    ----------
    expansion_ : Expansion
        The distribution in the basis.
    grid_ : Grid
        The grid it was fitted on.
    """

    #: Name of the basis in specs.
    _name: ClassVar[str]
    #: Keys of a spec by parameter, where they differ.
    _keys: ClassVar[dict[str, str]] = {}
    expansion_: Expansion
    grid_: Grid
    _labelled: bool
    _like: Like | None

    @property
    def spec(self) -> str:
        """The spec that these parameters stand for.

        Examples
        --------
        >>> from vdf_basis import Hermite
        >>> Hermite(order=8, truncation="total-degree").spec
        'hermite:order=8,truncation=total-degree'
        """
        options = []
        for name, default in self._defaults().items():
            value = getattr(self, name)
            if value is not None and not (type(value) is type(default) and np.array_equal(value, default)):
                options.append(f"{self._key(name)}={spec_value(value)}")
        return _native.normalise_spec(self._name + (":" + ",".join(options) if options else ""))

    @classmethod
    def _key(cls, name: str) -> str:
        return cls._keys.get(name, name.replace("_", "-"))

    def fit(
        self, f: DistributionLike, y: object = None, *, grid: Grid | None = None, extent: Extent | None = None
    ) -> Self:
        """Fit a distribution.

        Parameters
        ----------
        f : array_like of shape (nx, ny, nz), Distribution or xarray.DataArray
            Densities, axes vx, vy, vz.
        y : None
            Ignored.
        grid, extent : optional
            As for `compress`.

        Returns
        -------
        self
        """
        values, on = resolve(f, grid, extent)
        expansion, search = Expansion.fit(values, on, self.spec)
        self._learn(expansion)
        self._labelled = hasattr(f, "dims")
        # Without its values: labels and units are all that is needed of it.
        self._like = like(f)
        if search is not None:
            self.n_iter_, self.converged_ = search
        return self

    def _learn(self, expansion: Expansion) -> None:
        """Set what was learnt from an expansion."""
        for name in [name for name in vars(self) if name.endswith("_") and not name.startswith("_")]:
            delattr(self, name)
        self.expansion_ = expansion
        self.grid_ = expansion.grid
        self._labelled = False
        self._like = None
        for name, value in expansion.findings().items():
            setattr(self, name + "_", value)

    def reconstruct(self, grid: Grid | None = None) -> FloatArray | xarray.DataArray:
        """Return the densities of the fit, on its own grid or on another.

        A labelled array or a quantity of the same units, if such was fitted.
        """
        self._check_fitted()
        values = self.expansion_.reconstruct(grid)
        return values if self._like is None else self._like.dress(values, self.grid_ if grid is None else grid)

    def moments(self, grid: Grid | None = None) -> Moments:
        """Return the moments of the fit, summed over its own grid or another."""
        self._check_fitted()
        return self.expansion_.moments(grid)

    def fidelity(self, f: DistributionLike, *, floor: float | None = None) -> Fidelity:
        """Return the errors of the fit against a distribution on its grid."""
        self._check_fitted()
        values = _native.compare(_on(f, self.grid_), self.expansion_.reconstruct(), self.grid_, floor)
        return Fidelity(**dict(values))

    def score(self, f: DistributionLike, y: object = None) -> float:
        """Return 1 minus the squared relative error: larger is better, 1 is exact."""
        return 1.0 - self.fidelity(f).l2 ** 2

    def spectrum(self) -> Any:
        """Return the sum of squared coefficients by degree: that of polynomials, levels or ranks, as the basis counts.

        Returns
        -------
        ndarray or xarray.DataArray
            Labelled with ``degree``, if a labelled array was fitted.
        """
        self._check_fitted()
        numbers, labels = self.expansion_.numbers(), self.expansion_.labels()
        linear = [quantity in ("PhaseSpaceDensity", "NumberDensity", "Decades") for quantity, *_ in labels]
        degrees = np.array([degree for _, _, degree, _ in labels], dtype=np.int64)[linear]
        power = np.zeros(int(degrees.max(initial=-1)) + 1)
        np.add.at(power, degrees, numbers[linear] ** 2)
        return self._series(power, "degree")

    def _series(self, values: FloatArray, name: str) -> Any:
        if not self._labelled:
            return values
        import xarray

        return xarray.DataArray(values, coords={name: np.arange(len(values))}, dims=(name,), name="power")

    def to_bytes(self) -> bytes:
        """Return the fit as a stream, every number to the last bit; `decompress` reads it, too."""
        self._check_fitted()
        return self.expansion_.to_bytes()

    @classmethod
    def from_bytes(cls, stream: bytes) -> Self:
        """Return the fit that a stream of this basis holds.

        Raises
        ------
        StreamError
            For bytes that are no stream.
        ValueError
            For a stream of another basis.
        """
        expansion = Expansion.from_bytes(bytes(stream))
        name, _, options = expansion.spec.partition(":")
        if name != cls._name:
            raise ValueError(f"the stream is of `{expansion.spec}`, not of the basis `{cls._name}`")
        model = cls()
        names = {cls._key(parameter): parameter for parameter in cls._defaults()}
        for option in filter(None, options.split(",")):
            key, _, text = option.partition("=")
            if key not in names:
                raise ValueError(f"the stream is of `{expansion.spec}`, which {cls.__name__} has no parameter for")
            setattr(model, names[key], _read(text))
        model._learn(expansion)
        return model


def _on(f: DistributionLike, grid: Grid) -> FloatArray:
    from ._arrays import on_grid

    return on_grid(f, grid)


def _read(text: str) -> Any:
    """Return the value that a spec writes."""
    if text in ("yes", "no"):
        return text == "yes"
    parts = [_number(part) for part in text.split("/")]
    if None in parts:
        return text
    return parts[0] if len(parts) == 1 else tuple(parts)


def _number(text: str) -> int | float | None:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return None
