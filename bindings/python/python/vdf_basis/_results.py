"""What functions give back besides arrays: moments, errors, and the contents of streams."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from ._arrays import FloatArray
from ._native import Grid

@dataclasses.dataclass(frozen=True, eq=False)
class Moments:
    """Velocity moments of a distribution, per unit mass.

    Attributes
    ----------
    density : float
        Number density n, the integral of f [m^-3].
    bulk_velocity : ndarray of shape (3,)
        Bulk velocity u [m/s]; the middle of the grid where the density vanishes.
    pressure : ndarray of shape (3, 3)
        Pressure tensor, the integral of (v - u)(v - u) f [m^-1 s^-2]. Times the mass it is in pascal.
    heat_flux : ndarray of shape (3,)
        Heat flux, half the integral of (v - u) \\|v - u\\|^2 f [s^-3].
    thermal_speed : float
        Standard deviation of a velocity component, averaged over the three [m/s].
    thermal_speeds : ndarray of shape (3,)
        The same along each axis [m/s].
    """

    density: float
    bulk_velocity: FloatArray
    pressure: FloatArray
    heat_flux: FloatArray
    thermal_speed: float
    thermal_speeds: FloatArray

    def to_dict(self) -> dict[str, Any]:
        """Return the moments by name, as numbers and lists that JSON takes."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in values.items()}

    def __eq__(self, other: object) -> bool:
        return self.to_dict() == other.to_dict() if isinstance(other, Moments) else NotImplemented

    __hash__ = None  # type: ignore[assignment]


@dataclasses.dataclass(frozen=True)
class Fidelity:
    """Errors of a reconstruction g of an original f, all dimensionless but the floor.

    Attributes
    ----------
    l1, l2 : float
        Norms of f - g over those of f.
    linf : float
        Largest \\|f - g\\| over the peak of \\|f\\|.
    log10_rms : float
        Root mean square difference of the decades above the floor [dex].
    relative : float
        Largest \\|f - g\\| / f where f is at least the floor.
    log10_floor : float
        The floor of the two errors before.
    density, bulk_velocity, pressure, heat_flux : float
        Errors of the moments, over n, the thermal speed, the norm of the pressure, and n times the thermal speed cubed.
    bulk_velocity_component, pressure_component : float
        The largest error of a component, relative to the thermal speeds along its axes.
    negative_mass : float
        Mass of the negative part of g over the density of f.
    js_divergence : float
        Jensen-Shannon divergence of the shapes of f and g [bits], 0 to 1.
    """

    l1: float
    l2: float
    linf: float
    log10_rms: float
    relative: float
    log10_floor: float
    density: float
    bulk_velocity: float
    bulk_velocity_component: float
    pressure: float
    pressure_component: float
    heat_flux: float
    negative_mass: float
    js_divergence: float

    def to_dict(self) -> dict[str, float]:
        """Return the errors by name."""
        return dataclasses.asdict(self)

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value:.3g}" for name, value in self.to_dict().items())
        return f"Fidelity({shown})"


@dataclasses.dataclass(frozen=True)
class StreamInfo:
    """Contents of a stream.

    Attributes
    ----------
    version : int
        Version of the format.
    grid : Grid
        Grid of the distribution.
    spec : str
        Spec of the basis.
    size : int
        Bytes of the stream.
    parts : dict of str to int
        Bytes of each part, in the order of the stream; parts of the same name are summed.
    """

    version: int
    grid: Grid
    spec: str
    size: int
    parts: Mapping[str, int]

    @property
    def ratio(self) -> float:
        """Bytes of the densities in single precision over those of the stream."""
        return 4 * self.grid.size / self.size
