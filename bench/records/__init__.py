"""Stored facts: schema, atomic store, keys, resume."""
