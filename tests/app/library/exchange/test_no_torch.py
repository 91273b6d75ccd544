"""Files of every kind are written and read in the window's process, where torch must never come."""

import subprocess
import sys
from pathlib import Path

import pytest

_SCRIPT = """
import sys
from pathlib import Path
from app.library import place
from app.library.exchange import agreement_page, export_page, import_page, merge_page
from app.store.exchange import exporting, importing, preview
from app.store.project import create_project

folder, file_format = Path(sys.argv[1]), sys.argv[2]
rows = folder / "rows.jsonl"
rows.write_text('{"prompt": "a", "chosen": "b", "rejected": "c"}')
project = create_project(folder / "p.dpo", with_starter_prompts=False)
importing.run(project, preview.look(rows), annotator="ada")
exporting.export(project, folder / "out", file_format=file_format)
print(len(preview.look(folder / "out").rows), "HEAVY", sorted({"torch", "transformers"} & set(sys.modules)))
project.close()
"""


@pytest.mark.parametrize("file_format", ["jsonl", "parquet", "arrow"])
def test_no_torch_in_the_process_that_exports_and_imports(tmp_path: Path, file_format: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(tmp_path), file_format],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=Path(__file__).parents[4],
        check=False,
    )
    assert done.stdout.strip() == "1 HEAVY []", done.stdout + done.stderr
