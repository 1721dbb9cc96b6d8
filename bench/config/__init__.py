"""Configuration: frozen models whose defaults live here and nowhere else."""
