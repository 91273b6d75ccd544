"""Where the engine keeps what is not part of a project: models, caches, logs.

`DPO_STUDIO_HOME` moves everything under one folder (tests, portable installs); otherwise the platform's
own places are used.
"""

import os
from pathlib import Path

import platformdirs

APP_NAME = "dpo-studio"


def data_dir() -> Path:
    """Projects and models."""
    home = os.environ.get("DPO_STUDIO_HOME")
    return Path(home) / "data" if home else Path(platformdirs.user_data_dir(APP_NAME, False))


def config_dir() -> Path:
    """Settings of the app."""
    home = os.environ.get("DPO_STUDIO_HOME")
    return Path(home) / "config" if home else Path(platformdirs.user_config_dir(APP_NAME, False))


def cache_dir() -> Path:
    """Partial downloads and anything that can be made again."""
    home = os.environ.get("DPO_STUDIO_HOME")
    return Path(home) / "cache" if home else Path(platformdirs.user_cache_dir(APP_NAME, False))


def log_dir() -> Path:
    home = os.environ.get("DPO_STUDIO_HOME")
    return Path(home) / "log" if home else Path(platformdirs.user_log_dir(APP_NAME, False))


def models_dir() -> Path:
    return data_dir() / "models"
