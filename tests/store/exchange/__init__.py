"""Tests of import, export and merge."""
