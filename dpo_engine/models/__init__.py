"""Models: their files, their identity, loading them, adapters on them, saving them."""
