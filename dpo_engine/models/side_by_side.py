"""What a policy and its reference must share for their log-probs to be compared."""

from dpo_engine.errors import BadInput
from dpo_engine.models.loading import LoadedModel


def check_same_tokens(policy: LoadedModel, reference: LoadedModel) -> None:
    """Raises `BadInput` where the two write text in different tokens."""
    if policy.tokenizer is reference.tokenizer:
        return
    if policy.tokenizer.get_vocab() != reference.tokenizer.get_vocab():
        raise BadInput(
            f"{policy.reference} and {reference.reference} do not share their tokens, so their log-probs "
            "cannot be compared. Use the model that the policy was trained from as its reference."
        )


def longest_sequence(max_length: int, *models: LoadedModel) -> int:
    """Tokens of a prompt with its response: what is asked for, or what the models were built for."""
    from dpo_engine.training.setup import context_length

    return min([max_length, *filter(None, map(context_length, models))])
