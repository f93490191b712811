"""Write the pages of docs/ that are made from the program."""

from __future__ import annotations

from tests.documentation.pages import PAGES, path

for name, page in PAGES.items():
    path(name).write_text(page(), encoding="utf-8", newline="\n")
