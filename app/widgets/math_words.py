"""LaTeX as a line of text that can be read: α ≤ x², ½ as (1)/(2), ∑ᵢ. Qt-free.

What cannot be read without loss (an unknown command, a brace that is not closed) stays as it was typed.
"""

import re
from functools import cache, lru_cache
from typing import Any

MOST_CHARACTERS = 2000
_DEEPEST = 24
_RAISED = dict(
    zip(
        "0123456789+-−=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVWαβγδεθιφχ′'∗*",
        "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂᵅᵝᵞᵟᵋᶿᶥᶲᵡ′′**",
        strict=True,
    )
)
_LOWERED = dict(
    zip(
        "0123456789+-−=()aehijklmnoprstuvxβγρφχ",
        "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ",
        strict=True,
    )
)
_RAISED |= {"∘": "°", "⊤": "ᵀ"}
_SIMPLE = re.compile(r"[^\s+\-−*/=<>|,;]+")
_SPACES = re.compile(r"[^\S\n]+")
_RELATIONS = re.compile(r" *([≤≥≠≈≡∼≃∝→←↦⇒⇐⇔⟹⟺⟸⟶∈∉⊂⊆⊃⊇∪∩∧∨±×·⋅≪≫⊥∥∣]) *")
_INSIDE = re.compile(r"(?<=[(\[{]) +| +(?=[)\]},₀-₉ₐ-ₜ_])")
_NO_FENCE = re.compile(r"\\(?:left|right)\s*\.")
_NAMED = "sin cos tan cot sec csc sinh cosh tanh arcsin arccos arctan log ln exp det dim ker gcd deg arg hom"
_SIGNS = {
    "|": "‖", "implies": "⟹", "iff": "⟺", "lVert": "‖", "rVert": "‖", "Vert": "‖", "lvert": "|", "rvert": "|",
    "coloneqq": "≔", "triangleq": "≜", "dots": "…", "dotsc": "…", "dotsb": "⋯",
}  # fmt: skip
_BOLD = ("boldsymbol", "bm", "mathsf", "mathtt", "mathit")
_SIZES = [f"{size}{side}" for size in ("big", "Big", "bigg", "Bigg") for side in ("", "l", "r", "m")]


class _NotReadable(Exception):
    """Some of it would be lost."""


@lru_cache(maxsize=2000)
def math_words(latex: str) -> str | None:
    """The formula as text; lines only where it has `\\\\`. None: it is to be shown as it was typed."""
    if len(latex) > MOST_CHARACTERS or _depth(latex) > _DEEPEST:
        return None
    try:
        words = _read(latex)
    except (_NotReadable, RecursionError):
        return None
    return "\n".join(filter(None, map(_tidy, words.split("\n")))) or None


def _tidy(line: str) -> str:
    return _INSIDE.sub("", _SPACES.sub(" ", _RELATIONS.sub(r" \1 ", line))).strip()


def _read(latex: str) -> str:
    from pylatexenc.latexwalker import LatexWalker, LatexWalkerError

    known, reader = _tools()
    try:
        written = _with_scripts(_NO_FENCE.sub("", latex))
        walker = LatexWalker(written, latex_context=known, tolerant_parsing=False)
        nodes, _, _ = walker.get_latex_nodes()
        return str(reader.nodelist_to_text(nodes))
    except (LatexWalkerError, ValueError, TypeError, IndexError, KeyError) as error:
        # Whatever the library stumbles over in a broken formula, the person sees what was typed.
        raise _NotReadable from error


def _with_scripts(latex: str) -> str:
    """Raised and lowered parts as such letters where all of them exist, else in brackets."""
    done, at = "", 0
    while at < len(latex):
        sign = latex[at]
        if sign == "\\":
            done += latex[at : at + 2]
            at += 2
        elif sign in "^_":
            argument, at = _argument(latex, at + 1)
            # The braces end the name of a command before it: a raised n is a letter to the library too.
            done += "{}" + _escaped(_script(sign, _tidy(_read(argument))))
        else:
            done += sign
            at += 1
    return done


def _script(sign: str, words: str) -> str:
    letters = _RAISED if sign == "^" else _LOWERED
    packed = words.replace(" ", "")
    if packed and all(letter in letters for letter in packed):
        return "".join(letters[letter] for letter in packed)
    if len(words) <= 1:
        return f"{sign}{words}"
    return f"{sign}({words})"


def _argument(latex: str, at: int) -> tuple[str, int]:
    """What a `^` or `_` is followed by, and where it ends."""
    while at < len(latex) and latex[at].isspace():
        at += 1
    if at >= len(latex):
        raise _NotReadable
    if latex[at] == "{":
        depth = 0
        for end in range(at, len(latex)):
            depth += (latex[end] == "{") - (latex[end] == "}")
            if depth == 0:
                return latex[at + 1 : end], end + 1
        raise _NotReadable
    if latex[at] == "\\":
        name = re.compile(r"\\(?:[A-Za-z]+|.)", re.DOTALL).match(latex, at)
        if name is None or latex[name.end() : name.end() + 1] == "{":
            raise _NotReadable
        return name.group(), name.end()
    return latex[at], at + 1


def _depth(latex: str) -> int:
    depth = deepest = 0
    for sign in latex:
        depth += (sign in "{[") - (sign in "}]")
        deepest = max(deepest, depth)
    return deepest + latex.count("\\begin") + latex.count("\\left") // 4


def _escaped(words: str) -> str:
    return re.sub(r"([{}#$%&])", r"\\\1", words.replace("\\", r"\textbackslash{}"))


# How commands read. Given are a node of the library's and its reader, which it calls `l2tobj`.


def _lost(node: Any, **_: Any) -> str:
    raise _NotReadable(node)


def _parts(node: Any, reader: Any) -> list[str]:
    """What stands in a command's braces; empty for an optional first argument that is not given."""
    given = node.nodeargd.argnlist if node.nodeargd else []
    if any(argument is None for argument in given if argument is not given[0]):
        raise _NotReadable
    return [str(reader.nodelist_to_text([one])).strip() if one is not None else "" for one in given]


def _fraction(node: Any, l2tobj: Any) -> str:
    above, below = _parts(node, l2tobj)
    return f"{_in_brackets(above)}/{_in_brackets(below)}"


def _root(node: Any, l2tobj: Any) -> str:
    degree, inner = _parts(node, l2tobj)
    return f"{_script('^', degree) if degree else ''}√{_in_brackets(inner)}"


def _choose(node: Any, l2tobj: Any) -> str:
    above, below = _parts(node, l2tobj)
    return f"C({above}, {below})"


def _arrow(node: Any, l2tobj: Any) -> str:
    return f" →({_parts(node, l2tobj)[-1]}) "


def _barred(node: Any, l2tobj: Any) -> str:
    return "".join(f"{letter}\u0305" for letter in _parts(node, l2tobj)[-1])


def _modulo(node: Any, l2tobj: Any) -> str:
    return f" (mod {_parts(node, l2tobj)[-1]})"


def _as_is(node: Any, l2tobj: Any) -> str:
    return _parts(node, l2tobj)[-1]


_READINGS: dict[str, Any] = {
    **dict.fromkeys(("frac", "dfrac", "tfrac", "cfrac"), _fraction),
    **dict.fromkeys(("binom", "dbinom", "tbinom"), _choose),
    **dict.fromkeys(("operatorname", "boxed", "mathop", *_BOLD), _as_is),
    **dict.fromkeys(("left", "right", *_SIZES), ""),
    **dict.fromkeys(("overbrace", "underbrace", "underline"), _lost),
    **{name: f"{name} " for name in _NAMED.split()},
    **_SIGNS,
    "sqrt": _root,
    "xrightarrow": _arrow,
    "overline": _barred,
    "pmod": _modulo,
}
_SILENT = ("displaystyle", "textstyle", "limits", "nolimits")
_ARITY = {
    **dict.fromkeys(("dfrac", "tfrac", "cfrac", "binom", "dbinom", "tbinom"), 2),
    **dict.fromkeys(("operatorname", "boxed", "mathop", "pmod", *_BOLD), 1),
}


@cache
def _tools() -> tuple[Any, Any]:
    """The commands that can be parsed, and the converter to text."""
    from pylatexenc.latex2text import LatexNodes2Text, MacroTextSpec, get_default_latex_context_db
    from pylatexenc.latexwalker import get_default_latex_context_db as get_parsable
    from pylatexenc.macrospec import std_macro

    text = [MacroTextSpec(name, simplify_repl=reading) for name, reading in _READINGS.items()]
    text += [MacroTextSpec(name, discard=False) for name in _SILENT]
    reader_db = get_default_latex_context_db()
    reader_db.add_context_category("formulas", macros=text, prepend=True)
    reader_db.set_unknown_macro_spec(MacroTextSpec("", simplify_repl=_lost))
    parsable = get_parsable()
    macros = [std_macro(name, None, number) for name, number in _ARITY.items()]
    parsable.add_context_category("formulas", macros=macros, prepend=True)
    return parsable, LatexNodes2Text(latex_context=reader_db, math_mode="text", keep_comments=True)


def _in_brackets(words: str) -> str:
    """A part of a fraction: brackets only where they are needed to tell its end."""
    return words if _SIMPLE.fullmatch(words) else f"({words})"
