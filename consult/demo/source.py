"""The demonstration's texts, read from the YAML files beside this module."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent / "content"


@cache
def content() -> dict[str, Any]:
    """All files joined into one; each top-level key stands in one file only."""
    joined: dict[str, Any] = {}
    for path in sorted(FOLDER.glob("*.yaml")):
        joined |= yaml.safe_load(path.read_text(encoding="utf-8"))
    return joined
