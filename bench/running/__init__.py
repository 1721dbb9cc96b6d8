"""The plan of cells and who executes it."""
