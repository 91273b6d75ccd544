"""The whole job as a person does it: get the model, judge, train, use the policy, look into the numbers.

The stated rule of the tour's annotator: the shorter response is better; two of the same length are a tie.
"""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QLineEdit, QPlainTextEdit, QTableView

from app.tour.driver import CTRL, Driver
from app.tour.guide import Script, TourFailed, Until
from app.widgets.response_pane import ResponsePane

COMPARISONS = 12
MODEL_SECONDS = 900.0
WRITING_SECONDS = 240.0
TRAINING_SECONDS = 900.0


def whole_job(driver: Driver) -> Script:
    yield from _start(driver)
    yield from _annotate(driver)
    yield from _train(driver)
    yield from _inspect(driver)
    yield from _use_policy(driver)


def _start(driver: Driver) -> Script:
    """The model is fetched, or found, and the first two responses come in."""
    yield Until("the Annotate page", lambda: driver.window.current_page is not None)
    yield Until("a sign of life on the page", lambda: _texts(driver) or _fetching(driver), 60)
    if _fetching(driver):
        yield Until("progress of the fetch", lambda: _fetching(driver) != "0", 60)
        driver.picture("getting-the-model")
    yield Until("the model and the first words of both responses", lambda: _both_begun(driver), MODEL_SECONDS)
    driver.picture("responses-being-written")


def _annotate(driver: Driver) -> Script:
    """Twelve verdicts by the rule, one taken back and given again on the way."""
    for number in range(1, COMPARISONS + 1):
        yield Until(f"comparison {number}", lambda: _can_judge(driver), WRITING_SECONDS)
        if number == 3:
            driver.picture("which-one-is-better")
        before = _verdict_count(driver)
        driver.press(_key_by_the_rule(driver))
        yield Until(f"verdict {number} saved", lambda before=before: _verdict_count(driver) == before + 1)
        if number == 5:
            driver.press(Qt.Key.Key_Z, CTRL)
            yield Until("the undone comparison", lambda before=before: _verdict_count(driver) == before)
            yield Until("the undone comparison again", lambda: _can_judge(driver))
            driver.press(_key_by_the_rule(driver))
            yield Until("its verdict again", lambda before=before: _verdict_count(driver) == before + 1)
    driver.press(Qt.Key.Key_N)
    yield Until("the new prompt panel", lambda: driver.seek(QPlainTextEdit, "new-prompt-text"))
    driver.write("Write a short, friendly note that thanks a neighbour for watering the plants.")
    driver.picture("a-prompt-of-your-own")
    driver.press(Qt.Key.Key_Return, CTRL)
    yield Until("the panel closed", lambda: driver.seek(QPlainTextEdit, "new-prompt-text") is None)


def _train(driver: Driver) -> Script:
    driver.press(Qt.Key.Key_2, CTRL)
    yield Until("the Train page", lambda: driver.seek(QAbstractButton, "start"))
    start = driver.find(QAbstractButton, "start")
    yield Until("a run that can start", start.isEnabled)
    driver.picture("before-training")
    driver.click(start)
    yield Until("the first steps", lambda: driver.window.training_step() >= 3, TRAINING_SECONDS)
    driver.picture("training")
    yield Until("the end of training", lambda: driver.window.training_step() == 0, TRAINING_SECONDS)
    yield Until("the finished run", lambda: driver.seek(QAbstractButton, "use-policy"), 60)
    driver.picture("trained")


def _inspect(driver: Driver) -> Script:
    driver.press(Qt.Key.Key_3, CTRL)
    yield Until("the table of pairs", lambda: _rows(driver) >= 3, TRAINING_SECONDS)


def _use_policy(driver: Driver) -> Script:
    yield Until("x", lambda: True)
