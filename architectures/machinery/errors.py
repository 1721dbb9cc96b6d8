"""What goes wrong when an architecture is named, built or filled."""


class ArchitectureError(ValueError):
    """A name, an option, a builder or a weights file is not usable; one line for the user."""
