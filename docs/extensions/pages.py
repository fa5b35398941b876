"""Pages that are written anew at every build."""

from __future__ import annotations

from pathlib import Path


def write_folder(folder: Path, pages: dict[str, str]) -> None:
    """Make a folder hold exactly these pages, by their names; those that are the same keep their date."""
    folder.mkdir(exist_ok=True)
    for stale in {path.name for path in folder.iterdir()} - {f"{name}.md" for name in pages}:
        (folder / stale).unlink()
    for name, text in pages.items():
        page = folder / f"{name}.md"
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")
