"""Drives the real window through the whole job with real input events, and takes pictures on the way."""
