"""What several tests share."""

import os
import shutil
from pathlib import Path

import pytest

import vdf_basis as vb

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def ring():
    return vb.synthetic("gyrating-ring", cells=24)


@pytest.fixture(scope="session")
def shock():
    return list(vb.synthetic_population("shock", 20, cells=16))


@pytest.fixture(scope="session")
def data():
    """The folder of real data, which is not part of the repository."""
    for place in (os.environ.get("VDF_BASIS_DATA"), ROOT.parent / "shared"):
        if place and (Path(place) / "vlsv").is_dir():
            return Path(place)
    pytest.skip("no real data: VDF_BASIS_DATA names no folder with vlsv/ in it")


@pytest.fixture(scope="session")
def vdfb():
    """The command, if it was built."""
    for place in (os.environ.get("VDFB"), ROOT / "target/release/vdfb", shutil.which("vdfb")):
        if place and Path(place).exists():
            return str(place)
    pytest.skip("the command vdfb was not built: cargo build --release --features cli")
