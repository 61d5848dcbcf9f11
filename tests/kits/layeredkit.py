"""Kernel machines, networks and kernel maps, small and trained on real data: a case each."""

import warnings
from functools import cache

import numpy as np
from familykit import rows
from sklearn.kernel_approximation import Nystroem, RBFSampler
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC, SVR, NuSVC, NuSVR, OneClassSVM


def scaled(make):
    """Return what makes a pipeline of a StandardScaler and what `make` makes."""
    return lambda: make_pipeline(StandardScaler(), make())


_NETWORK = {"max_iter": 400, "random_state": 0, "solver": "lbfgs"}
CASES = {
    "svc-rbf": ("wine", scaled(SVC)),
    "svc-binary": ("cancer", scaled(lambda: SVC(C=2.0))),
    "svc-poly": ("iris", scaled(lambda: SVC(kernel="poly", degree=2, coef0=1.0))),
    "svc-sigmoid": ("iris", scaled(lambda: SVC(kernel="sigmoid", gamma=0.2))),
    "svc-linear": ("wine", scaled(lambda: SVC(kernel="linear"))),
    "svc-bare": ("iris", lambda: SVC(gamma=0.3)),
    "nusvc": ("iris", scaled(lambda: NuSVC(nu=0.3))),
    "oneclass": ("iris", scaled(lambda: OneClassSVM(nu=0.1))),
    "svr": ("diabetes", scaled(lambda: SVR(C=10.0, epsilon=40.0))),
    "svr-linear": ("diabetes", scaled(lambda: SVR(kernel="linear", C=10.0))),
    "nusvr": ("diabetes", scaled(lambda: NuSVR(C=20.0, nu=0.1))),
    "ridge-rbf": ("iris", scaled(lambda: KernelRidge(kernel="rbf", gamma=0.2))),
    "ridge-laplacian": ("iris", lambda: KernelRidge(kernel="laplacian")),
    "ridge-poly": ("iris", scaled(lambda: KernelRidge(kernel="polynomial", degree=2))),
    "nystroem": (
        "cancer",
        lambda: make_pipeline(
            StandardScaler(), Nystroem(n_components=12, random_state=0), LogisticRegression()
        ),
    ),
    "nystroem-ridge": (
        "diabetes",
        lambda: make_pipeline(
            MinMaxScaler(), Nystroem(gamma=0.5, n_components=10, random_state=0), Ridge()
        ),
    ),
    "rbf-sampler": (
        "iris",
        lambda: make_pipeline(
            StandardScaler(),
            RBFSampler(gamma=0.1, n_components=20, random_state=0),
            LogisticRegression(),
        ),
    ),
    "mlp-relu": ("wine", scaled(lambda: MLPClassifier((6,), **_NETWORK))),
    "mlp-tanh-binary": (
        "cancer",
        scaled(lambda: MLPClassifier((5,), activation="tanh", alpha=1.0, **_NETWORK)),
    ),
    "mlp-two-layers": (
        "iris",
        scaled(lambda: MLPClassifier((6, 4), activation="logistic", alpha=0.01, **_NETWORK)),
    ),
    "mlp-identity": (
        "iris",
        scaled(lambda: MLPClassifier((4,), activation="identity", **_NETWORK)),
    ),
    "mlp-regressor": (
        "diabetes",
        scaled(lambda: MLPRegressor(hidden_layer_sizes=(5,), alpha=10.0, **_NETWORK)),
    ),
}


@cache
def fitted(name):
    """Return the fitted estimator of a case, and its four arrays."""
    data, make = CASES[name]
    x_train, x_test, y_train, y_test = rows(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator = make().fit(x_train, y_train)
    if name == "oneclass":
        y_train, y_test = estimator.predict(x_train), estimator.predict(x_test)
    return estimator, (x_train, x_test, y_train, y_test)


def edge_rows(x, count=60, seed=0):
    """Return rows beside, far outside and one ulp from those of `x`, and constant ones."""
    random = np.random.default_rng(seed)
    some = x[random.integers(len(x), size=count)]
    return np.concatenate(
        [
            some,
            np.nextafter(some, np.inf),
            np.nextafter(some, -np.inf),
            some * 3 - 1,
            np.zeros((1, x.shape[1])),
            np.tile(x.mean(axis=0), (2, 1)),
        ]
    )
