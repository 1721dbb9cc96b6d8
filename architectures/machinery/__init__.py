"""Registry, look-up, networks from outside, weight files: everything here that is no network."""
