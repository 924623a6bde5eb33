"""A long table kept on disk while only a few of its rows are needed at a time."""

import io
import tempfile
from collections.abc import Iterable, Iterator

import polars as pl


class TableSpool:
    """Pieces of a table, in a file without a name, which is gone with the process however it ends.

    Args:
        pieces: Of the table, in order.
    """

    def __init__(self, pieces: Iterable[pl.DataFrame]) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # as long as the spool
        self._ends = [0]
        for piece in pieces:
            piece.write_ipc_stream(self._file)
            self._ends.append(self._file.tell())

    def __iter__(self) -> Iterator[pl.DataFrame]:
        for begin, end in zip(self._ends[:-1], self._ends[1:], strict=True):
            self._file.seek(begin)
            yield pl.read_ipc_stream(io.BytesIO(self._file.read(end - begin)))
