"""How far a ranking is, and who is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple


class Progress(NamedTuple):
    """How far a ranking is, as callbacks are told."""

    done: int
    """Models scored, over all methods, data sets and repeats."""
    total: int
    """To be scored."""
    share: float
    """Of the expected work, in [0, 1]."""
    left: float
    """Seconds from now on."""
    method: str
    """Whose model was finished last."""
    model: str


@contextmanager
def reporting(progress: bool | Callable[[Progress], object] | None) -> Iterator[Callable[..., object] | None]:
    """What the module calls as work is finished: a function of the caller, tqdm's bar, or nothing."""
    if callable(progress):
        call = progress
        yield lambda *now: call(Progress(*now))
        return
    bar_of = _tqdm() if progress else None
    if bar_of is None:
        yield None
        return
    # Models of one method say little of those of another: the time left is the ranking's own.
    layout = "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]"
    with bar_of(desc="ranking", unit="model", bar_format=layout) as bar:

        def show(*now: Any) -> None:
            news = Progress(*now)
            bar.total = news.total
            bar.n = news.done
            left = bar.format_interval(news.left)
            bar.set_postfix_str(f"{left} left, {news.method} {news.model}", refresh=True)

        yield show


def _tqdm() -> Callable[..., Any] | None:
    """None where it is not installed."""
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return None
    bar_of: Callable[..., Any] = tqdm
    return bar_of
