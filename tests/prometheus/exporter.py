"""An exporter that speaks the metric names of NVIDIA's dcgm-exporter, with known numbers, and writes down what it said.

Power and counters follow from the number of the scrape alone. The test decides when the driver is reloaded (the energy
counter begins anew), when the exporter is away, and which job the scheduler's label names.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

POWER, COUNTER, NODE = (
    "DCGM_FI_DEV_POWER_USAGE",
    "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION",
    "ipmi_dcmi_power_consumption_watts",
)
GPUS = ("GPU-6f3b0000-0000-4000-8000-000000000000", "GPU-6f3b0000-0000-4000-8000-000000000001")


def watts(scrape: int, gpu: int) -> str:
    """Watts as the exporter writes them: between 80 and 700 W, in milliwatts, no two neighbours alike."""
    mw = 80_000 + (scrape * 7_919 + gpu * 104_729) % 620_000
    return f"{mw // 1000}.{mw % 1000:03d}"


@dataclass
class Exporter:
    """Answers scrapes; ``said`` holds, for each series that was ever shown, its values in order."""

    job: str = "101"
    away: bool = False
    said: dict[tuple[str, str, str], list[str]] = field(default_factory=dict)
    scrapes: int = 0
    _count_mj: int = 9_000_000_000_000
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def reload_driver(self) -> None:
        """The GPU's counter begins anew."""
        with self._lock:
            self._count_mj = 1_000

    def page(self) -> str:
        """What is shown at a scrape, and is written down."""
        with self._lock:
            self.scrapes += 1
            self._count_mj += 100_000 + self.scrapes * 37 % 1_000
            lines = [self._line(COUNTER, 0, str(self._count_mj))]
            lines += [self._line(POWER, gpu, watts(self.scrapes, gpu)) for gpu in (0, 1)]
            self.said.setdefault((NODE, "", ""), []).append(str(1500 + self.scrapes % 90))
            lines += [f"{NODE} {1500 + self.scrapes % 90}", 'DCGM_FI_DEV_GPU_TEMP{gpu="0",UUID="GPU-x"} 61']
            return "\n".join(lines) + "\n"

    def _line(self, metric: str, gpu: int, value: str) -> str:
        self.said.setdefault((metric, GPUS[gpu], self.job), []).append(value)
        labels = (
            f'gpu="{gpu}",UUID="{GPUS[gpu]}",device="nvidia{gpu}",modelName="NVIDIA H100 80GB HBM3",Hostname="node1"'
        )
        return f'{metric}{{{labels},hpc_job="{self.job}"}} {value}'


def serve(exporter: Exporter) -> ThreadingHTTPServer:
    """Answer on a port of the loopback, in a thread, until ``shutdown``."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if exporter.away:
                self.send_error(503)
                return
            page = exporter.page().encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return server
