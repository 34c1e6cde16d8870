"""A plain training loop, in PyTorch or in anything else that loops over batches: three small functions.

>>> with gxmeter.Meter(run="pretrain-1", site="tokyo-dc1") as meter:  # doctest: +SKIP
...     count_steps(optimizer, meter)
...     for batch in watched(loader, meter, tokens=lambda batch: batch["input_ids"].numel()):
...         train(batch)
...     torch.save({"model": model.state_dict(), "gxmeter": state_dict(meter)}, path)

To go on from there: ``gxmeter.Meter(run=kept["run"], resumes=kept.get("journal"))``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from gxmeter.meter.hooks._log import first_rank
from gxmeter.meter.hooks._run import TRAIN, complain, link_of

if TYPE_CHECKING:
    from gxmeter.meter.session import Meter

B = TypeVar("B")


class Watched(Generic[B]):
    """A loader whose loop is a phase of the run; it has the loader's length where that has one."""

    def __init__(
        self, loader: Iterable[B], meter: Meter, tokens: Callable[[B], int] | None = None, phase: str = TRAIN
    ) -> None:
        """See :func:`watched`."""
        self._loader = loader
        self._meter = meter
        self._tokens = tokens
        self._phase = phase

    def __len__(self) -> int:
        return len(self._loader)  # type: ignore[arg-type]  # a loader without a length says so itself

    def __iter__(self) -> Iterator[B]:
        """The loader's batches; what a batch holds is counted when the loop comes back for the next one."""
        with self._meter.phase(self._phase):
            for batch in self._loader:
                yield batch
                if self._tokens is not None:
                    self._count(self._tokens, batch)

    def _count(self, tokens: Callable[[B], int], batch: B) -> None:
        try:
            self._meter.count(tokens=max(0, int(tokens(batch))))
        except Exception as error:  # noqa: BLE001 - the user's function must not end the user's training
            complain(error)


def watched(
    loader: Iterable[B], meter: Meter, *, tokens: Callable[[B], int] | None = None, phase: str = TRAIN
) -> Watched[B]:
    """A loader's batches, as a phase of the run.

    Args:
        loader: what the loop would go over.
        meter: of the run.
        tokens: says how many tokens a batch of this rank holds; by its shape, not by a value on a device, which would
            wait for it. Every rank counts its own.
        phase: name of the phase; ``eval`` for a loop that evaluates.
    """
    return Watched(loader, meter, tokens, phase)


def count_steps(optimizer: Any, meter: Meter) -> Any:  # noqa: ANN401 - a torch optimizer, and what removes a hook
    """Count the steps that an optimizer really takes, whatever accumulates or skips them; the first rank counts.

    Args:
        optimizer: of PyTorch (``register_step_post_hook``).
        meter: of the run.

    Returns:
        What PyTorch returns for a hook: its ``remove()`` ends the counting.
    """
    steps = 1 if first_rank() else 0

    def stepped(*_: object) -> None:
        meter.count(steps=steps)

    return optimizer.register_step_post_hook(stepped)


def state_dict(meter: Meter) -> dict[str, str]:
    """What a checkpoint keeps of the run: its id, and the journal from which a resumed one goes on."""
    return link_of(meter)
