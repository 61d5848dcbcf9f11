"""Reader of interpret's explainable boosting machines."""
