"""Counting many comparisons at once comes to what the triggers count one by one."""

from app.store.exchange.bulk import COUNTED
from app.store.project import Project


def test_every_trigger_on_new_comparisons_is_known(project: Project) -> None:
    triggers = project.db.query("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    found = {row["name"] for row in triggers if "AFTER INSERT ON comparisons" in row["sql"]}
    assert found == set(COUNTED)
