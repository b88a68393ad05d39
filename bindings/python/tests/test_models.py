"""The bases as classes."""

import copy
import pickle

import numpy as np
import pytest
import sklearn
import xarray as xr

import vdf_basis as vb

MODELS = [
    vb.Maxwellian(covariance="full"),
    vb.Hermite(order=(6, 5, 4), truncation="cube"),
    vb.Hermite(order=6, frame="field-aligned", field=(1.0, 1.0, 2.0)),
    vb.SphericalHarmonics(degree=3, shells=8, centre="bulk"),
    vb.SphericalHarmonics(method="burnett", degree=4),
    vb.SphericalHarmonics(method="misner", degree=3, shells=8, half_width=1.5),
    vb.Mixture(n_components=2),
    vb.Mixture(n_components=2, covariance="field-aligned", field=np.array([1.0, 1.0, 2.0]), kappa=4.0),
    vb.Octree(l2=0.2, blend=True),
    vb.Cosine(block=8, keep=(4, 4, 3)),
    vb.Wavelet(filter="sym4", terms=300),
    vb.PCA(n_components=3, axis="y", values="linear"),
]


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_models_fit_clone_pickle_and_write(model, ring):
    model = sklearn.clone(model)
    params = model.get_params()
    assert model.fit(ring) is model and model.get_params() == params
    assert eval(repr(model), {**vars(vb), "array": np.array}).spec == model.spec
    g = model.reconstruct()
    assert g.shape == ring.shape and model.grid_ == ring.grid
    assert (g == vb.decompress(vb.compress(ring, model.spec))).all()
    assert model.to_bytes() == vb.compress(ring, model.spec)
    assert model.moments().density == pytest.approx(vb.moments(g, grid=ring.grid).density, rel=1e-9)
    assert model.score(ring) == pytest.approx(1 - vb.compare(ring, g).l2 ** 2)
    spectrum = model.spectrum()
    assert spectrum is not None and len(spectrum)
    for again in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), type(model).from_bytes(model.to_bytes())):
        assert again.spec == model.spec and (again.reconstruct() == g).all()
        assert again.expansion_ == model.expansion_
    fresh = sklearn.clone(model)
    assert not hasattr(fresh, "expansion_")
    with pytest.raises(ValueError, match="not fitted yet"):
        fresh.reconstruct()


def test_parameters_are_set_by_name():
    model = vb.Hermite(order=8)
    assert model.set_params(order=9, truncation="total-degree") is model
    assert model.spec == "hermite:order=9,truncation=total-degree" and repr(model) == "Hermite(order=9, truncation='total-degree')"
    with pytest.raises(ValueError, match="Invalid parameter 'oder'"):
        model.set_params(oder=3)
    with pytest.raises(TypeError):
        vb.Hermite(8)
    for bad, error in (({"order": 1000}, ValueError), ({"truncation": "ball"}, ValueError), ({"weight": "a,b=c"}, ValueError), ({"centre": object()}, TypeError)):
        with pytest.raises(error):
            vb.Hermite(**bad).fit(np.ones((4, 4, 4)))


def test_streams_of_another_basis_are_refused(ring):
    with pytest.raises(ValueError, match="not of the basis `hermite`"):
        vb.Hermite.from_bytes(vb.compress(ring, "maxwellian"))
    with pytest.raises(vb.StreamError):
        vb.Hermite.from_bytes(b"VDF")


def test_a_maxwellian_is_found():
    f = vb.synthetic("maxwellian", cells=30)
    model = vb.Maxwellian().fit(f)
    assert model.density_ == pytest.approx(1e6, rel=1e-6) and model.widths_ == pytest.approx([3e5] * 3)
    assert np.diag(model.covariance_) == pytest.approx([9e10] * 3) and abs(model.centre_).max() < 1
    assert model.converged_ and model.n_iter_ >= 0
    assert not hasattr(vb.Maxwellian(method="moments").fit(f), "n_iter_")


def test_a_mixture_is_found_and_sampled():
    model = vb.Mixture(n_components=2).fit(vb.synthetic("beams", cells=36))
    assert model.weights_ == pytest.approx([0.7, 0.3], abs=1e-3)
    assert model.means_[:, 0] == pytest.approx([-3e5, 6e5], rel=1e-3)
    assert model.covariances_.shape == (2, 3, 3) and model.converged_
    velocities, components = model.sample(40_000, random_state=5)
    assert np.bincount(components)[0] / 40_000 == pytest.approx(0.7, abs=0.02)
    first = velocities[components == 0]
    assert np.cov(first.T) == pytest.approx(model.covariances_[0], abs=0.05 * model.covariances_[0].max())
    assert (model.sample(5, random_state=2)[0] == model.sample(5, random_state=2)[0]).all()


def test_kappa_samples_have_the_covariance():
    model = vb.Mixture(n_components=1, kappa=6.0).fit(vb.synthetic("kappa", cells=30))
    velocities, _ = model.sample(200_000, random_state=5)
    assert np.cov(velocities.T) == pytest.approx(model.covariances_[0], abs=0.05 * model.covariances_[0].max())


def test_hermite_coefficients_divide_the_norm(ring):
    model = vb.Hermite(order=12).fit(ring)
    assert model.coef_.shape == (12, 12, 12) and model.terms_.shape == (1728, 3)
    spectrum = model.spectrum()
    assert spectrum["total_degree"].sum() == pytest.approx((model.coef_**2).sum())
    norm = (model.reconstruct() ** 2).sum() * ring.grid.cell_volume
    assert spectrum["total_degree"].sum() * model.widths_.prod() == pytest.approx(norm, rel=0.05)
    some = vb.Hermite(order=6, terms=50).fit(ring)
    assert np.count_nonzero(some.coef_) == 50 == len(some.terms_)


def test_labelled_arrays_come_back_labelled(ring):
    labelled = ring.to_xarray()
    model = vb.Hermite(order=5).fit(labelled.transpose("vz", "vy", "vx"))
    back = model.reconstruct()
    assert isinstance(back, xr.DataArray) and back.dims == ("vz", "vy", "vx")
    assert np.allclose(back.vx, labelled.vx) and back.attrs["units"]
    assert isinstance(model.spectrum()["total_degree"], xr.DataArray)
    assert isinstance(vb.Hermite(order=5).fit(ring).reconstruct(), np.ndarray)
    wider = vb.Grid.from_edges((8, 8, 8), (-2e6,) * 3, (2e6,) * 3)
    assert model.reconstruct(wider).shape == (8, 8, 8)


def test_octree_leaves_tile_the_grid(ring):
    model = vb.Octree(l2=0.2).fit(ring)
    cells = (model.boxes_[:, :, 1] - model.boxes_[:, :, 0]).prod(axis=1).sum()
    assert cells == ring.f.size and sum(model.sizes_) == len(model.coef_)


def test_shapes_of_what_is_learnt(ring):
    nx, ny, nz = ring.shape
    pca = vb.PCA(n_components=3).fit(ring)
    assert pca.components_.shape == (3, ny * nz) and pca.scores_.shape == (3, nx) and pca.floor_ > 0
    assert np.allclose(pca.components_ @ pca.components_.T, np.eye(3))
    spherical = vb.SphericalHarmonics(degree=3, shells=8).fit(ring)
    assert len(spherical.coef_) == len(spherical.terms_) and len(spherical.degrees_) == 8
    assert spherical.on_sphere(1e5).shape == (16,)
    assert 0 < spherical.spectrum()["gyrotropy"] < 1
    cosine = vb.Cosine(terms=40).fit(ring)
    assert cosine.coef_.shape == (40,) and cosine.terms_.shape == (40, 6)
