"""Writing candidates: prefill once, then a token a row at a time."""
