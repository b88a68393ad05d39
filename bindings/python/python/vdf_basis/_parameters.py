"""What makes objects estimators in scikit-learn's manner, without scikit-learn."""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from ._units import numbers

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["NotFittedError", "Parametrised", "spec_value"]


class NotFittedError(ValueError, AttributeError):
    """Raised where an attribute is asked for that only `fit` sets."""


class Parametrised:
    """An object whose constructor takes parameters by keyword, and only stores them."""

    @classmethod
    def _defaults(cls) -> dict[str, Any]:
        """The parameters of the constructor, and their defaults."""
        parameters = inspect.signature(cls.__init__).parameters.values()
        return {each.name: each.default for each in parameters if each.kind is each.KEYWORD_ONLY}

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name; ``deep`` is for compatibility with scikit-learn."""
        return {name: getattr(self, name) for name in self._defaults()}

    def set_params(self, **params: Any) -> Self:
        """Set parameters by name, and return the object itself."""
        known = self._defaults()
        for name, value in params.items():
            if name not in known:
                raise ValueError(
                    f"Invalid parameter {name!r} for estimator {self!r}: {type(self).__name__} has {', '.join(known)}"
                )
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        changed = (
            f"{name}={getattr(self, name)!r}"
            for name, default in self._defaults().items()
            if not _same(getattr(self, name), default)
        )
        return f"{type(self).__name__}({', '.join(changed)})"

    def __sklearn_is_fitted__(self) -> bool:
        return any(name.endswith("_") and not name.startswith("_") for name in vars(self))

    def _check_fitted(self) -> None:
        if not self.__sklearn_is_fitted__():
            # Where scikit-learn is in use, its own exception is what its tools expect.
            theirs = getattr(sys.modules.get("sklearn.exceptions"), "NotFittedError", NotFittedError)
            raise theirs(f"This {type(self).__name__} is not fitted yet: call fit first")


def _same(value: Any, default: Any) -> bool:
    return value is default or (type(value) is type(default) and bool(np.all(value == default)))


def spec_value(value: Any) -> str:
    """Return a parameter as specs write it.

    Examples
    --------
    >>> from vdf_basis._parameters import spec_value
    >>> spec_value(True), spec_value(1e-3), spec_value((1, 2, 3)), spec_value("log10")
    ('yes', '0.001', '1/2/3', 'log10')
    """
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, str):
        if not value or set(value) & set(",:()*+/= "):
            raise ValueError(f"{value!r} is not allowed as the value of a parameter")
        return value
    array = np.asarray(numbers(value, None, "a parameter"))
    if array.dtype.kind not in "fiu" or array.ndim > 1 or array.size == 0:
        raise TypeError(f"{value!r} is not allowed as the value of a parameter: a number, three of them, or a name")
    return "/".join(repr(number) for number in np.atleast_1d(array).tolist())
