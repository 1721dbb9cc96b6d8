"""Faces: file -> face set -> folds."""
