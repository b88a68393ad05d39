"""The snippets of the guide and of the package's page run."""

import os
import re

import pytest
from conftest import ROOT

import vdf_basis as vb

PAGES = [ROOT / "docs/python.md", ROOT / "docs/python_ecosystem.md", ROOT / "bindings/python/README.md", ROOT / "README.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_snippets_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    snippets = re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert snippets
    # What the page of the repository calls the reader's own array.
    names = {"f": vb.synthetic("beams", cells=16).f}
    for snippet in snippets:
        exec(compile(snippet, page.name, "exec"), names)
    assert os.getcwd() == str(tmp_path)
