"""The whole job as a person does it: get the model, judge, train, look into the numbers, use the policy.

The stated rule of the tour's annotator: the shorter response is better; two of the same length are a tie.
"""

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPlainTextEdit

from app.shell.navigation import PLACES
from app.tour import eyes
from app.tour.driver import CTRL, Driver
from app.tour.guide import Script, TourFailed, Until

COMPARISONS = 24
MODEL_SECONDS = 900.0
WRITING_SECONDS = 300.0
TRAINING_SECONDS = 1200.0
_SOME_CHARACTERS = 160


def whole_job(driver: Driver) -> Script:
    yield from _start(driver)
    yield from _annotate(driver)
    yield from _look_closer(driver)
    yield from _library(driver)
    yield from _train(driver)
    yield from _inspect(driver)
    yield from _use_policy(driver)
    yield from _in_the_dark(driver)


def _start(driver: Driver) -> Script:
    """The model is fetched, or found, and the first two responses come in."""
    window = driver.window
    window.activateWindow()
    yield Until("the Annotate page", lambda: window.current_page is not None)
    yield Until(
        "a sign of life on the page",
        lambda: eyes.both_begun(driver) or eyes.busy(driver) or eyes.can_judge(driver),
        60,
    )
    if eyes.busy(driver):
        yield Until("a third of the model", lambda: _a_third_or_more(driver), MODEL_SECONDS)
        driver.picture("getting-the-model")
    yield Until("the first words of both responses", lambda: eyes.both_begun(driver), MODEL_SECONDS)
    yield Until("some more of them", lambda: _some_lines(driver) or eyes.can_judge(driver), WRITING_SECONDS)
    driver.picture("responses-being-written")


def _a_third_or_more(driver: Driver) -> bool:
    return eyes.fetched(driver) > 0.3 or not eyes.busy(driver)


def _some_lines(driver: Driver) -> bool:
    return all(len(text) > _SOME_CHARACTERS for text in eyes.responses(driver))


def _annotate(driver: Driver) -> Script:
    """Twenty-four verdicts by the rule, one taken back and given again on the way."""
    at_first = eyes.verdicts_given(driver)
    for number in range(1, COMPARISONS + 1):
        yield Until(f"comparison {number}", lambda: eyes.can_judge(driver), WRITING_SECONDS)
        if number == 3:
            driver.picture("which-one-is-better")
        yield from _judge(driver, at_first + number)
        if number == 5:
            driver.press(Qt.Key.Key_Z, CTRL)
            yield Until("the verdict undone", lambda: eyes.verdicts_given(driver) == at_first + 4)
            yield Until("its comparison again", lambda: eyes.can_judge(driver))
            yield from _judge(driver, at_first + 5)
    driver.press(Qt.Key.Key_N)
    yield Until("the panel for a new prompt", lambda: driver.seek(QPlainTextEdit, "new-prompt-text"))
    driver.write("Write a short, friendly note that thanks a neighbour for watering the plants.")
    driver.picture("a-prompt-of-your-own")
    driver.press(Qt.Key.Key_Return, CTRL)
    yield Until("the panel closed", lambda: driver.seek(QPlainTextEdit, "new-prompt-text") is None)


def _judge(driver: Driver, count: int) -> Script:
    """Press the key that the rule says; go on when the page counts `count` verdicts."""
    left, right = (len(text) for text in eyes.responses(driver))
    driver.press(Qt.Key.Key_3 if left == right else Qt.Key.Key_1 if left < right else Qt.Key.Key_2)
    yield Until(f"{count} verdicts", lambda: eyes.verdicts_given(driver) == count)


def _look_closer(driver: Driver) -> Script:
    """Differences between the two, and how good the verdicts are so far."""
    yield Until("a comparison", lambda: eyes.can_judge(driver), WRITING_SECONDS)
    driver.press(Qt.Key.Key_D)
    yield Until("the differences", lambda: eyes.says(driver, "of the words in both"))
    driver.picture("differences")
    driver.press(Qt.Key.Key_D)
    driver.press(Qt.Key.Key_Q)
    yield Until("the quality panel", lambda: eyes.says(driver, "Agreement with yourself"))
    driver.picture("quality")
    driver.press(Qt.Key.Key_Q)
    yield Until("the panel away", lambda: not eyes.says(driver, "Agreement with yourself"))


def _library(driver: Driver) -> Script:
    """Everything in one table, a flag set and taken back, and the figures."""
    _go(driver, "library")
    yield Until("the Library", lambda: eyes.is_at(driver, "library"))
    yield Until("its rows", lambda: eyes.library_rows(driver) > 0)
    table = eyes.library_table(driver)
    if table is None:
        raise TourFailed("The Library's table went away.")
    table.view.setFocus()
    driver.press(Qt.Key.Key_Down)
    driver.press(Qt.Key.Key_F)
    yield Until("the flag", lambda: eyes.says(driver, "lagged"))
    driver.picture("library")
    driver.press(Qt.Key.Key_Z, CTRL)
    yield Until("the flag taken back", lambda: not eyes.says(driver, "lagged"))
    driver.press(Qt.Key.Key_G)
    yield Until("the figures", lambda: eyes.says(driver, "Verdicts per day"))
    driver.picture("figures")
    driver.press(Qt.Key.Key_G)


def _go(driver: Driver, place: str) -> None:
    """By the key that the navigation names for it."""
    shortcut = next(one.shortcut for one in PLACES if one.key == place)
    driver.press(Qt.Key(ord(shortcut[-1])), CTRL)


def _train(driver: Driver) -> Script:
    _go(driver, "train")
    yield Until("the Train page", lambda: eyes.train_page(driver))
    page = eyes.train_page(driver)
    yield Until("a run that can start", page.foot.start_box.button.isEnabled)
    yield Until("the plots", lambda: page.curves.board is not None)
    driver.do("train.check")
    yield Until("every pair looked at", lambda: eyes.checked(driver), 120)
    driver.picture("every-pair-looked-at")
    driver.do("train.show-curves")
    driver.click(page.foot.start_box.button)
    yield Until("the first three steps", lambda: eyes.step(driver) >= 3, TRAINING_SECONDS)
    driver.picture("training")
    yield Until("the end of training", lambda: not eyes.training(driver), TRAINING_SECONDS)
    yield Until("the finished run in the list", page.runs.use.isEnabled)
    yield Until("the engine done with it", lambda: "Training" not in eyes.engine_words(driver), 60)
    driver.picture("trained")
    driver.do("train.show-samples")
    yield Until("the sampled answers", lambda: eyes.says(driver, "Reference"))
    driver.picture("samples")
    driver.do("train.show-curves")


def _inspect(driver: Driver) -> Script:
    _go(driver, "inspector")
    yield Until("the table of pairs", lambda: eyes.inspector_table(driver), TRAINING_SECONDS)
    yield Until("every pair scored", lambda: not eyes.busy(driver), TRAINING_SECONDS)
    table = eyes.inspector_table(driver)
    if table is None:
        raise TourFailed("The table of pairs went away.")
    table.setFocus()
    before = table.currentIndex().row()
    driver.press(Qt.Key.Key_Down)
    yield Until("the next pair", lambda: eyes.row(driver) == before + 1)
    driver.picture("every-pair-in-numbers")
    yield from _look_into_a_pair(driver)
    yield from _doubt(driver)


def _look_into_a_pair(driver: Driver) -> Script:
    """Another β, the pictures, and one pair token by token and over the checkpoints."""
    for _ in range(3):
        driver.do("inspector.beta-up")
    yield Until("the figures at another β", lambda: eyes.says(driver, "What if"))
    driver.do("inspector.beta-back")
    yield Until("those of the run again", lambda: not eyes.says(driver, "What if"))
    page = eyes.inspector_page(driver)
    if not page.pairs.pictures_shown:
        driver.press(Qt.Key.Key_P)
    driver.do("inspector.next_view")
    yield Until("the pair's tokens", lambda: eyes.tokens_shown(driver), 120)
    driver.picture("token-by-token")
    driver.do("inspector.next_view")
    driver.picture("over-the-checkpoints")
    driver.do("inspector.next_view")


def _doubt(driver: Driver) -> Script:
    """What does a loss make of the pair? And which verdicts do the others disagree with?"""
    page = eyes.inspector_page(driver)
    driver.do("inspector.explore")
    yield Until("the loss explorer", lambda: page.explorer is not None and page.explorer.isVisible())
    driver.picture("loss-explorer")
    driver.click(page.top.views.button(1))
    yield Until("the suspects", lambda: page.suspects is not None and page.suspects.isVisible())
    panel = page.suspects
    if panel is None:
        raise TourFailed("The view of suspects went away.")
    yield Until("a study that can start", lambda: not eyes.says(driver, "Reading the verdicts"))
    if eyes.says(driver, "Too few verdicts"):  # some may have been ties
        driver.picture("suspects")
    else:
        panel.bar.folds.setFocus()
        while panel.bar.folds.value() > panel.bar.folds.minimum():
            driver.press(Qt.Key.Key_Down)
        driver.do("inspector.study")
        yield Until("the suspects ranked", panel.bar.start.isVisible, TRAINING_SECONDS)
        yield Until("some of them", lambda: eyes.suspects(driver) > 0)
        driver.picture("suspects")
    driver.click(page.top.views.button(0))


def _use_policy(driver: Driver) -> Script:
    _go(driver, "train")
    yield Until("the Train page", lambda: eyes.train_page(driver))
    page = eyes.train_page(driver)
    yield Until("the finished run in the list", page.runs.use.isEnabled)
    driver.click(page.runs.use)
    yield Until("the run as the one that writes", lambda: not page.runs.use.isEnabled())
    _go(driver, "annotate")
    yield Until("responses of the trained policy", lambda: eyes.both_begun(driver), WRITING_SECONDS)


def _in_the_dark(driver: Driver) -> Script:
    """The same pages in the other theme."""
    driver.theme.set_mode("light" if driver.theme.palette.name == "dark" else "dark")
    yield Until("a comparison", lambda: eyes.can_judge(driver), WRITING_SECONDS)
    driver.picture(f"{driver.theme.palette.name}-annotate")
    for name in ("library", "train", "inspector"):
        _go(driver, name)
        yield Until(f"the {name} page", partial(eyes.is_at, driver, name))
        driver.picture(f"{driver.theme.palette.name}-{name}")
