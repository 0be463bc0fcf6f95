"""The version, in one place; below everything, so that all may print it."""

__version__ = "0.2.0"
