"""The error that is shown to the user."""


class ExportError(Exception):
    """A fault that its one-line message explains to the user."""
