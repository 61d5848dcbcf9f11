"""Reader of LightGBM's models."""
