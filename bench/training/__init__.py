"""Training one architecture on one fold."""
