"""The one kind of error that a user is meant to see."""


class ExportError(Exception):
    """A fault that the user can understand from its one line."""
