"""BalanceOps from Python: the path of the binary, and a server for notebooks and tests."""

from .server import Server, binary, serve

__all__ = ["Server", "binary", "serve"]
