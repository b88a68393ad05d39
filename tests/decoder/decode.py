#!/usr/bin/env python3
"""A second reader of streams, which follows docs/format.md.

    python3 decode.py IN.vdfb [OUT.npy]

Reads streams of the bases `maxwellian` and `mixture` (without `kappa`, `refine=log10` and field-aligned covariances),
alone or inside `quantized(...)`, and prints grid, spec, Gaussians and the largest density. With OUT.npy it writes the
densities at the centres of the cells, in C order. It shares no code with the library, which tests/decoder.rs compares
it with. Sections named below are those of docs/format.md. Needs nothing but Python 3.
"""

import math
import struct
import sys
import zlib
from decimal import Decimal

VERSION = 1
MAX_CELLS = 1 << 26
MAX_INTEGER = 1 << 62
MAX_COMPONENTS = 256
MAX_DEPTH = 16
MAX_PARTS = 64
MAX_SPEC_LENGTH = 4096

# "Words": the two tables of the head, in the order of their numbers.
WORDS = """
maxwellian hermite mixture cosine wavelet spherical octree pca log quantized conserve fast balanced smallest l2 linf
bytes slack fit moments least-squares covariance isotropic diagonal full order truncation cube total-degree
hyperbolic-cross terms weight symmetric asymmetric projection quadrature search residual fitted scale centre scales
frame grid pressure field-aligned field components tied placing kappa refine none start auto k-means moment-split
greedy select fixed bic mml data samples seed tolerance iterations block keep padding mirror zeros threshold discard
filter bulk_velocity db2 db3 db4 heat_flux db6 db7 db8 db9 db10 sym4 sym5 sym6 sym7 sym8 dex relative density
bior1.3 bior2.2 bior4.4 boundary periodic whole-sample level soft rounding int8 step floor heat-flux yes no x y z
degree method joint misner burnett shells leaf linear best coefficients splits axis values log10 bulk radius blend
""".split()
RARE_WORDS = """
split align octants learnt half-width resolution width uniform half-cell coif1 coif2 coif3 haar db5 cells lossless
""".split()


class Malformed(Exception):
    """The bytes are no stream, or a damaged one."""


class Unsupported(Exception):
    """A sound stream of a version or a basis that this reader does not know."""


# ---------------------------------------------------------------------------------------------------------------------
# Numbers


class Bit:
    """Adaptive model of a bit: its probability of being 1 in units of 2^-16, and the number of bits seen, up to 90."""

    def __init__(self, ones=1 << 15):
        self.ones = ones
        self.seen = 0

    def learn(self, bit):
        rate = (1 << 17) // (2 * self.seen + 3)
        if bit:
            self.ones += (65535 - self.ones) * rate >> 16
        else:
            self.ones -= self.ones * rate >> 16
        self.seen = min(self.seen + 1, 90)


class Integers:
    """Adaptive models of integers. The dictionaries hold models by the number of digits below the leading one."""

    def __init__(self):
        self.zero = Bit()
        self.negative = Bit()
        self.longer = {}
        self.digits = {}


class Reals:
    """Adaptive models of real numbers to the last bit, and the exponent of the last one."""

    def __init__(self):
        self.negative = Bit()
        self.single = Bit()
        self.exponents = Integers()
        self.exponent = 0


class Reader:
    """Range decoder, and the kinds of numbers that are made of its bits."""

    def __init__(self, content):
        self.content = content
        self.position = 4
        self.code = int.from_bytes(content[:4].ljust(4, b"\0"), "big")
        self.range = (1 << 32) - 1

    def fill(self):
        """Takes in bytes until the range is at least 2^24. Beyond the end all bytes are zero."""
        while self.range < 1 << 24:
            byte = self.content[self.position] if self.position < len(self.content) else 0
            self.position += 1
            self.code = self.code << 8 | byte
            self.range <<= 8

    def bit(self, model):
        """A bit with an adaptive model."""
        ones = min(max(model.ones, 24), 65536 - 24)
        share = self.range * ones >> 16
        bit = self.code < share
        if bit:
            self.range = share
        else:
            self.code -= share
            self.range -= share
        self.fill()
        model.learn(bit)
        return int(bit)

    def bits(self, count):
        """A number of equally likely bits, at most 16 at once, the highest first."""
        value = 0
        while count > 0:
            now = min(count, 16)
            count -= now
            self.range >>= now
            part = min(self.code // self.range, (1 << now) - 1)
            self.code -= part * self.range
            self.fill()
            value = value << now | part
        return value

    def rare(self):
        return self.bit(Bit(1 << 12))

    def positive(self, models):
        below = 0
        while self.bit(models.longer.setdefault(below, Bit())):
            below += 1
            if below > 62:
                raise Malformed("an integer of more than 63 binary digits")
        # The second digit below the leading one has two models, one for each value of the first.
        value, context = 1, "first"
        for _ in range(min(below, 2)):
            digit = self.bit(models.digits.setdefault((below, context), Bit()))
            value = value << 1 | digit
            context = digit
        value = value << max(below - 2, 0) | self.bits(below - 2)
        if value > MAX_INTEGER:
            raise Malformed("an integer beyond 2^62")
        return value

    def integer(self, models):
        if self.bit(models.zero):
            return 0
        negative = self.bit(models.negative)
        magnitude = self.positive(models)
        return -magnitude if negative else magnitude

    def count(self, most=MAX_INTEGER - 1):
        count = self.positive(Integers()) - 1
        if count > most:
            raise Malformed(f"a count of {count} where at most {most} is possible")
        return count

    def scaled(self, models, places):
        """An integer whose lowest `places` digits are equally likely; the part above is rounded."""
        high = self.integer(models)
        value = (high << places) + self.bits(places) - ((1 << places) >> 1)
        if not -MAX_INTEGER <= value < MAX_INTEGER:
            raise Malformed("an integer of more than 63 binary digits")
        return value

    def real(self, models):
        """A real number to the last bit."""
        negative = self.bit(models.negative)
        models.exponent += self.integer(models.exponents)
        if not 0 <= models.exponent < 2047:
            raise Malformed(f"a number with the exponent {models.exponent}")
        mantissa = self.bits(23) << 29 if self.bit(models.single) else self.bits(52)
        return struct.unpack("<d", struct.pack("<Q", negative << 63 | models.exponent << 52 | mantissa))[0]

    def decimal(self):
        if not self.bit(Bit(60000)):
            return self.real(Reals())
        sign = "-" if self.bit(Bit(1 << 14)) else ""
        digits = self.count(10**12)
        exponent = self.integer(Integers())
        number = float(f"{sign}{digits}e{exponent}")
        if not math.isfinite(number):
            raise Malformed(f"the number {sign}{digits}e{exponent}")
        return number


# ---------------------------------------------------------------------------------------------------------------------
# Head


class Grid:
    """Cells along x, y and z, the lower edge of the box and the widths of the cells."""

    def __init__(self, shape, lower, spacing):
        self.shape, self.lower, self.spacing = shape, lower, spacing
        sound = all(math.isfinite(x) for x in lower) and all(x > 0 and math.isfinite(x) for x in spacing)
        if 0 in shape or not sound:
            raise Malformed(f"a grid of {shape} cells from {lower}, spacing {spacing}")

    def middle(self, axis):
        return self.lower[axis] + 0.5 * self.shape[axis] * self.spacing[axis]

    def centres(self, axis):
        return [self.lower[axis] + (k + 0.5) * self.spacing[axis] for k in range(self.shape[axis])]


def read_grid(reader):
    shape = []
    for axis in range(3):
        same = axis > 0 and reader.bits(1)
        shape.append(shape[-1] if same else reader.count())
    if math.prod(shape) > MAX_CELLS:
        raise Malformed(f"a grid of {shape} cells; this reader takes at most {MAX_CELLS}")
    if reader.bits(1):
        return Grid(shape, [-0.5] * 3, [1.0] * 3)
    lower, spacing = [], []
    for axis in range(3):
        same = axis > 0 and reader.bits(1)
        spacing.append(spacing[-1] if same else reader.decimal())
        centred = reader.bits(1)
        lower.append(-0.5 * shape[axis] * spacing[axis] if centred else reader.decimal())
    return Grid(shape, lower, spacing)


class Factor:
    """A name, the spec in parentheses (a list of factors, or None), options, and the sign before the factor."""

    def __init__(self, sign, name, inner, options):
        self.sign, self.name, self.inner, self.options = sign, name, inner, options

    def __str__(self):
        inner = "" if self.inner is None else f"({text_of(self.inner)})"
        options = ",".join(f"{key}={text_of_value(value)}" for key, value in self.options.items())
        return self.sign + self.name + inner + (":" + options if options else "")


def text_of(factors):
    return "".join(map(str, factors))


def text_of_value(value):
    """Whole numbers below 1e20 and numbers from 1e-3 to 1e4 in plain digits, others with an exponent."""
    if isinstance(value, str):
        return value
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    if value == 0 or (value.is_integer() and abs(value) < 1e20) or 1e-3 <= abs(value) < 1e4:
        return format(Decimal((sign, digits, exponent)), "f")
    mantissa = "".join(map(str, digits))
    point = "." if len(mantissa) > 1 else ""
    return f"{'-' if sign else ''}{mantissa[0]}{point}{mantissa[1:]}e{exponent + len(mantissa) - 1}"


def read_spec(reader, depth=0):
    if depth > MAX_DEPTH:
        raise Malformed(f"a spec of more than {MAX_DEPTH} parentheses inside each other")
    factors, sign, terms_so_far, factors_of_term = [], "", 1, 1
    while True:
        factors.append(read_factor(reader, sign, depth))
        if not reader.bit(Bit(1 << 13)):
            return factors
        if reader.bits(1):
            sign, factors_of_term = " * ", factors_of_term + 1
        else:
            sign, factors_of_term, terms_so_far = " + ", 1, terms_so_far + 1
        if max(terms_so_far, factors_of_term) > MAX_PARTS:
            raise Malformed(f"a spec of more than {MAX_PARTS} terms or factors")


def read_factor(reader, sign, depth):
    name = read_word(reader)
    inner = read_spec(reader, depth + 1) if reader.bit(Bit(1 << 14)) else None
    options = {}
    for _ in range(reader.count(MAX_PARTS)):
        key = read_word(reader)
        if key in options:
            raise Malformed(f"the key {key} is given twice")
        options[key] = reader.decimal() if reader.bits(1) else read_word(reader)
    return Factor(sign, name, inner, options)


def read_word(reader):
    if not reader.rare():
        return WORDS[reader.bits(7)]
    if reader.bits(1):
        return RARE_WORDS[reader.bits(4)]
    spelt = bytes(reader.bits(8) for _ in range(reader.count(MAX_SPEC_LENGTH)))
    try:
        word = spelt.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("a word of the spec that is not UTF-8") from None
    if not word or any(c.isspace() or c in "():,=*" for c in word):
        raise Malformed(f"a word {word!r} that no spec has")
    return word


# ---------------------------------------------------------------------------------------------------------------------
# Gaussians: peak * exp(-|z|^2 / 2), z = W (v - mean)


class Gaussian:
    """Peak, mean, and the matrix W by which offsets from the mean become multiples of the widths."""

    def __init__(self, peak, mean, whitening):
        self.peak, self.mean, self.whitening = peak, mean, whitening

    def add_to(self, densities, grid):
        x, y, z = ([v - u for v in grid.centres(axis)] for axis, u in enumerate(self.mean))
        (a, b, c), (d, e, f), (g, h, i) = self.whitening
        cell = 0
        for vx in x:
            for vy in y:
                p, q, r = a * vx + b * vy, d * vx + e * vy, g * vx + h * vy
                for vz in z:
                    s, t, u = p + c * vz, q + f * vz, r + i * vz
                    densities[cell] += self.peak * math.exp(-0.5 * (s * s + t * t + u * u))
                    cell += 1


def rotation(vector):
    """Matrix of a rotation vector: its direction is the axis, its length the angle, right-handed (Rodrigues)."""
    angle = math.hypot(*vector)
    x, y, z = (v / angle if angle > 0 else 0.0 for v in vector)
    s, c = math.sin(angle), math.cos(angle)
    t = 1 - c
    return [
        [c + t * x * x, t * x * y - s * z, t * x * z + s * y],
        [t * x * y + s * z, c + t * y * y, t * y * z - s * x],
        [t * x * z - s * y, t * y * z + s * x, c + t * z * z],
    ]


def inverse_of_lower(lower):
    """Inverse of a lower triangular matrix, column by column."""
    inverse = [[0.0] * 3 for _ in range(3)]
    for j in range(3):
        for i in range(j, 3):
            rest = (i == j) - sum(lower[i][k] * inverse[k][j] for k in range(j, i))
            inverse[i][j] = rest / lower[i][i]
    return inverse


def diagonal(numbers):
    return [[number if i == j else 0.0 for j in range(3)] for i, number in enumerate(numbers)]


def read_exact_gaussians(reader, count, covariance, is_density):
    """"Gaussians, exact": four kinds of numbers have models of their own, which go on from Gaussian to Gaussian."""
    peaks, centres, widths, angles = Reals(), Reals(), Reals(), Reals()
    gaussians, scales, axes = [], None, None
    for k in range(count):
        peak = reader.real(peaks)
        mean = [reader.real(centres) for _ in range(3)]
        # With a tied covariance only the first Gaussian has widths and axes.
        if k == 0 or covariance != "tied":
            number = 1 if covariance in ("isotropic", "spherical") else 3
            scales = [reader.real(widths) for _ in range(number)]
            scales = scales * (3 // number)
            turned = covariance in ("full", "tied") and reader.bits(1)
            axes = rotation([reader.real(angles) for _ in range(3)]) if turned else diagonal([1.0] * 3)
            if min(scales) <= 0:
                raise Malformed(f"widths {scales} that are not positive")
        if is_density:
            if peak <= 0:
                raise Malformed(f"a component of density {peak}")
            for scale in scales:
                peak /= math.sqrt(2 * math.pi) * scale
        # The axes are the columns of the rotation.
        whitening = [[axes[j][i] / scales[i] for j in range(3)] for i in range(3)]
        gaussians.append(Gaussian(peak, mean, whitening))
    return gaussians


def random_digits(spread):
    """Number of lowest binary digits that are written as they are, for numbers of this spread in steps."""
    return int(min(max(math.log2(max(0.25 * spread, 1.0)), 0.0), 52.0))


class RoundedGaussians:
    """"Gaussians in steps": models, and what is known of the Gaussian before. Lengths are in cells along each axis."""

    def __init__(self, reader, grid, step, covariance):
        self.reader, self.grid, self.step, self.covariance = reader, grid, step, covariance
        self.norms, self.means, self.widths, self.tilts = Integers(), Integers(), Integers(), Integers()
        self.norm, self.lower = None, None

    def read(self):
        grid = self.grid
        negative = self.reader.rare()
        self.norm = self.read_norm()
        share = max(1 / self.norm, 2.0**-42)
        if self.lower is None or self.covariance != "tied":
            self.lower = self.read_lower(share)
        inverse = inverse_of_lower(self.lower)
        mean = self.read_mean(share, inverse)
        # The norm over the cells is peak * sqrt(pi^(3/2) det L).
        determinant = math.prod(self.lower[i][i] for i in range(3))
        peak = self.norm * self.step / math.sqrt(math.pi**1.5 * determinant)
        if not sys.float_info.min <= peak < math.inf:
            raise Malformed(f"a Gaussian of peak {peak}")
        whitening = [[inverse[i][j] / grid.spacing[j] for j in range(3)] for i in range(3)]
        return Gaussian(-peak if negative else peak, mean, whitening)

    def read_norm(self):
        """The norm in steps: the first as a count, the others by how much they are less than the one before."""
        if self.norm is None:
            return self.reader.count(1 << 52) + 1
        norm = self.norm - self.reader.scaled(self.norms, random_digits(max(self.norm / 8, 1.0)))
        if not 1 <= norm <= 1 << 52:
            raise Malformed(f"a Gaussian of norm {norm}")
        return norm

    def read_width(self, axis, unit):
        """A width along an axis, by the logarithm of its ratio to an eighth of the box."""
        logarithm = self.reader.scaled(self.widths, random_digits(0.7 / unit)) * unit
        if abs(logarithm) > 100:
            raise Malformed(f"a width of e^{logarithm} times what is expected")
        return 0.125 * self.grid.shape[axis] * math.exp(logarithm)

    def read_lower(self, share):
        """L, the lower triangular factor of the covariance L L^T."""
        unit = share * 2 / math.sqrt(3)
        if self.covariance in ("isotropic", "spherical"):
            # The same velocity along all axes, so not the same number of cells.
            width = self.read_width(0, unit / math.sqrt(3)) * self.grid.spacing[0]
            return diagonal([width / spacing for spacing in self.grid.spacing])
        lower = diagonal([self.read_width(axis, unit) for axis in range(3)])
        if self.covariance == "diagonal":
            return lower
        for i, j in (2, 1), (1, 0), (2, 0):
            # The entry zx has been read as zero so far; a change of yx moves both yx and zx of L^-1 dL.
            reach = math.hypot(lower[2][1] / lower[2][2], 1.0) if (i, j) == (1, 0) else 1.0
            unit = 2 * share / reach
            tilt = self.reader.scaled(self.tilts, random_digits(0.5 / unit)) * unit
            if abs(tilt) > 1e6:
                raise Malformed("a Gaussian that is tilted beyond measure")
            lower[i][j] = tilt * lower[i][i]
        return lower

    def read_mean(self, share, inverse):
        """The mean as z = L^-1 (u - middle of the box)."""
        unit = share * math.sqrt(2)
        z = []
        for i in range(3):
            spread = 0.2 * math.sqrt(sum((inverse[i][j] * self.grid.shape[j]) ** 2 for j in range(i + 1)))
            z.append(self.reader.scaled(self.means, random_digits(spread / unit)) * unit)
        offset = [sum(self.lower[i][j] * z[j] for j in range(i + 1)) for i in range(3)]
        if any(abs(offset[i]) >= 1e6 * self.grid.shape[i] for i in range(3)):
            raise Malformed("a Gaussian that lies outside of everything")
        return [self.grid.middle(i) + offset[i] * self.grid.spacing[i] for i in range(3)]


# ---------------------------------------------------------------------------------------------------------------------
# Coefficients


def read_step(reader):
    """The step of `quantized`: 2^(k/64), with k + 1074 * 64 in 18 bits."""
    exponent = reader.bits(18) - 1074 * 64
    if exponent >= 1024 * 64:
        raise Malformed(f"a step of 2^{exponent / 64}")
    whole, part = divmod(exponent, 64)
    return math.ldexp(2.0 ** (part / 64), whole)


def read_gaussians(reader, grid, spec, step=None):
    """The Gaussians of a spec, exact or (with a step) rounded."""
    [basis, *others] = spec
    if others or (basis.inner is None) != (basis.name != "quantized"):
        raise Unsupported(f"this reader does not know `{text_of(spec)}`")
    if basis.name == "quantized":
        return read_gaussians(reader, grid, basis.inner, read_step(reader))
    options = basis.options
    if basis.name == "maxwellian":
        covariance = options.get("covariance", "diagonal")
        known, count = ("isotropic", "diagonal", "full"), 1
    elif basis.name == "mixture" and "kappa" not in options and options.get("refine") != "log10":
        covariance = options.get("covariance", "full")
        known, count = ("full", "tied", "diagonal", "spherical"), None
    else:
        raise Unsupported(f"this reader does not know `{basis}`")
    if covariance not in known:
        raise Unsupported(f"this reader does not know covariance={covariance}")
    if count is None:
        count = reader.count(MAX_COMPONENTS)
        if count == 0:
            raise Malformed("a mixture without components")
    if step is None:
        return read_exact_gaussians(reader, count, covariance, basis.name == "mixture")
    rounded = RoundedGaussians(reader, grid, step, covariance)
    gaussians = [rounded.read() for _ in range(count)]
    if basis.name == "mixture" and any(gaussian.peak <= 0 for gaussian in gaussians):
        raise Malformed("a component of negative density")
    return gaussians


# ---------------------------------------------------------------------------------------------------------------------
# The stream


def decode(data):
    """Grid, spec and Gaussians of a stream."""
    if len(data) < 8:
        raise Malformed("it is shorter than any stream")
    if data[:3] != b"VDF":
        raise Malformed(f"it begins with {data[:3]!r}, not with VDF")
    if data[3] != VERSION:
        raise Unsupported(f"it is of version {data[3]}; this reader knows version {VERSION}")
    expected, found = int.from_bytes(data[-4:], "little"), zlib.crc32(data[:-4])
    if expected != found:
        raise Malformed(f"its checksum is {found:08x}, not {expected:08x}: it is cut or damaged")
    reader = Reader(data[4:-4])
    grid = read_grid(reader)
    spec = read_spec(reader)
    return grid, spec, read_gaussians(reader, grid, spec)


def write_npy(path, shape, values):
    """NumPy's format, version 1.0: little-endian numbers of 8 bytes in C order."""
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {tuple(shape)}, }}"
    header += " " * (-(10 + len(header) + 1) % 64) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode("ascii"))
        file.write(struct.pack(f"<{len(values)}d", *values))


def main(arguments):
    if len(arguments) not in (1, 2):
        sys.exit("usage: decode.py IN.vdfb [OUT.npy]")
    try:
        with open(arguments[0], "rb") as file:
            grid, spec, gaussians = decode(file.read())
    except (Malformed, Unsupported) as problem:
        sys.exit(f"{arguments[0]}: {problem}")
    print("grid", *grid.shape, "cells from", *grid.lower, "spacing", *grid.spacing)
    print("spec", text_of(spec))
    for gaussian in gaussians:
        print("Gaussian of peak", gaussian.peak, "at", *gaussian.mean)
    densities = [0.0] * math.prod(grid.shape)
    for gaussian in gaussians:
        gaussian.add_to(densities, grid)
    print("largest density", max(densities))
    if len(arguments) == 2:
        write_npy(arguments[1], grid.shape, densities)


if __name__ == "__main__":
    main(sys.argv[1:])
