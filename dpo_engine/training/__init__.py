"""Training: the plan, the steps, what is measured, and the checkpoints to go on from."""
