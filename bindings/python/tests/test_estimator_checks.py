"""scikit-learn's own checks of estimators of samples."""

import sklearn
from sklearn.utils.estimator_checks import parametrize_with_checks

import vdf_basis as vb


@parametrize_with_checks([vb.PopulationPCA(), vb.PopulationPCA(n_components=2, tolerance=1e-9)])
def test_scikit_learn_accepts_the_transformer(estimator, check):
    check(estimator)


def test_a_pipeline_takes_the_transformer(shock):
    from sklearn.model_selection import GridSearchCV
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline
    import numpy as np

    X = np.stack([cell.f.ravel() for cell in shock]) * 1e12
    y = [cell.moments().density for cell in shock]
    search = GridSearchCV(make_pipeline(vb.PopulationPCA(), LinearRegression()), {"populationpca__n_components": [2, 8]}, cv=4)
    assert search.fit(X, y).best_params_["populationpca__n_components"] == 8
    assert sklearn.clone(search.best_estimator_)
