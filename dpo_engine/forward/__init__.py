"""The forward pass: log-probs of responses, shared prefixes, attention, and what makes it fast and exact."""
