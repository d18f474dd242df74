"""An object of the library that one thread may close while another uses it.

SPDX-License-Identifier: MIT
"""
import contextlib
import threading


class Handle:
    """close() frees the object once nobody uses it any more. From then on each use is a ValueError."""
    _address = None

    def __init__(self, address, free):
        self._free, self._lock, self._users = free, threading.Lock(), 0
        self._open = True
        self._address = address

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        if self._address is not None:
            self.close()

    @contextlib.contextmanager
    def _used(self):
        """The object, which is not freed meanwhile."""
        with self._lock:
            if not self._open:
                raise ValueError(f"the {type(self).__name__} is closed")
            self._users += 1
        try:
            yield self._address
        finally:
            self._leave()

    def _leave(self):
        with self._lock:
            self._users -= 1
            unused = not self._open and self._users == 0
        if unused:
            self._free(self._address)

    def close(self):
        """Frees it, at once or when its last user is done with it. A second time does nothing."""
        with self._lock:
            was_open, self._open = self._open, False
            unused = was_open and self._users == 0
        if unused:
            self._free(self._address)
