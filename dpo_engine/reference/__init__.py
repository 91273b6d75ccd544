"""The reference: what the policy's log-probs are compared with, kept on disk, or following the policy."""
