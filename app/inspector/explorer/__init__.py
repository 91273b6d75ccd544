"""The loss explorer: one pair whose numbers can be moved, under any of the losses."""
