"""The estimate against the peaks of real processes on the GPU."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.engine.cuda import DEVICE
from tests.engine.test_memory import LARGE, MIDDLE, SMALL

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("sizes", [SMALL, MIDDLE, LARGE], ids=["23M", "74M", "135M"])
@pytest.mark.parametrize("config", [{"method": "full"}, {"method": "lora"}], ids=["full", "lora"])
def test_the_expected_peak_is_within_15_percent_of_the_measured_one(
    sizes: dict[str, int], config: dict[str, Any]
) -> None:
    settings = config | {"loss_type": "simpo", "dtype": "bfloat16"}
    task = {
        "device": DEVICE,
        "sizes": sizes,
        "config": settings,
        "lengths": [(500, 200, 150)] * 8,
        "micro": 1,
    }
    command = [sys.executable, "-m", "tests.helpers.training_memory", json.dumps(task)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["expected"] == pytest.approx(found["measured"], rel=0.15)
