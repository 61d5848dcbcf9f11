"""Trains the forest of the README on scikit-learn's breast-cancer data.

Usage: python train_breast_cancer.py FOLDER; writes model.pkl and data.npz into FOLDER.
"""

import pickle
import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split


def main(folder: Path) -> None:
    """Train, and write model and data into `folder`."""
    bunch = load_breast_cancer()
    x_train, x_test, y_train, y_test = train_test_split(
        bunch.data, bunch.target, test_size=0.3, random_state=0, stratify=bunch.target
    )
    forest = RandomForestClassifier(n_estimators=20, max_depth=5, random_state=0)
    forest.fit(x_train, y_train)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.pkl").write_bytes(pickle.dumps(forest))
    np.savez(folder / "data.npz", X_train=x_train, y_train=y_train, X_test=x_test, y_test=y_test)
    print(f"trained: {forest.score(x_test, y_test):.3f} accuracy on {len(y_test)} test rows")
    print(f"written: {folder / 'model.pkl'} and {folder / 'data.npz'}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
