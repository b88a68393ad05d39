"""Principal components of populations: accumulators and the transformer."""

import pickle

import numpy as np
import pytest

import vdf_basis as vb


@pytest.fixture(scope="module")
def X(shock):
    return np.stack([cell.f for cell in shock])


def span(components, other):
    """Largest sine of an angle between two subspaces."""
    return np.linalg.norm(components - (components @ other.T) @ other)


def test_parts_merge_to_the_whole_through_pickles(shock):
    grid = shock[0].grid
    whole = vb.PcaAccumulator(grid)
    parts = [vb.PcaAccumulator(grid) for _ in range(4)]
    for k, cell in enumerate(shock):
        whole.add(cell)
        parts[k % 4].add(cell.f)
    parts = [pickle.loads(pickle.dumps(part)) for part in parts]
    tree = (parts[0] + parts[1]) + (parts[2] + parts[3])
    assert tree.count == whole.count == 20 and parts[0].count == 5
    a, b = whole.learn(5), tree.learn(5)
    assert span(a.components, b.components) < 1e-10
    assert np.allclose(a.explained_variance, b.explained_variance, rtol=1e-12)
    parts[0].merge(parts[0])
    assert parts[0].count == 10


def test_accumulators_refuse_what_does_not_fit(shock):
    accumulator = vb.PcaAccumulator(shock[0].grid)
    with pytest.raises(ValueError, match="shape"):
        accumulator.add(np.ones((3, 3, 3)))
    with pytest.raises(ValueError, match="index"):
        accumulator.add(np.full(shock[0].shape, np.nan))
    with pytest.raises(ValueError, match="is wanted"):
        accumulator.add(vb.Distribution(shock[0].f, vb.Grid.from_edges(shock[0].shape, (0, 0, 0), (1, 1, 1))))
    with pytest.raises(ValueError, match="values"):
        accumulator.merge(vb.PcaAccumulator(shock[0].grid, "linear"))
    with pytest.raises(ValueError, match="grid"):
        accumulator.merge(vb.PcaAccumulator(vb.Grid.unit((3, 3, 3))))
    with pytest.raises(ValueError, match="empty"):
        accumulator.learn(3)
    for bad in ({"values": "log"}, {"floor": -1.0}, {"values": "linear", "floor": 1.0}, {"directions": 0}, {"batch": 3}):
        with pytest.raises(ValueError):
            vb.PcaAccumulator(shock[0].grid, **bad)
    with pytest.raises(vb.StreamError):
        vb.PcaAccumulator.from_bytes(accumulator.to_bytes()[:-1])
    with pytest.raises(vb.StreamError):
        vb.LearntPca.from_bytes(b"vdf-pca")


def test_bounded_accumulators_know_what_they_lose(shock):
    accumulator = vb.PcaAccumulator(shock[0].grid, directions=8, batch=4)
    for cell in shock:
        accumulator.add(cell)
    assert 0 < accumulator.lost < 0.1


def test_a_learnt_basis_makes_streams(shock):
    accumulator = vb.PcaAccumulator(shock[0].grid)
    for cell in shock:
        accumulator.add(cell)
    learnt = accumulator.learn(6)
    stream = vb.compress(shock[4], learnt)
    assert vb.info(stream, learnt=learnt).spec == learnt.spec
    assert vb.compare(shock[4], vb.decompress(stream, learnt=[learnt])).l2 < 0.2
    with pytest.raises(vb.StreamError, match="learnt"):
        vb.decompress(stream)
    again = pickle.loads(pickle.dumps(learnt))
    assert again == learnt and (vb.decompress(stream, learnt=again) == vb.decompress(stream, learnt=learnt)).all()
    expansion = vb.expand(shock[4], learnt)
    assert pickle.loads(pickle.dumps(expansion)) == expansion


def test_components_are_those_of_the_singular_values(X):
    rows = X.reshape(len(X), -1)
    pca = vb.PopulationPCA(n_components=4).fit(X)
    _, s, vt = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
    assert span(pca.components_, vt[:4]) < 1e-6
    assert np.allclose(pca.singular_values_, s[:4], rtol=1e-6)
    assert np.allclose(pca.explained_variance_ratio_, (s**2 / (s**2).sum())[:4], rtol=1e-6)
    assert np.allclose(pca.mean_, rows.mean(axis=0))
    full = vb.PopulationPCA().fit(rows)
    assert np.allclose(full.inverse_transform(full.transform(rows)), rows, rtol=0, atol=1e-6 * rows.max())


def test_partial_fits_are_one_fit(X):
    whole = vb.PopulationPCA(n_components=5).fit(X)
    parts = vb.PopulationPCA(n_components=5)
    for part in np.array_split(X, 3):
        parts.partial_fit(part)
    assert parts.n_samples_seen_ == 20 and span(whole.components_, parts.components_) < 1e-9


def test_samples_in_any_form_are_the_same(X, shock):
    rows = vb.PopulationPCA(n_components=3, grid=shock[0].grid).fit(X.reshape(20, -1))
    of_cells = vb.PopulationPCA(n_components=3).fit(shock)
    assert rows.learnt_ == of_cells.learnt_ and of_cells.grid_ == shock[0].grid
    archive = vb.Archive.from_bytes(vb.write_archive(None, shock, "lossless"))
    assert vb.PopulationPCA(n_components=3).fit(archive.values()).learnt_ == of_cells.learnt_
    labelled = vb.PopulationPCA(n_components=3).fit(archive.to_xarray().transpose("vz", "cell", "vx", "vy"))
    assert np.allclose(labelled.components_, of_cells.components_)
    assert vb.PopulationPCA(n_components=3).fit_transform(cell for cell in shock).shape == (20, 3)


def test_decades_have_a_floor_that_is_kept(X):
    pca = vb.PopulationPCA(n_components=8, values="log10").fit(X)
    assert pca.floor_ == pytest.approx(1e-6 * X.max())
    back = pca.inverse_transform(pca.transform(X)).reshape(X.shape)
    assert back.min() >= 0 and vb.compare(X[5], back[5]).l2 < 0.3
    assert np.allclose(pca.reconstruct(X[5]), back[5], rtol=1e-6)
    assert np.allclose(pca.learnt_.scores(X[5])[0], pca.transform(X[5:6])[0])
    with pytest.raises(ValueError, match="positive"):
        vb.PopulationPCA(values="log10").fit(-np.ones((2, 2, 2, 2)))


def test_components_from_merged_accumulators(X, shock):
    parts = [vb.PcaAccumulator(shock[0].grid, "linear") for _ in range(2)]
    for k, cell in enumerate(shock):
        parts[k % 2].add(cell)
    merged = vb.PopulationPCA.from_accumulator(parts[0] + parts[1], n_components=4)
    whole = vb.PopulationPCA(n_components=4).fit(X)
    assert span(merged.components_, whole.components_) < 1e-9
    assert np.allclose(merged.transform(X) ** 2, whole.transform(X) ** 2)
    merged.partial_fit(X[:2])
    assert merged.n_samples_seen_ == 22 and parts[0].count == 10


def test_unfitted_is_said():
    with pytest.raises(vb.NotFittedError if "sklearn.exceptions" not in __import__("sys").modules else ValueError):
        vb.PopulationPCA().transform(np.ones((2, 3)))
