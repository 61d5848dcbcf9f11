"""Readers of scikit-learn's estimators and preprocessing steps."""
