"""Who may import whom; read from the sources, so that a shortcut shows up as a failing test."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

PROJECT = {
    "app", "exchange", "htr", "segmentation", "services", "storage", "synthesis", "training", "ui",
}  # fmt: skip

# package -> (project packages, heavy or telling libraries) that its modules may import
MAY_IMPORT: dict[str, tuple[set[str], set[str]]] = {
    "storage": (set(), {"sqlite_utils"}),
    "segmentation": (set(), {"numpy", "cv2", "PIL", "pypdfium2", "torch", "safetensors"}),
    "synthesis": (set(), {"numpy", "cv2", "PIL"}),
    "htr": (
        {"segmentation"},
        {
            "numpy",
            "cv2",
            "PIL",
            "torch",
            "safetensors",
            "editdistance",
            "rapidfuzz",
            "huggingface_hub",
        },
    ),
    "training": (
        {"htr", "storage", "segmentation", "synthesis"},
        {"numpy", "cv2", "PIL", "torch", "safetensors", "editdistance"},
    ),
    "exchange": ({"storage"}, {"lxml"}),
    "services": (
        {"htr", "storage", "segmentation", "synthesis", "training", "exchange"},
        {"numpy", "torch"},
    ),
    "ui": (
        {"services", "storage", "segmentation", "htr", "training", "exchange"},
        {"gradio", "fastapi", "starlette"},
    ),
}
WATCHED = {
    "gradio", "fastapi", "starlette", "torch", "numpy", "cv2", "PIL", "pypdfium2", "sqlite_utils",
    "sqlite3", "safetensors", "editdistance", "huggingface_hub", "lxml", "pickle",
}  # fmt: skip
ALLOWED_ANYWAY = {"storage": {"sqlite3"}}
# Command lines are entry points, as app.py is: they may call what the app calls.
ENTRY_POINTS = {"htr/__main__.py": {"services"}, "training/pretrain.py": {"services"}}


def imports(path: Path) -> Iterator[str]:
    """Yield the dotted names that the module imports, wherever in it they stand."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide who imports whom"
            yield node.module or ""


@pytest.mark.parametrize("package", sorted(MAY_IMPORT))
def test_package_imports_only_what_it_may(package: str) -> None:
    projects, libraries = MAY_IMPORT[package]
    allowed = projects | libraries | ALLOWED_ANYWAY.get(package, set()) | {package}
    offences = [
        f"{path.relative_to(REPOSITORY)} imports {name}"
        for path in sorted((REPOSITORY / package).rglob("*.py"))
        for name in imports(path)
        if (top := name.split(".")[0]) in PROJECT | WATCHED
        and top not in allowed | ENTRY_POINTS.get(path.relative_to(REPOSITORY).as_posix(), set())
    ]
    assert offences == []


def test_network_meets_segmentation_only_in_the_page_pipeline_and_the_command_line() -> None:
    meeting = {
        path.name
        for path in (REPOSITORY / "htr").glob("*.py")
        if any(name.split(".")[0] == "segmentation" for name in imports(path))
    }
    assert meeting <= {"pipeline.py", "__main__.py", "page_files.py"}


def test_only_the_segmentation_network_needs_torch() -> None:
    needing = {
        path.name
        for path in (REPOSITORY / "segmentation").glob("*.py")
        if any(name.split(".")[0] == "torch" for name in imports(path))
    }
    assert needing <= {"network.py", "unet.py"}


def test_no_module_of_the_product_unpickles() -> None:
    for package in MAY_IMPORT:
        for path in (REPOSITORY / package).rglob("*.py"):
            assert not {"pickle", "dill", "joblib"} & set(imports(path)), path
