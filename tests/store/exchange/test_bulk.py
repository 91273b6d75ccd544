"""Counting many comparisons at once comes to what the triggers count one by one."""

from app.store.exchange.bulk import COUNTED
from app.store.project import Project


def test_every_trigger_on_new_comparisons_is_known(project: Project) -> None:
    triggers = project.db.query("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    found = {row["name"] for row in triggers if "AFTER INSERT ON comparisons" in row["sql"]}
    assert found == set(COUNTED)


def test_what_is_counted_are_the_new_ones_alone(project: Project) -> None:
    """Not along an index of all comparisons: an import would take longer the further it is."""
    for count in COUNTED.values():
        plan = [row[3] for row in project.db.execute(f"EXPLAIN QUERY PLAN {count}", [7])]
        assert "SEARCH comparisons USING INTEGER PRIMARY KEY (rowid>?)" in plan
