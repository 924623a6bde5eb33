"""Rows that are only needed at the end, kept on disk until then: a long match does not fill the memory."""

import tempfile

import numpy as np


class Spool:
    """Rows of one type, appended to a file without a name, which is gone with the process however it ends.

    Args:
        dtype: Of a row.
    """

    def __init__(self, dtype: np.dtype) -> None:
        self._dtype = dtype
        self._file = tempfile.TemporaryFile(buffering=1 << 16)  # noqa: SIM115  # as long as the spool
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def extend(self, rows: np.ndarray) -> None:
        """Append rows `(K,)` of the spool's type."""
        self._file.write(np.ascontiguousarray(rows, self._dtype.base).tobytes())
        self._count += len(rows)

    def read(self) -> np.ndarray:
        """All rows `(N,)`, in the order in which they came."""
        self._file.flush()
        self._file.seek(0)
        rows = np.fromfile(self._file, self._dtype, self._count)
        self._file.seek(0, 2)
        return rows
