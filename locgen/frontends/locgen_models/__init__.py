"""Readers of locgen's own estimators and clauses."""
