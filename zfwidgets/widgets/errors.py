"""How a mistake is told to a reader."""

from __future__ import annotations


def describe_error(error: Exception | str) -> str:
    """An error in one line: messages that we wrote as they are, others with their kind."""
    if isinstance(error, str | ValueError | TypeError | ConnectionError):
        return str(error)
    return f"{type(error).__name__}: {error}"
