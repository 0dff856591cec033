"""Starts the binary that this package brings."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from typing import Iterator, Sequence

_URI = "MLFLOW_TRACKING_URI"


class Server:
    """A running server; ``url`` is where it listens."""

    def __init__(self, process: subprocess.Popen[str], url: str, data: pathlib.Path) -> None:
        self.process = process
        self.url = url
        self.data = data

    def stop(self, timeout: float = 15) -> None:
        """Lets it answer what has begun, and ends it."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def binary() -> pathlib.Path:
    """The ``balanceops`` beside this Python, or on the PATH.

    Raises FileNotFoundError where there is none.
    """
    for folder in (pathlib.Path(sysconfig.get_path("scripts")), pathlib.Path(sys.executable).parent):
        if (folder / "balanceops").exists():
            return folder / "balanceops"
    found = shutil.which("balanceops")
    if found is None:
        raise FileNotFoundError("the command balanceops is not installed: pip install balanceops")
    return pathlib.Path(found)


@contextlib.contextmanager
def serve(
    data: str | os.PathLike[str] | None = None,
    *,
    arguments: Sequence[str] = (),
    timeout: float = 30,
) -> Iterator[Server]:
    """A server on a free port of this machine; MLflow's client uses it as long as it runs.

    ``data`` is its folder, a temporary one where it is None. ``arguments`` go on behind ``balanceops serve``.
    Raises RuntimeError with what the server said where it does not start in ``timeout`` seconds.
    """
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()) if data is None else data)
        server = _start(folder, arguments, timeout)
        stack.callback(server.stop)
        before = os.environ.get(_URI)
        os.environ[_URI] = server.url
        try:
            yield server
        finally:
            if before is None:
                os.environ.pop(_URI, None)
            else:
                os.environ[_URI] = before


def _start(folder: pathlib.Path, arguments: Sequence[str], timeout: float) -> Server:
    log = tempfile.TemporaryFile("w+")
    # It ends with this process, however that ends.
    command = [str(binary()), "serve", "--data", str(folder), "--port", "0", "--grpc-port", "off", "--parent", str(os.getpid())]
    process = subprocess.Popen(
        [*command, *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, text=True
    )
    end = time.monotonic() + timeout
    while True:
        log.seek(0)
        text = log.read()
        found = re.search(r"API on (\S+?),", text)
        if found:
            return Server(process, found[1], folder)
        if process.poll() is not None or time.monotonic() > end:
            process.kill()
            process.wait()
            raise RuntimeError(f"balanceops serve did not start:\n{text}")
        time.sleep(0.02)
