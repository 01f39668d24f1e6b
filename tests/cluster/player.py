"""Whoever plays a part of a cluster beside its API server, in a thread of its own."""

from __future__ import annotations

import http.client
import threading
from abc import ABC, abstractmethod

from tests.kube import ApiServer


class Player(ABC):
    """Looks again and again at what is there, from the start until ``stop``. An answer that is none, as of a server that ends, is no end of it."""

    every = 0.05
    """Seconds between two looks."""

    def __init__(self, server: ApiServer) -> None:
        self.server = ApiServer.__new__(ApiServer)
        self.server.__dict__.update(server.__dict__, _connection=None)  # a connection of its own: it works in a thread of its own
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """End it."""
        self.stopping.set()
        self.thread.join()
        if self.server._connection is not None:
            self.server._connection.close()

    @abstractmethod
    def look(self) -> None:
        """Once."""

    def _work(self) -> None:
        while not self.stopping.wait(self.every):
            try:
                self.look()
            except (OSError, http.client.HTTPException, KeyError):
                continue
