"""Hyper-parameter search; the one importer of optuna."""
