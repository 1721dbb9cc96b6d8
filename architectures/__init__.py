"""What is compared. Each import below registers the architectures of one file."""

from architectures.registry import Architecture, ArchitectureError, build, get, register, registered

__all__ = ["Architecture", "ArchitectureError", "build", "get", "register", "registered"]
