"""What leaves the harness: fit, predict, export, and the check of a user's own architecture."""
