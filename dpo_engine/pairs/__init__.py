"""Preference pairs on their way in: rows of files, conversations, token ids, batches."""
