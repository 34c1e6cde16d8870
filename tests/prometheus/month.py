"""A made-up month in a real Prometheus: two nodes of four H100, two training jobs, idle between and after them.

Written as OpenMetrics and turned into the server's own blocks by ``promtool``, since no test waits for a month. Jobs
are told by the label ``hpc_job``, as dcgm-exporter's ``--hpc-job-mapping-dir`` does.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

JST = timezone(timedelta(hours=9))
START = int(datetime(2026, 3, 31, 23, 0, tzinfo=JST).timestamp())
END = int(datetime(2026, 5, 1, 1, 0, tzinfo=JST).timestamp())
STEP_S = 60
HOSTS = ("node-01", "node-02")
GPUS = 4
POWER, COUNTER = "DCGM_FI_DEV_POWER_USAGE", "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION"

JOBS = (
    ("pretrain-1", HOSTS, datetime(2026, 4, 3, 9, 0, tzinfo=JST), datetime(2026, 4, 20, 18, 30, tzinfo=JST), 560_000),
    ("tune-1", HOSTS[:1], datetime(2026, 4, 22, 10, 0, tzinfo=JST), datetime(2026, 4, 27, 8, 0, tzinfo=JST), 480_000),
)
IDLE_MW = 92_000
# The exporter of node-02 was away for three hours: its counter goes on behind it.
AWAY = (datetime(2026, 4, 11, 2, 0, tzinfo=JST), datetime(2026, 4, 11, 5, 0, tzinfo=JST))


def uuid(host: int, gpu: int) -> str:
    """The UUID of a GPU."""
    return f"GPU-5a0c41d2-0000-4000-8000-{host + 1:04d}0000{gpu:04d}"


def job_at(host: str, at: int) -> tuple[str, int]:
    """The job on a host at an instant, and the mean power of its GPUs [mW]."""
    moment = datetime.fromtimestamp(at, UTC)
    for name, hosts, start, end, mean_mw in JOBS:
        if host in hosts and start <= moment < end:
            return name, mean_mw
    return "", IDLE_MW


def lines(metric: str) -> Iterator[str]:
    """A metric of the whole fleet in OpenMetrics."""
    yield f"# TYPE {metric} gauge"
    for number, host in enumerate(HOSTS):
        for gpu in range(GPUS):
            count_mj = 10**12 + number * 10**11 + gpu * 10**10
            for step in range((END - START) // STEP_S):
                at = START + step * STEP_S
                job, mean_mw = job_at(host, at)
                power_mw = mean_mw + (step * 7_919 + gpu * 104_729) % 41_000 - 20_000
                count_mj += power_mw * STEP_S
                if number == 1 and AWAY[0].timestamp() <= at < AWAY[1].timestamp():
                    continue
                value = str(count_mj) if metric == COUNTER else f"{power_mw // 1000}.{power_mw % 1000:03d}"
                labels = f'Hostname="{host}",UUID="{uuid(number, gpu)}",gpu="{gpu}",modelName="NVIDIA H100 80GB HBM3"'
                yield f'{metric}{{{labels},hpc_job="{job}",instance="{host}:9400",job="dcgm"}} {value} {at}.250'


def write_blocks(folder: Path) -> None:
    """Put the month into a server's data folder."""
    folder.mkdir(parents=True, exist_ok=True)
    text = folder.parent / "month.om"
    with text.open("w") as file:
        for metric in (POWER, COUNTER):
            file.writelines(f"{line}\n" for line in lines(metric))
        file.write("# EOF\n")
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=1000h"]
    subprocess.run([*command, str(text), str(folder)], check=True, capture_output=True)
    text.unlink()
