"""Everything a person did, by name, to be undone and redone."""
