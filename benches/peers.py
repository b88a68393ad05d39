"""What benches/cosine.rs, wavelet.rs and pca.rs are compared with: scipy, PyWavelets and scikit-learn, one thread, medians.

    python benches/peers.py [SAMPLE.npy [POPULATION]]     (made with scipy 1.17, PyWavelets 1.8, scikit-learn 1.9, numpy 2.4)
"""
import os
import sys
import time
import warnings

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[threads] = "1"
import numpy as np
import pywt
import scipy.fft
from sklearn.decomposition import PCA, IncrementalPCA

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

sample = np.load(sys.argv[1]).astype(float) if len(sys.argv) > 1 else f
decades = lambda: np.log10(np.maximum(sample, 1e-6 * sample.max())).reshape(sample.shape[0], -1)
logarithms = decades()
pca = PCA(30).fit(logarithms)
scores = pca.transform(logarithms)
median("scikit-learn PCA(30).fit_transform of the slices", lambda: PCA(30).fit_transform(logarithms))
median("scikit-learn PCA(30), logarithm included", lambda: PCA(30).fit_transform(decades()))
median("scikit-learn inverse_transform and power", lambda: 10 ** pca.inverse_transform(scores))

if len(sys.argv) > 2:
    # What benches/pca.rs writes where VDF_BASIS_POPULATION names a file.
    population = np.fromfile(sys.argv[2]).reshape(512, -1)
    floors = 1e-6 * population.max(axis=1, keepdims=True)
    for name, values in (("linear", lambda x, floor: x), ("log10", lambda x, floor: np.log10(np.maximum(x, floor) / floor))):
        start = time.perf_counter()
        pca = IncrementalPCA(30)
        for k in range(0, 512, 64):
            pca.partial_fit(values(population[k:k + 64], floors[k:k + 64]))
        elapsed = 1e3 * (time.perf_counter() - start)
        left = total = 0.0
        for x, floor in zip(population, floors):
            d = values(x, floor) - pca.mean_
            total += d @ d
            d = d - (pca.components_ @ d) @ pca.components_
            left += d @ d
        print(f"scikit-learn IncrementalPCA(30), 512 x 50^3, {name:16} {elapsed:8.0f} ms, {left / total:.4e} of the variance left out")
# benches/spherical.rs: the transform alone, on latitudes and longitudes of pyshtools' own (made with pyshtools 4.14).
import pyshtools.expand as sh

spheres = np.random.default_rng(0).normal(size=(50, 22, 44))
c = [sh.SHExpandDH(q, sampling=2, lmax_calc=10) for q in spheres]
median("pyshtools SHExpandDH, degree 10, 50 x 22 x 44", lambda: [sh.SHExpandDH(q, sampling=2, lmax_calc=10) for q in spheres])
median("pyshtools MakeGridDH, the same back", lambda: [sh.MakeGridDH(q, sampling=2, lmax=10, lmax_calc=10) for q in c])
