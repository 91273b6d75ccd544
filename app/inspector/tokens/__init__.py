"""Both responses of a pair token by token: which words the policy raised and lowered."""
