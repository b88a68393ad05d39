"""Wavelet filters to the last digit, and golden vectors from PyWavelets.

    python generate.py filters > filters.txt     the constants of src/bases/wavelet/filters/taps.rs
    python generate.py golden  > golden.txt      the vectors of src/bases/wavelet/tests.rs

Made with PyWavelets 1.8.0, numpy 2.4.6. Published digits of the symlets and of the 9/7 pair solve their defining
equations to 1e-12 only; a few Newton steps in extended precision bring them to the last digit of double precision.
"""
import sys
import warnings

import numpy as np
import pywt

warnings.simplefilter("ignore")
NAMES = (["haar"] + [f"db{n}" for n in range(2, 11)] + [f"sym{n}" for n in range(4, 9)]
         + ["coif1", "coif2", "coif3", "bior1.3", "bior2.2", "bior4.4"])
LONG = np.longdouble


def newton(unknowns, equations):
    """Gauss-Newton: residuals in extended precision, steps in double."""
    x = np.array(unknowns, dtype=LONG)
    for _ in range(8):
        r = equations(x)
        columns = []
        for k in range(len(x)):
            e = np.zeros(len(x), dtype=LONG)
            e[k] = LONG(1e-6)
            columns.append((equations(x + e) - equations(x - e)) / LONG(2e-6))
        step = np.linalg.lstsq(np.array(columns, dtype=float).T, r.astype(float), rcond=None)[0]
        x = x - step
    return x


def overlaps(a, b, wanted):
    """sum_k a[k] b[k + 2m] - wanted, for all m >= 0."""
    n = len(a)
    return [np.sum(a[:n - 2 * m] * b[2 * m:]) - (LONG(1) if m == 0 else LONG(0)) * wanted for m in range(n // 2)]


def vanishing(h, count):
    """Moments of the filter with alternating signs: zeros at half the sampling frequency."""
    k = np.arange(len(h)).astype(LONG) / len(h) - LONG(0.5)
    signs = np.where(np.arange(len(h)) % 2 == 0, 1, -1).astype(LONG)
    return [np.sum(signs * k**m * h) for m in range(count)]


def synthesis_lowpass(name):
    w = pywt.Wavelet(name)
    h = np.array(w.rec_lo, dtype=LONG)
    if name.startswith(("sym", "db")):
        h = newton(h, lambda h: np.array(overlaps(h, h, 1) + vanishing(h, len(h) // 2), dtype=LONG))
    return h


def nine_seven():
    """Both low-passes of the 9/7 pair, centred: halves of symmetric filters."""
    w = pywt.Wavelet("bior4.4")

    def filters(u):
        nine = np.concatenate([u[4:0:-1], u[:5]])
        seven = np.concatenate([[LONG(0)], u[8:5:-1], u[5:9], [LONG(0)]])
        return nine, seven

    def equations(u):
        nine, seven = filters(u)
        pairs = [np.sum(nine[:9 - 2 * m] * seven[2 * m:]) - (1 if m == 0 else 0) for m in range(4)]
        root = np.sqrt(LONG(2))
        return np.array(pairs + vanishing(nine, 4) + vanishing(seven, 4) + [nine.sum() - root, seven.sum() - root])

    nine, seven = np.array(w.dec_lo[1:]), np.array(w.rec_lo[1:])
    u = newton(np.concatenate([nine[4:], seven[4:8]]), equations)
    assert np.max(np.abs(equations(u))) < 1e-17
    return filters(u)


def print_filters():
    for name in NAMES:
        if name.startswith("bior"):
            continue
        h = synthesis_lowpass(name)
        assert np.max(np.abs(np.array(overlaps(h, h, 1), dtype=float))) < 3e-16, name
        assert np.max(np.abs(h.astype(float) - np.array(pywt.Wavelet(name).rec_lo))) < 2e-12
        print(name, ", ".join(repr(float(v)) for v in h))
    nine, seven = nine_seven()
    print("9/7 nine, half:", ", ".join(repr(float(v)) for v in nine[4:]))
    print("9/7 seven, half:", ", ".join(repr(float(v)) for v in seven[4:8]))


def values(shape):
    k = np.arange(np.prod(shape))
    return (((7 * k * k + 3 * k) % 11) / 4.0 - 1.0).reshape(shape)


def flat(coefficients):
    parts = [np.ravel(coefficients[0])]
    for level in coefficients[1:]:
        parts += [np.ravel(level[key]) for key in sorted(level)] if isinstance(level, dict) else [np.ravel(level)]
    return np.concatenate(parts)


def line(*words, numbers):
    print(*words, "|", " ".join(f"{v:.13g}" for v in numbers))


def print_golden():
    for name in NAMES:
        for mode in ("periodization", "symmetric"):
            for n, level in ((5, 1), (16, 2), (17, 3)):
                c = pywt.wavedec(values(n), name, mode, level=level)
                line("dwt", name, mode, level, f"1 1 {n}", numbers=flat(c))
    for name, mode in (("db2", "periodization"), ("db2", "symmetric"), ("bior2.2", "periodization")):
        c = pywt.wavedecn(values((4, 5, 6)), name, mode, level=2)
        line("dwt", name, mode, 2, "4 5 6", numbers=flat(c))
    for name in ("haar", "db4", "sym5", "coif1", "bior1.3", "bior2.2", "bior4.4"):
        c = pywt.swt(values(16), name, level=2, trim_approx=True)
        line("swt", name, "periodization", 2, "1 1 16", numbers=flat(c))
    c = pywt.swtn(values((4, 4, 2)), "db2", level=1, trim_approx=True)
    line("swt", "db2", "periodization", 1, "4 4 2", numbers=flat(c))


if __name__ == "__main__":
    {"filters": print_filters, "golden": print_golden}[sys.argv[1]]()
