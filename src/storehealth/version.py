"""The version, in one place; below everything, so that all may print it."""

VERSION = "0.1.0"
