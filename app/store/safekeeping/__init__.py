"""Backups, checks, restoring, and saving what is left of a damaged file."""
