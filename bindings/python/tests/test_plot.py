"""Pictures: what is drawn, and that it is drawn without a warning."""

import io

import numpy as np
import pytest

import vdf_basis as vb

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")

import matplotlib.pyplot as plt

from vdf_basis import plot

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(scope="module")
def beams():
    return vb.synthetic("beams", cells=20)


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def drawn(axes):
    figure = np.ravel(axes)[0].figure
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=50)
    assert picture.tell() > 5000
    return figure


def test_slices_of_every_form_of_a_reconstruction(beams):
    stream = vb.compress(beams, "fast:l2=0.05")
    fit = vb.Hermite(order=6).fit(beams)
    forms = ("fast:l2=0.1", stream, fit, fit.expansion_, vb.decompress(stream), beams)
    axes = plot.slices(beams, *forms)
    assert axes.shape == (13, 3)
    drawn(plot.slices(beams, *forms[:2]))
    assert axes[0, 0].get_title().startswith("$v_z$ =") and axes[-1, 0].get_xlabel() == "$v_x$ [km/s]"
    # The difference from itself is zero.
    assert all((axis.images[0].get_array() == 0).all() for axis in axes[-1])


def test_planes_hold_the_cells_they_name(beams):
    axes = plot.slices(beams.f, at=(3.0, 4.0, 5.0), labels=[])
    assert (axes[0, 0].images[0].get_array().filled(0) == beams.f[:, :, 5].T).all()
    assert (axes[0, 1].images[0].get_array().filled(0) == beams.f[:, 4, :].T).all()
    assert (axes[0, 2].images[0].get_array().filled(0) == beams.f[3].T).all()
    assert axes[0, 0].get_xlabel() == "$v_x$" and axes[0, 0].get_title() == "$v_z$ = 5"


@pytest.mark.parametrize("shape", [(4, 4, 40), (1, 5, 6), (2, 2, 2)])
def test_any_shape_and_distributions_of_zeros(shape):
    drawn(plot.slices(np.random.default_rng(0).random(shape) - 0.2, np.zeros(shape)))
    drawn(plot.slices(np.zeros(shape)))


def test_own_axes_are_drawn_on(beams):
    _, axes = plt.subplots(1, 3)
    assert plot.slices(beams, axes=axes.reshape(1, 3))[0, 0] is axes[0]
    assert plot.populations(beams, vb.Mixture(n_components=2).fit(beams), axes=axes)[2] is axes[2]


def test_spectra(beams):
    hermite = vb.Hermite(order=6).fit(beams)
    for fits, panels in (
        ((hermite,), 2),
        ((hermite, vb.Hermite(order=8).fit(beams)), 2),
        ((vb.SphericalHarmonics(degree=4, shells=20).fit(beams),), 2),
        ((vb.Cosine().fit(beams),), 1),
        ((vb.PCA(n_components=4).fit(beams),), 1),
    ):
        axes = plot.spectrum(*fits)
        assert axes.shape == (panels,)
        drawn(axes)
    line = plot.spectrum(hermite)[0].lines[0]
    assert line.get_ydata().sum() == pytest.approx(1)
    with pytest.raises(ValueError, match="different kinds"):
        plot.spectrum(hermite, vb.Cosine().fit(beams))
    with pytest.raises(TypeError, match="one fitted model"):
        plot.spectrum()
    with pytest.raises(ValueError, match="fitted"):
        plot.spectrum(vb.Hermite())


def test_populations(beams):
    axes = plot.populations(beams)
    drawn(axes)
    ellipse = axes[0].patches[0]
    fit = vb.Mixture(n_components=2).fit(beams)
    assert np.allclose(ellipse.center, fit.means_[0, :2] / 1e3, atol=5)
    assert np.allclose(ellipse.width, 2 * np.sqrt(fit.covariances_[0, 0, 0]) / 1e3, rtol=0.05)


def test_bytes_against_error(beams):
    axes = plot.rate_distortion(beams)
    drawn(axes)
    assert len(axes.lines) == 5 and axes.get_xscale() == "log"
    own = plot.rate_distortion(beams, ["octree:l2=0.1", "maxwellian:l2=0.001"])
    # What cannot be reached is left out, what does not exist is not.
    assert [line.get_label() for line in own.lines] == ["octree:l2=0.1"]
    with pytest.raises(ValueError, match="no basis"):
        plot.rate_distortion(beams, ["hermit"])


def test_bad_input(beams):
    with pytest.raises(ValueError, match="labels"):
        plot.slices(beams, "fast", labels=["a", "b"])
    with pytest.raises(ValueError, match="shape"):
        plot.slices(beams, np.ones((3, 3, 3)))
    with pytest.raises(ValueError, match="three velocities"):
        plot.slices(beams, at=(1, 2))


def test_the_accessor_draws():
    pytest.importorskip("xarray")
    import vdf_basis.xarray

    assert vb.synthetic("ring", cells=12).to_xarray().vdf.plot("fast:l2=0.1").shape == (3, 3)
