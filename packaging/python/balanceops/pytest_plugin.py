"""The fixture ``balanceops_server``."""

from __future__ import annotations

import pathlib
from typing import Iterator

import pytest

from .server import Server, serve


@pytest.fixture
def balanceops_server(tmp_path: pathlib.Path) -> Iterator[Server]:
    """A server with a folder of its own for this test; MLFLOW_TRACKING_URI is its URL."""
    with serve(tmp_path / "balanceops") as server:
        yield server
