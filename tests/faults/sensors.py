"""Graphics processors at known watts, through our own ``libnvidia-ml.so.1``: two at 300 W and 310 W unless said."""

from __future__ import annotations

from pathlib import Path

from tests.support import fakenvml

WATTS = {"gpu0": 300, "gpu1": 310}
LABELS = tuple(WATTS)


def gpus(count: int = len(WATTS), **script: object) -> dict[str, str]:
    """The environment in which a meter finds so many of them; their counters run from now.

    Args:
        count: how many.
        script: more of what ``fakenvml`` understands.
    """
    return fakenvml.environment(gpus=count, nvidia_smi=True, **script)


class Changing:
    """The same for one run, but what they do can be changed while they are read.

    Args:
        folder: where the script is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._fake = fakenvml.Fake(folder, gpus=len(WATTS))
        self.env = self._fake.environment(nvidia_smi=True)

    def block(self, seconds: float) -> None:
        """Let every call that begins within the next second take so long [s]."""
        self._fake.say(f"*.block_s={seconds:g}")

    def answer(self) -> None:
        """Let calls that begin from now on take no time."""
        self._fake.say("*.block_s=0")

    def reset(self) -> None:
        """Let every counter begin again at zero, and nothing else happen."""
        self._fake.say("*.counter_mj=0")

    def reload(self) -> None:
        """Reload the driver: counters at zero, and whoever had it open must open it anew."""
        self._fake.say("driver=reloaded")
