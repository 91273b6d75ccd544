"""The runs of a project: the list, what can be done with them, the queue, what differs, what they take up."""
