"""What `cargo run --release --example particles -- NAME COUNT COMPONENTS OUT.raw` is compared with: scikit-learn's
GaussianMixture on the same particles, one thread.

    python benches/particles.py OUT.raw COMPONENTS     (made with scikit-learn 1.9, numpy 2.4)
"""
import os
import sys
import time

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[threads] = "1"
import numpy as np
from sklearn.mixture import GaussianMixture

v = np.fromfile(sys.argv[1]).reshape(-1, 3)
unit = v.std()
v = (v - v.mean(axis=0)) / unit
for tolerance in (1e-3, 1e-4, 1e-7):
    start = time.perf_counter()
    fit = GaussianMixture(int(sys.argv[2]), tol=tolerance, max_iter=1000, random_state=0).fit(v)
    took = time.perf_counter() - start
    print(f"tolerance {tolerance:g}: {took:.2f} s, {fit.n_iter_} steps, mean ln f/n = {fit.score(v) - 3 * np.log(unit):.6f}")
