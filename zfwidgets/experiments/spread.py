"""Independent pieces of work over the workers of a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from zfwidgets.task import UNWATCHED, Task

if TYPE_CHECKING:
    from distributed import Client

Key = TypeVar("Key")


def spread(
    client: Client, do: Callable[..., Any], shared: Any, pieces: Iterable[tuple[Key, tuple[Any, ...]]],
    task: Task = UNWATCHED, retries: int = 0,
) -> Iterator[tuple[Key, Any]]:  # fmt: skip
    """`do(shared, *arguments)` for every piece (key, arguments), with its key, as they come to an end.

    Every worker gets `shared` once. A worker that dies costs its piece, which another one does again, so many times.
    What is still to come when the task is cancelled, or whoever asks has enough, is given up.
    """
    from distributed import as_completed

    sent = client.scatter(shared, broadcast=True, hash=False)
    futures = {client.submit(do, sent, *arguments, pure=False, retries=retries): key for key, arguments in pieces}
    try:
        for future in as_completed(futures):
            task.check()
            yield futures[future], future.result()
    finally:
        client.cancel(list(futures))
