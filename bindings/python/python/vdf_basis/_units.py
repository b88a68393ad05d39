"""Units of labelled arrays and of quantities of pint and astropy: in at the door, out again at the door.

Inside the package all is in SI. pint and astropy are never imported: their quantities are known by their attributes.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt

#: Units of phase-space density, speed and magnetic field, as pint and astropy read them.
DENSITY, SPEED, FIELD, LENGTH, TIME = "s**3 / m**6", "m / s", "T", "m", "s"

#: Base unit and power of ten of each prefix.
_BASES = {"m": "m", "metre": "m", "meter": "m", "s": "s", "second": "s", "sec": "s", "T": "T", "tesla": "T"}
_PREFIXES = {"": 0, "k": 3, "kilo": 3, "M": 6, "mega": 6, "c": -2, "centi": -2, "m": -3, "milli": -3}
_PREFIXES |= {"u": -6, "µ": -6, "μ": -6, "micro": -6, "n": -9, "nano": -9, "p": -12, "pico": -12}
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+", "{}")
_FACTOR = re.compile(r"([/*·.\s]*)([A-Za-zµμ]+)\s*(?:(?:\*\*|\^)?\s*([+-]?\d+))?")


def parse_units(text: str) -> tuple[int, dict[str, int]] | None:
    """Return the power of ten and the powers of metre, second and tesla of a unit; None if it is another.

    Examples
    --------
    >>> from vdf_basis._units import parse_units
    >>> parse_units("km/s"), parse_units("s^3 cm^-6")
    ((3, {'m': 1, 's': -1}), (12, {'s': 3, 'm': -6}))
    >>> parse_units("eV") is None
    True
    """
    rest = text.strip().translate(_SUPERSCRIPTS)
    decades, powers = 0, dict[str, int]()
    while rest:
        found = _FACTOR.match(rest)
        unit = _prefixed(found[2]) if found else None
        if found is None or unit is None or found[1].count("/") > 1:
            return None
        power = int(found[3] or 1) * (-1 if "/" in found[1] else 1)
        decades += unit[0] * power
        powers[unit[1]] = powers.get(unit[1], 0) + power
        rest = rest[found.end() :].rstrip()
    return decades, {name: power for name, power in powers.items() if power}


def _prefixed(word: str) -> tuple[int, str] | None:
    for name in (word, word.removesuffix("s")):
        for prefix, decades in _PREFIXES.items():
            if name.startswith(prefix) and (base := _BASES.get(name[len(prefix) :])):
                return decades, base
    return None


def decades_of(text: object, expected: str, name: str) -> int:
    """Return the power of ten that takes numbers in a unit to SI: 0 where no unit is given.

    Raises
    ------
    ValueError
        For a unit that is not of the expected kind.
    """
    if text is None or str(text).strip() in ("", "1", "dimensionless"):
        return 0
    known, found = parse_units(expected), parse_units(str(text))
    if known is None or found is None or found[1] != known[1]:
        raise ValueError(f"{name} has the units {str(text)!r}; {_examples(expected)} is wanted, or no units for numbers as they are")
    return found[0]


def _examples(expected: str) -> str:
    examples = {SPEED: 'a speed such as "m/s" or "km/s"', DENSITY: 'a phase-space density such as "s^3 m^-6" or "s^3 km^-6"'}
    return examples.get(expected, f'a multiple of "{expected}"')


def scaled(values: Any, decades: int) -> Any:
    """Return values times a power of ten; the values themselves if it is 1."""
    if decades == 0:
        return values
    # Powers of ten above 1 are exact up to 1e22, those below are not.
    return np.multiply(values, 10.0**decades) if decades > 0 else np.divide(values, 10.0**-decades)


def is_pint(value: object) -> bool:
    """Return True for a quantity of pint."""
    return hasattr(value, "magnitude") and hasattr(value, "to_base_units")


def is_astropy(value: object) -> bool:
    """Return True for a quantity of astropy."""
    return hasattr(value, "unit") and hasattr(value, "to_value")


def is_quantity(value: object) -> bool:
    """Return True for a quantity of pint or astropy."""
    return is_pint(value) or is_astropy(value)


def stripped(value: Any, expected: str | None, name: str) -> Any:
    """Return the numbers of a quantity in SI; anything else as it is.

    Parameters
    ----------
    value : object
        A quantity of pint or astropy; what is none is returned as it is. One without dimension is taken as it is.
    expected : str or None
        SI unit of its kind, or None for any.
    name : str
        Name for errors.
    """
    if is_pint(value):
        if value.dimensionless:
            return value.magnitude
        if expected is None:
            return value.to_base_units().magnitude
        if not value.is_compatible_with(expected):
            raise ValueError(f"{name} has the units {str(value.units)!r}; {_examples(expected)} is wanted")
        return value.to(expected).magnitude
    if is_astropy(value):
        if value.unit.is_equivalent(""):
            return value.to_value("")
        if expected is None:
            return value.si.value
        if not value.unit.is_equivalent(expected):
            raise ValueError(f"{name} has the units {str(value.unit)!r}; {_examples(expected)} is wanted")
        return value.to_value(expected)
    return value


def numbers(value: Any, expected: str | None, name: str) -> Any:
    """Return the numbers of a quantity, of a labelled array with ``attrs["units"]``, or of a tuple of such, in SI.

    Anything else is returned as it is.
    """
    if hasattr(value, "dims") and hasattr(value, "attrs"):
        if is_quantity(value.data):
            return stripped(value.data, expected, name)
        units = value.attrs.get("units")
        if expected is not None:
            return scaled(value.values, decades_of(units, expected, name))
        parsed = parse_units(str(units or ""))
        return scaled(value.values, parsed[0] if parsed else 0)
    if isinstance(value, (tuple, list)):
        return [numbers(each, expected, name) for each in value]
    return stripped(value, expected, name)


def vector(value: Any, expected: str | None, name: str) -> npt.NDArray[np.float64]:
    """Return a vector of three components in SI, of numbers, a quantity, or a labelled array."""
    dims = getattr(value, "dims", None)
    if dims is not None and len(dims) != 1:
        raise ValueError(f"{name} has the dimensions {tuple(dims)}; one vector is wanted: select one time with .sel or .isel")
    found = np.asarray(numbers(value, expected, name), dtype=np.float64)
    if found.shape != (3,) or not np.isfinite(found).all():
        raise ValueError(f"{name} = {value!r} is not allowed: three numbers")
    return found
