"""The errors that are shown to the user."""


class ExportError(Exception):
    """A fault that its one-line message explains to the user."""


class AnswerError(Exception):
    """A server's refusal, in its own words."""
