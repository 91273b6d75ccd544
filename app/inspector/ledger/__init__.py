"""Every pair at every scored checkpoint: what is scored, with which weights, and getting the rest scored."""
