"""LaTeX as text: what is read, and that nothing is lost in silence."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.widgets.math_words import math_words


@pytest.mark.parametrize(
    ("latex", "words"),
    [
        ("x^{2}", "x²"),
        ("x_1 + x_{10}", "x₁ + x₁₀"),
        (r"\frac{a+1}{b}", "(a+1)/b"),
        (r"\frac12", "1/2"),
        (r"\sqrt{x+1}", "√(x+1)"),
        (r"\sqrt[3]{x}", "³√x"),
        (r"\sum_{i=1}^{n} x_i^2", "∑ᵢ₌₁ⁿ xᵢ²"),
        (r"e^{i\pi}+1=0", "e^(iπ)+1=0"),
        (r"\left( \alpha \right) \leq \beta", "(α) ≤ β"),
        (r"\pi_\theta(y)", "π_θ(y)"),
        (r"f: \mathbb{R}^n \to \mathbb{R}", "f: ℝⁿ → ℝ"),
        (r"90^\circ", "90°"),
        (r"\log_2 x", "log₂ x"),
        (r"\{a, b\}", "{a, b}"),
        (r"a \\ b", "a\nb"),
        (r"\binom{n}{k}", "C(n, k)"),
        (r"\mathbf{x}^\top y", "𝐱ᵀ y"),
    ],
)
def test_formulas_are_read(latex: str, words: str) -> None:
    assert math_words(latex) == words


@pytest.mark.parametrize(
    "latex",
    [
        r"\frac{1",
        r"{a",
        "x^",
        r"\unknown{x}",
        r"\input{/etc/passwd}",
        r"\newcommand{\x}{y} \x",
        r"\underbrace{a+b}",
        "{" * 200 + "}" * 200,
        "x" * 3000,
        "",
    ],
)
def test_what_cannot_be_read_without_loss_is_left(latex: str) -> None:
    assert math_words(latex) is None


_PARTS = st.sampled_from(
    ["\\frac", "{", "}", "^", "_", "\\sqrt", "[", "]", "a", "1", " ", "&", "\\\\", "%", "#", "$", "\\left",
     "(", "\\begin{pmatrix}", "\\end{pmatrix}", "\\text{é}", "~", "\\", "ⁿ", "\\alpha"]
)  # fmt: skip


@given(st.lists(_PARTS, max_size=30).map("".join) | st.text(max_size=80))
@settings(max_examples=300, deadline=None)
def test_any_formula_is_read_or_left(latex: str) -> None:
    words = math_words(latex)
    assert words is None or words.strip()
