"""Drawings of the page, one file each."""
