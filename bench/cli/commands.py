"""Imports every command module, which registers itself on ``app``. None may import torch or pandas at its top."""
