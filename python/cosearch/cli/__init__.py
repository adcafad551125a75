"""The ``cosearch`` command: one thin file for each of its commands."""

from cosearch.cli.main import main

__all__ = ["main"]
