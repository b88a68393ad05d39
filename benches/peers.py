"""What benches/cosine.rs and benches/wavelet.rs are compared with: scipy and PyWavelets, one thread, medians.

    python benches/peers.py        (made with scipy 1.17, PyWavelets 1.8, numpy 2.4)
"""
import time
import warnings

import numpy as np
import pywt
import scipy.fft

warnings.simplefilter("ignore")


def median(what, call, runs=41):
    call()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    print(f"{what:50} {1e3 * np.median(times):8.3f} ms")


f = np.exp(-np.sum(((np.indices((50, 50, 50)) - 24.5) / 8.0) ** 2, axis=0))
blocks = np.pad(f, ((0, 6),) * 3, mode="symmetric").reshape(7, 8, 7, 8, 7, 8)
median("scipy dctn, blocks of 8", lambda: scipy.fft.dctn(blocks, norm="ortho", axes=(1, 3, 5), workers=1))
median("scipy dctn, whole grid", lambda: scipy.fft.dctn(f, norm="ortho", workers=1))
long = np.random.default_rng(0).normal(size=(100, 100, 100))
median("scipy dctn, 100^3", lambda: scipy.fft.dctn(long, norm="ortho", workers=1), 9)
for name in ("db4", "bior4.4", "sym8"):
    for mode in ("periodization", "symmetric"):
        c = pywt.wavedecn(f, name, mode, level=2)
        median(f"pywt {name} {mode}, there", lambda: pywt.wavedecn(f, name, mode, level=2))
        median(f"pywt {name} {mode}, back", lambda: pywt.waverecn(c, name, mode))
        median(f"pywt {name} {mode}, there and back",
               lambda: pywt.waverecn(pywt.wavedecn(f, name, mode, level=2), name, mode))
median("pywt stationary db4, one level, there and back", lambda: pywt.iswtn(pywt.swtn(f, "db4", level=1), "db4"))

# benches/spherical.rs: the transform alone, on latitudes and longitudes of pyshtools' own (made with pyshtools 4.14).
import pyshtools.expand as sh

spheres = np.random.default_rng(0).normal(size=(50, 22, 44))
c = [sh.SHExpandDH(q, sampling=2, lmax_calc=10) for q in spheres]
median("pyshtools SHExpandDH, degree 10, 50 x 22 x 44", lambda: [sh.SHExpandDH(q, sampling=2, lmax_calc=10) for q in spheres])
median("pyshtools MakeGridDH, the same back", lambda: [sh.MakeGridDH(q, sampling=2, lmax=10, lmax_calc=10) for q in c])
