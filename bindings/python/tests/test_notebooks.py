"""The notebooks run from the first cell to the last, and are kept without outputs."""

import os

import pytest
from conftest import ROOT

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("matplotlib")
pytest.importorskip("ipykernel")

FOLDER = ROOT / "docs/notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def run(path, monkeypatch, **environment):
    """Execute a notebook, and return what its cells printed and the number of pictures."""
    for name, value in {"VDF_BASIS_SAMPLE": "", "VDF_BASIS_VLSV": "", **environment}.items():
        monkeypatch.setenv(name, str(value))
    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(FOLDER)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    printed = "".join(output.get("text", "") + output.get("data", {}).get("text/markdown", "") for output in outputs)
    return printed, sum("image/png" in output.get("data", {}) for output in outputs)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_kept_without_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert not cell.get("outputs") and cell.get("execution_count") is None


def test_every_method_on_a_synthetic_distribution(monkeypatch):
    printed, pictures = run(FOLDER / "methods.ipynb", monkeypatch)
    assert "synthetic" in printed and "`conserve(fast):l2=0.03`" in printed and pictures >= 15


def test_every_method_on_the_notebooks_own_distribution(monkeypatch, data):
    if not os.environ.get("VDF_BASIS_SLOW"):
        pytest.skip("takes another minute; VDF_BASIS_SLOW=1 runs it")
    printed, pictures = run(FOLDER / "methods.ipynb", monkeypatch, VDF_BASIS_SAMPLE=data / "data/sample_vdf.npy")
    assert "sample_vdf" in printed and pictures >= 15


def test_a_file_of_ones_own(monkeypatch, data):
    printed, pictures = run(FOLDER / "your_own_vlsv.ipynb", monkeypatch, VDF_BASIS_VLSV=data / "vlsv/fullf.0000001.vlsv")
    assert "Archive of 1 cells" in printed and pictures == 5


def test_without_a_file_it_says_so(monkeypatch):
    printed, pictures = run(FOLDER / "your_own_vlsv.ipynb", monkeypatch, VDF_BASIS_VLSV="missing.vlsv")
    assert "There is no file missing.vlsv" in printed and pictures == 0
