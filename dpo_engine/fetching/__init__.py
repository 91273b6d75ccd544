"""Getting a model onto this disk, from a package index or the hub."""
