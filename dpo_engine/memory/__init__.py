"""How much memory a run needs, what follows from it, and what is done when there is not enough."""
