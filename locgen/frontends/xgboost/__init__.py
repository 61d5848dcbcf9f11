"""Reader of XGBoost's models."""
