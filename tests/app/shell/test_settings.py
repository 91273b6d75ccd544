"""Settings survive a restart and a broken file."""

from pathlib import Path

from app.shell.settings import SettingsFile


def test_a_change_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "settings.json"
    SettingsFile(path).change(theme="dark", last_project="/a/b.dpo")
    again = SettingsFile(path).current
    assert (again.theme, again.last_project, again.engine) == ("dark", "/a/b.dpo", "worker")


def test_a_broken_or_foreign_file_counts_as_none(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    for content in (b"", b"{", b"[1]", b'{"theme": "pink"}', b"\xff\xfe"):
        path.write_bytes(content)
        assert SettingsFile(path).current.theme == "system"


def test_a_folder_that_cannot_be_written_costs_only_the_saving(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    settings = SettingsFile(tmp_path / "file" / "settings.json")
    assert settings.change(theme="dark").theme == "dark"
    assert settings.current.theme == "dark"
