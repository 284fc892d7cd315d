"""The published predictors, faults included, for whole clips and for streams."""
