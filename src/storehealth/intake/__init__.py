"""Intake: files of whatever format → typed canonical rows."""
