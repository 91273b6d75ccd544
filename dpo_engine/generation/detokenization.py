"""Text from tokens as they come, so that the pieces add up to the whole text exactly."""

from transformers import PreTrainedTokenizerBase

_INCOMPLETE = "\N{REPLACEMENT CHARACTER}"


class TextStream:
    """The text of one response, given out piece by piece.

    A letter whose bytes are spread over several tokens is held back until it is complete, and so is text
    that a decoder changes in the light of what follows.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        self._ids: list[int] = []
        self._told = ""

    @property
    def tokens(self) -> int:
        return len(self._ids)

    @property
    def text(self) -> str:
        """Everything so far, held back or not."""
        return str(
            self._tokenizer.decode(self._ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        )

    def add(self, token: int) -> None:
        self._ids.append(token)

    def news(self) -> str:
        """What is certain and was not told before."""
        certain = self.text.rstrip(_INCOMPLETE)
        if not certain.startswith(self._told):
            return ""
        piece = certain[len(self._told) :]
        self._told = certain
        return piece

    def rest(self) -> str | None:
        """What is left to tell at the end; None where the text turned out to be another than was told."""
        text = self.text
        return text[len(self._told) :] if text.startswith(self._told) else None
