"""What of a host is ours: against file systems built for each case, and against this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from meter_helpers import environment

from gxmeter.meter.host.allocation import Allocation, read_allocation
from gxmeter.meter.host.cgroups import cpu_list, find_cgroups
from gxmeter.meter.host.claims import cpu_key

GIB = 1 << 30
UNLIMITED_V1 = "9223372036854771712"
V2_MOUNT = "30 23 0:26 {inner} {place} rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate"
V1_MOUNT = "3{n} 23 0:2{n} {inner} {place} rw,nosuid shared:9 - cgroup cgroup rw,{controllers}"


class Host:
    """A ``/proc`` and a ``/sys`` in a folder: 64 CPUs and 512 GiB unless said otherwise."""

    def __init__(self, root: Path, *, online: str = "0-63", present: str | None = None, gib: int = 512) -> None:
        self.root = root
        self.mounts: list[str] = ["22 27 0:21 / /proc rw,relatime - proc proc rw"]
        self.paths: list[str] = []
        self.write("sys/devices/system/cpu/online", online)
        self.write("sys/devices/system/cpu/present", present or online)
        self.write("proc/meminfo", f"MemTotal:       {gib * GIB // 1024} kB\nMemFree:        1 kB\n")

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
        return path

    def v2(self, path: str, *, place: str = "/sys/fs/cgroup", inner: str = "/") -> None:
        self.mounts.append(V2_MOUNT.format(inner=inner, place=place))
        self.paths.append(f"0::{path}")
        self._settle()

    def v1(self, controllers: str, path: str, *, inner: str = "/", place: str | None = None) -> None:
        n = len(self.mounts)
        place = place or f"/sys/fs/cgroup/{controllers}"
        self.mounts.append(V1_MOUNT.format(n=n, inner=inner, place=place, controllers=controllers))
        self.paths.append(f"{n}:{controllers}:{path}")
        self._settle()

    def _settle(self) -> None:
        self.write("proc/self/mountinfo", "\n".join(self.mounts))
        self.write("proc/self/cgroup", "\n".join(self.paths))

    def group(self, path: str, **files: str) -> None:
        folder = f"sys/fs/cgroup/{path}"
        (self.root / folder).mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            self.write(f"{folder}/{name.replace('__', '.')}", text)

    def read(self, **environ: str) -> Allocation:
        return read_allocation(environ, self.root)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


# ---------------------------------------------------------------- version 2


def test_without_control_groups_the_whole_host_is_ours(host: Host) -> None:
    found = host.read()
    assert found == Allocation(cpus_host=64, memory_host_bytes=512 * GIB)
    assert found.share_cpu() is None
    assert found.share_ram() is None
    assert found.facts == ()


def test_a_group_without_limits_leaves_the_whole_host(host: Host) -> None:
    host.v2("/user.slice/user-1000.slice")
    host.group("user.slice/user-1000.slice", cpu__max="max 100000", memory__max="max", cpuset__cpus__effective="0-63")
    found = host.read()
    assert (found.source, found.share_cpu(), found.share_ram()) == ("none", None, None)
    assert found.cgroup == "/user.slice/user-1000.slice"


def test_a_quota_and_a_memory_limit(host: Host) -> None:
    host.v2("/kubepods.slice/pod1/c1")
    host.group("kubepods.slice/pod1/c1", cpu__max="250000 100000", memory__max=str(64 * GIB))
    found = host.read()
    assert found.source == "cgroup-v2"
    assert found.share_cpu() == (2500, 64000)
    assert found.share_ram() == (64 * GIB, 512 * GIB)
    assert found.cpus is None


@pytest.mark.parametrize(
    ("inner", "outer", "milli", "groups"),
    [
        ("400000 100000", "200000 100000", 2000, ["job"]),
        ("100000 100000", "200000 100000", 1000, ["job", "job/step"]),
        ("200000 100000", "200000 100000", 2000, ["job"]),
        ("max 100000", "50000 100000", 500, ["job"]),
        ("50000 200000", "max 100000", 250, ["job/step"]),
    ],
)
def test_the_tightest_limit_on_the_way_up_counts_with_the_groups_around_it(
    host: Host, inner: str, outer: str, milli: int, groups: list[str]
) -> None:
    host.v2("/job/step/task_0")
    host.group("job", cpu__max=outer, memory__max="max")
    host.group("job/step", cpu__max=inner)
    host.group("job/step/task_0", cpu__max="max 100000")
    found = host.read()
    assert found.cpu_quota_milli == milli
    inodes = [f"cgroup-{(host.root / 'sys/fs/cgroup' / name).stat().st_ino}" for name in groups]
    assert list(found.cpu_groups) == inodes


def test_memory_limits_are_nested_as_well(host: Host) -> None:
    host.v2("/job/step")
    host.group("job", memory__max=str(32 * GIB))
    host.group("job/step", memory__max=str(100 * GIB))
    found = host.read()
    assert found.memory_bytes == 32 * GIB
    assert len(found.memory_groups) == 1


@pytest.mark.parametrize(
    ("cpus", "ours", "share"),
    [("0-15", tuple(range(16)), (16, 64)), ("3,5-6,63", (3, 5, 6, 63), (4, 64)), ("0-63", None, None)],
)
def test_a_cpu_set(host: Host, cpus: str, ours: tuple[int, ...] | None, share: tuple[int, int] | None) -> None:
    host.v2("/job")
    host.group("job", cpuset__cpus__effective=cpus)
    found = host.read()
    assert (found.cpus, found.share_cpu()) == (ours, share)


def test_a_cpu_set_is_found_above_where_the_own_folder_has_none(host: Host) -> None:
    host.v2("/job/step")
    host.group("job", cpuset__cpus__effective="8-15")
    host.group("job/step")
    assert host.read().cpus == tuple(range(8, 16))


@pytest.mark.parametrize(
    ("quota", "milli"), [("400000", 4000), ("1600000", None), ("9900000", None), ("1599999", 15999)]
)
def test_a_quota_counts_only_where_it_is_less_than_the_cpu_set(host: Host, quota: str, milli: int | None) -> None:
    host.v2("/pod")
    host.group("pod", cpuset__cpus__effective="0-15", cpu__max=f"{quota} 100000")
    found = host.read()
    assert found.cpu_quota_milli == milli
    assert found.cpus == tuple(range(16))
    assert found.share_cpu() == ((milli, 64000) if milli else (16, 64))


def test_a_quota_of_the_whole_host_or_more_is_none(host: Host) -> None:
    host.v2("/pod")
    host.group("pod", cpu__max="6400000 100000", memory__max=str(512 * GIB))
    assert host.read().source == "none"


def test_a_namespace_that_hides_the_path_still_shows_the_containers_own_limits(host: Host) -> None:
    host.v2("/")
    host.group("", cpu__max="800000 100000", memory__max=str(8 * GIB), cpuset__cpus__effective="0-63")
    found = host.read()
    assert (found.cpu_quota_milli, found.memory_bytes, found.cgroup) == (8000, 8 * GIB, "/")


@pytest.mark.parametrize(
    ("path", "inner"),
    [("/docker/abc", "/docker/abc"), ("/../abc", "/"), ("/x/y", "/docker/abc"), ("/", "/../..")],
)
def test_a_mount_of_the_containers_folder_is_the_containers_folder(host: Host, path: str, inner: str) -> None:
    host.v2(path, inner=inner)
    host.group("", cpu__max="300000 100000")
    assert host.read().cpu_quota_milli == 3000


def test_a_mount_of_somebody_elses_folder_is_not_asked(host: Host) -> None:
    host.v2("/a/b/ours", inner="/a/b")
    host.group("ours", cpu__max="300000 100000")
    host.write("var/lib/box/cgroup/cpu.max", "100000 100000")
    host.mounts.append(V2_MOUNT.format(inner="/theirs", place="/var/lib/box/cgroup"))
    host._settle()
    assert host.read().cpu_quota_milli == 3000


def test_a_place_with_a_space_in_its_name(host: Host) -> None:
    host.v2("/job", place="/mnt/my\\040groups")
    host.write("mnt/my groups/job/cpu.max", "100000 100000")
    assert host.read().cpu_quota_milli == 1000


def test_one_group_has_one_name_however_it_is_reached(host: Host, tmp_path: Path) -> None:
    host.v2("/pod")
    host.group("pod", cpu__max="100000 100000")
    inside = Host(tmp_path / "inside")
    (tmp_path / "inside/sys/fs").mkdir(parents=True)
    (tmp_path / "inside/sys/fs/cgroup").symlink_to(host.root / "sys/fs/cgroup/pod")
    inside.v2("/")
    assert inside.read().cgroup == "/"
    assert inside.read().cpu_groups == host.read().cpu_groups
    assert cpu_key(inside.read()) == cpu_key(host.read())


# ---------------------------------------------------------------- version 1 and hybrid


def test_version_1_with_a_hierarchy_for_each_controller(host: Host) -> None:
    host.v1("cpu,cpuacct", "/slurm/uid_1/job_2")
    host.v1("cpuset", "/slurm/uid_1/job_2")
    host.v1("memory", "/slurm/uid_1/job_2/step_0")
    host.group("cpu,cpuacct/slurm/uid_1/job_2", cpu__cfs_quota_us="-1", cpu__cfs_period_us="100000")
    host.group("cpuset/slurm/uid_1/job_2", cpuset__cpus="0-7,32-39", cpuset__effective_cpus="0-7,32-39")
    host.group("memory/slurm/uid_1/job_2", memory__limit_in_bytes=str(128 * GIB))
    host.group("memory/slurm/uid_1/job_2/step_0", memory__limit_in_bytes=UNLIMITED_V1)
    found = host.read()
    assert found.source == "cgroup-v1"
    assert found.cpus == (*range(8), *range(32, 40))
    assert found.share_cpu() == (16, 64)
    assert found.share_ram() == (128 * GIB, 512 * GIB)
    assert found.cgroup == "/slurm/uid_1/job_2/step_0"


def test_version_1_quotas_are_nested(host: Host) -> None:
    host.v1("cpu", "/docker/abc")
    host.group("cpu/docker", cpu__cfs_quota_us="150000", cpu__cfs_period_us="50000")
    host.group("cpu/docker/abc", cpu__cfs_quota_us="100000", cpu__cfs_period_us="100000")
    found = host.read()
    assert found.cpu_quota_milli == 1000
    assert len(found.cpu_groups) == 2


def test_a_version_1_container_without_namespace(host: Host) -> None:
    host.v1("memory", "/docker/abc", inner="/docker/abc")
    host.group("memory", memory__limit_in_bytes=str(GIB))
    assert host.read().memory_bytes == GIB


def test_an_old_cpuset_mount_without_the_effective_list(host: Host) -> None:
    host.v1("cpuset", "/a")
    host.group("cpuset/a", cpuset__cpus="4-5")
    assert host.read().cpus == (4, 5)


def test_a_hybrid_host_has_each_controller_where_it_is(host: Host) -> None:
    host.v1("memory", "/a")
    host.v2("/b", place="/sys/fs/cgroup/unified")
    host.group("memory/a", memory__limit_in_bytes=str(GIB))
    host.group("unified/b", cpu__max="100000 100000", memory__max=str(5 * GIB))
    found = host.read()
    assert found.source == "cgroup-v2+cgroup-v1"
    assert (found.cpu_quota_milli, found.memory_bytes) == (1000, GIB)


# ---------------------------------------------------------------- the host itself


def test_a_container_with_its_own_list_of_cpus_is_compared_with_those_present(tmp_path: Path) -> None:
    host = Host(tmp_path, online="0-3", present="0-63")
    host.v2("/")
    host.group("", cpuset__cpus__effective="8-11")
    assert host.read().share_cpu() == (4, 64)


def test_cpus_that_are_offline_are_not_of_the_host(tmp_path: Path) -> None:
    host = Host(tmp_path, online="0-31", present="0-63")
    host.v2("/")
    host.group("", cpuset__cpus__effective="0-31")
    assert host.read().share_cpu() is None


@pytest.mark.parametrize(
    "text", ["", "max", "100000 max", "x y", "-5 100000", "100000 0", "1e5 100000", "9" * 40 + " 1", "\0"]
)
def test_nonsense_in_a_file_limits_nothing(host: Host, text: str) -> None:
    host.v2("/job")
    host.group("job", cpu__max=text, memory__max=text, cpuset__cpus__effective=text)
    assert host.read().source == "none"


@pytest.mark.parametrize(
    "name", ["proc/self/cgroup", "proc/self/mountinfo", "proc/meminfo", "sys/fs/cgroup/job/cpu.max"]
)
@pytest.mark.parametrize("how", ["gone", "folder", "bytes"])
def test_a_file_that_cannot_be_read_raises_nothing(host: Host, name: str, how: str) -> None:
    host.v2("/job")
    host.group("job", cpu__max="100000 100000", memory__max=str(GIB))
    (host.root / name).unlink()
    if how == "folder":
        (host.root / name).mkdir()
    elif how == "bytes":
        (host.root / name).write_bytes(b"\xff\x00: - \n::::\n0::\n1 2 3 4 5 - cgroup2\n")
    found = host.read()
    assert found.share_cpu() in {None, (1000, 64000)}
    assert found.share_ram() in {None, (GIB, 512 * GIB)}


def test_without_the_hosts_memory_there_is_no_share_of_it(host: Host) -> None:
    host.v2("/job")
    host.group("job", memory__max=str(GIB))
    (host.root / "proc/meminfo").unlink()
    assert host.read().share_ram() is None


@pytest.mark.parametrize(
    ("text", "cpus"), [("0", (0,)), ("3-1", ()), ("a", ()), ("0-999999999", ()), ("0,,1", ()), ("", ())]
)
def test_lists_of_cpus(text: str, cpus: tuple[int, ...]) -> None:
    assert cpu_list(text) == cpus


# ---------------------------------------------------------------- SLURM without control groups

STEP = {"SLURMD_NODENAME": "n1", "SLURM_JOB_ID": "4711", "SLURM_CPUS_ON_NODE": "4", "SLURM_JOB_CPUS_PER_NODE": "16(x2)"}


def test_slurm_says_the_cpus_of_the_whole_job_on_this_node(host: Host) -> None:
    found = host.read(**STEP)
    assert (found.source, found.share_cpu(), found.cpus) == ("slurm", (16000, 64000), None)
    assert found.cpu_groups == ("slurm-4711",)
    assert cpu_key(found) == cpu_key(host.read(**STEP | {"SLURM_STEP_ID": "3"})), "one meter for all steps of a job"


def test_where_the_nodes_of_a_job_differ_slurm_says_it_of_the_step(host: Host) -> None:
    assert host.read(**STEP | {"SLURM_JOB_CPUS_PER_NODE": "16,4"}).share_cpu() == (4000, 64000)


@pytest.mark.parametrize(
    ("said", "share"),
    [
        ({"SLURM_MEM_PER_NODE": "65536"}, (64 * GIB, 512 * GIB)),
        ({"SLURM_MEM_PER_CPU": "2048"}, (32 * GIB, 512 * GIB)),
        ({"SLURM_MEM_PER_NODE": "0"}, None),
        ({"SLURM_MEM_PER_NODE": "600000"}, None),
        ({"SLURM_MEM_PER_NODE": "a lot"}, None),
        ({}, None),
    ],
)
def test_slurm_says_the_memory_in_mebibytes(host: Host, said: dict[str, str], share: tuple[int, int] | None) -> None:
    assert host.read(**STEP, **said).share_ram() == share


def test_a_node_of_our_own_is_whole(host: Host) -> None:
    assert host.read(**STEP | {"SLURM_JOB_CPUS_PER_NODE": "64(x2)", "SLURM_CPUS_ON_NODE": "64"}).source == "none"


@pytest.mark.parametrize("missing", ["SLURMD_NODENAME", "SLURM_JOB_ID"])
def test_a_shell_that_only_carries_the_variables_has_no_part(host: Host, missing: str) -> None:
    assert host.read(**{name: text for name, text in STEP.items() if name != missing}).source == "none"


def test_what_the_kernel_enforces_goes_before_what_slurm_says(host: Host) -> None:
    host.v2("/system.slice/slurmstepd.scope/job_4711/step_0/user/task_0")
    host.group("system.slice/slurmstepd.scope/job_4711/step_0/user/task_0", cpuset__cpus__effective="0-7")
    found = host.read(**STEP, SLURM_MEM_PER_NODE="65536")
    assert found.cpus == tuple(range(8))
    assert found.share_ram() == (64 * GIB, 512 * GIB)
    assert found.source == "cgroup-v2+slurm"


# ---------------------------------------------------------------- GPUs and the record


@pytest.mark.parametrize(
    ("environ", "gpus", "name"),
    [
        ({}, None, None),
        ({"CUDA_VISIBLE_DEVICES": "2,3", "NVIDIA_VISIBLE_DEVICES": "all"}, "2,3", "CUDA_VISIBLE_DEVICES"),
        ({"CUDA_VISIBLE_DEVICES": ""}, "", "CUDA_VISIBLE_DEVICES"),
        ({"NVIDIA_VISIBLE_DEVICES": "void"}, "void", "NVIDIA_VISIBLE_DEVICES"),
        ({"SLURM_JOB_GPUS": "4,5"}, "4,5", "SLURM_JOB_GPUS"),
        ({"SLURM_JOB_GPUS": "4,5", "GPU_DEVICE_ORDINAL": "0,1"}, "0,1", "GPU_DEVICE_ORDINAL"),
        ({"CUDA_VISIBLE_DEVICES": "MIG-GPU-1/2/3,GPU-9"}, "MIG-GPU-1/2/3,GPU-9", "CUDA_VISIBLE_DEVICES"),
        ({"CUDA_VISIBLE_DEVICES": "$(cat secret)", "SLURM_JOB_GPUS": "1"}, "1", "SLURM_JOB_GPUS"),
    ],
)
def test_the_visible_gpus_are_as_given_with_the_name_of_who_gave_them(
    host: Host, environ: dict[str, str], gpus: str | None, name: str | None
) -> None:
    found = host.read(**environ)
    assert (found.gpus, found.gpus_from) == (gpus, name)


def test_the_record_names_what_is_ours_and_nothing_else(host: Host) -> None:
    host.v2("/pod")
    host.group("pod", cpuset__cpus__effective="0-15,32", memory__max=str(GIB))
    found = host.read(CUDA_VISIBLE_DEVICES="0", AWS_SECRET_ACCESS_KEY="hush")
    assert found.facts == (
        ("source", "cgroup-v2"),
        ("cpus", "0-15,32"),
        ("memory_bytes", GIB),
        ("gpus", "0"),
        ("gpus_from", "CUDA_VISIBLE_DEVICES"),
        ("cpus_host", 64),
        ("memory_host_bytes", 512 * GIB),
        ("cgroup", "/pod"),
    )


def test_texts_of_the_record_fit_into_it(tmp_path: Path) -> None:
    host = Host(tmp_path, online="0-1023")
    host.v2("/" + "/".join(["x" * 100] * 5))
    host.group("/".join(["x" * 100] * 5), cpuset__cpus__effective=",".join(map(str, range(0, 1024, 2))))
    facts = dict(host.read(CUDA_VISIBLE_DEVICES=",".join(f"GPU-{n:036}" for n in range(16))).facts)
    texts = [value for value in facts.values() if isinstance(value, str)]
    assert max(map(len, texts)) == 300
    assert str(facts["gpus"]).endswith("...")


# ---------------------------------------------------------------- this machine


def test_this_machine_is_read_without_raising() -> None:
    found = read_allocation(os.environ)
    assert found.cpus_host >= 1
    assert found.memory_host_bytes == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert found.source in {"none", "cgroup-v1", "cgroup-v2", "slurm", "cgroup-v2+cgroup-v1"}


def test_another_process_can_be_asked_for() -> None:
    assert read_allocation({}, pid=str(os.getpid())) == read_allocation({})
    assert read_allocation({}, pid="0").source == "none"


IN_GROUP = """
import sys
from pathlib import Path
from gxmeter.meter.host.allocation import read_allocation
Path(sys.argv[1], "cgroup.procs").write_text("0")
print(repr(read_allocation({})))
"""


@pytest.fixture
def real_group(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A group of our own below our group of a controller; removed again."""
    controller = request.param
    ours = find_cgroups((controller,), Path("/"), "self").get(controller)
    if os.geteuid() != 0 or ours is None:
        pytest.skip("needs root and a mounted hierarchy")
    if ours.version == "cgroup-v2" and controller not in (ours.folders[0] / "cgroup.subtree_control").read_text():
        pytest.skip(f"the controller {controller} is not handed down to inner groups here")
    if ours.path != "/":
        pytest.skip("our own group is somebody else's to arrange")
    folder = ours.folders[0] / f"gxmeter-test-{os.getpid()}"
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"no group can be made: {error}")
    yield folder
    folder.rmdir()


def _ask_within(folder: Path) -> Allocation:
    done = subprocess.run(
        [sys.executable, "-c", IN_GROUP, str(folder)], env=environment(), capture_output=True, text=True, check=True
    )
    found: Allocation = eval(done.stdout)
    return found


@pytest.mark.parametrize("real_group", ["cpu"], indirect=True)
def test_a_real_quota_of_the_kernel_is_found(real_group: Path) -> None:
    if (real_group / "cpu.max").exists():
        (real_group / "cpu.max").write_text("50000 100000")
    else:
        (real_group / "cpu.cfs_quota_us").write_text("50000")
    found = _ask_within(real_group)
    assert found.cpu_quota_milli == 500
    assert found.share_cpu() == (500, 1000 * found.cpus_host)
    assert found.cpu_groups[-1] == f"cgroup-{real_group.stat().st_ino}"


@pytest.mark.parametrize("real_group", ["cpuset"], indirect=True)
def test_a_real_cpu_set_of_the_kernel_is_found(real_group: Path) -> None:
    if os.cpu_count() == 1:
        pytest.skip("one CPU cannot be shared out")
    (real_group / "cpuset.cpus").write_text("0")
    if (real_group / "cpuset.mems").exists():
        (real_group / "cpuset.mems").write_text("0")
    found = _ask_within(real_group)
    assert found.cpus == (0,)
    assert found.share_cpu() == (1, found.cpus_host)


@pytest.mark.parametrize("real_group", ["memory"], indirect=True)
def test_a_real_memory_limit_of_the_kernel_is_found(real_group: Path) -> None:
    name = "memory.max" if (real_group / "memory.max").exists() else "memory.limit_in_bytes"
    (real_group / name).write_text(str(GIB))
    assert _ask_within(real_group).memory_bytes == GIB
