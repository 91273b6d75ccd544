"""Rows of metrics as what the charts take."""

from app.train.curves import drawn


def test_of_a_mixed_loss_the_part_that_begins_at_ln_2_is_drawn() -> None:
    mixed = {"loss": 1.05, "loss/sigmoid": 0.693, "loss/sft": 1.8}
    assert drawn(mixed)["loss"] == 0.693
    assert drawn({"eval_loss": 1.0, "eval_loss/sigmoid": 0.7})["eval_loss"] == 0.7
    assert drawn({"loss": 0.5}) == {"loss": 0.5}
