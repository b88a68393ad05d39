"""Results like what was given: labelled arrays and quantities in, the same out."""

from __future__ import annotations

import dataclasses
from typing import Any, Protocol

from ._arrays import FloatArray
from ._native import Grid
from ._units import DENSITY, is_pint, is_quantity

__all__ = ["Like", "QuantityLike", "like"]


class Like(Protocol):
    """Labels and units of an array, without its values."""

    def dress(self, values: FloatArray, grid: Grid) -> Any:
        """Return densities in SI with these labels and units."""


@dataclasses.dataclass(frozen=True)
class QuantityLike:
    """Class and unit of a quantity of pint or astropy."""

    kind: type
    unit: Any

    @classmethod
    def of(cls, quantity: Any) -> QuantityLike:
        """Return those of a quantity."""
        if is_pint(quantity):
            return cls(type(quantity), None if quantity.dimensionless else quantity.units)
        return cls(type(quantity), None if quantity.unit.is_equivalent("") else quantity.unit)

    def dress(self, values: FloatArray, grid: Grid) -> Any:
        """Return densities in SI as a quantity of this class and unit."""
        return self.kind(values, "") if self.unit is None else self.kind(values, DENSITY).to(self.unit)


def like(f: object) -> Like | None:
    """Return the labels and units of an array; None for a plain one."""
    if hasattr(f, "dims") and hasattr(f, "coords"):
        from ._xarray import DataArrayLike

        return DataArrayLike.of(f)
    return QuantityLike.of(f) if is_quantity(f) else None
