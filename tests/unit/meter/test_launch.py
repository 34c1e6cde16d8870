"""What the launchers say, alone and inside each other; what is nonsense; what all nodes agree on.

The environments of torchrun, Open MPI and MPICH were taken from real launches; those of SLURM and Kubernetes are
written after their documents.
"""

from __future__ import annotations

import itertools
import random

import pytest

from gxmeter.core.ids import is_id
from gxmeter.meter.host.launch import Launch, launch_faults, read_launch, shared_run_id

Env = dict[str, str]


def torchrun(rank: int, local: int, *, per_node: int = 8, nodes: int = 2, run: str = "none") -> Env:
    return {
        "RANK": str(rank),
        "WORLD_SIZE": str(per_node * nodes),
        "LOCAL_RANK": str(local),
        "LOCAL_WORLD_SIZE": str(per_node),
        "GROUP_RANK": str(rank // per_node),
        "GROUP_WORLD_SIZE": str(nodes),
        "ROLE_NAME": "default",
        "ROLE_RANK": str(rank),
        "ROLE_WORLD_SIZE": str(per_node * nodes),
        "MASTER_ADDR": "node-with-a-name",
        "MASTER_PORT": "29500",
        "TORCHELASTIC_RUN_ID": run,
        "TORCHELASTIC_RESTART_COUNT": "2",
        "TORCHELASTIC_MAX_RESTARTS": "3",
    }


SBATCH: Env = {
    "SLURM_JOB_ID": "4711",
    "SLURM_JOBID": "4711",
    "SLURM_JOB_NUM_NODES": "4",
    "SLURM_NNODES": "4",
    "SLURM_NTASKS": "32",
    "SLURM_NPROCS": "32",
    "SLURM_TASKS_PER_NODE": "8(x4)",
    "SLURM_JOB_CPUS_PER_NODE": "64(x4)",
    "SLURM_PROCID": "0",
    "SLURM_LOCALID": "0",
    "SLURM_NODEID": "0",
    "SLURM_CLUSTER_NAME": "ada",
    "SLURMD_NODENAME": "gnode10",
}


def srun(rank: int, local: int, node: int, tasks: str = "8(x4)", nodes: int = 4, world: int = 32) -> Env:
    return SBATCH | {
        "SLURM_STEP_ID": "0",
        "SLURM_STEPID": "0",
        "SLURM_STEP_NUM_NODES": str(nodes),
        "SLURM_STEP_NUM_TASKS": str(world),
        "SLURM_STEP_TASKS_PER_NODE": tasks,
        "SLURM_PROCID": str(rank),
        "SLURM_LOCALID": str(local),
        "SLURM_NODEID": str(node),
    }


def open_mpi(rank: int, local: int, *, world: int, local_world: int) -> Env:
    return {
        "OMPI_COMM_WORLD_RANK": str(rank),
        "OMPI_COMM_WORLD_SIZE": str(world),
        "OMPI_COMM_WORLD_LOCAL_RANK": str(local),
        "OMPI_COMM_WORLD_LOCAL_SIZE": str(local_world),
        "OMPI_COMM_WORLD_NODE_RANK": str(local),
        "OMPI_UNIVERSE_SIZE": str(world),
        "PMIX_RANK": str(rank),
        "PMIX_NAMESPACE": "prterun-node-with-a-name-32556@1",
    }


def mpich(rank: int, local: int, *, world: int, local_world: int) -> Env:
    return {
        "PMI_RANK": str(rank),
        "PMI_SIZE": str(world),
        "MPI_LOCALRANKID": str(local),
        "MPI_LOCALNRANKS": str(local_world),
        "PMI_FD": "9",
    }


POD: Env = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}
PYTORCHJOB: Env = POD | {"MASTER_ADDR": "job-master-0", "MASTER_PORT": "23456", "RANK": "1", "WORLD_SIZE": "4"}
PET: Env = PYTORCHJOB | {"PET_NNODES": "4", "PET_NODE_RANK": "1", "PET_NPROC_PER_NODE": "8", "WORLD_SIZE": "32"}


def places(environ: Env) -> tuple[str, tuple[int | None, ...], tuple[int | None, ...]]:
    """Launcher; rank, world, local rank, local world; node, nodes."""
    found = read_launch(environ)
    ranks = (found.rank, found.world, found.local_rank, found.local_world)
    return found.launcher, ranks, (found.node, found.nodes)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, ("none", (None, None, None, None), (None, None))),
        ({"PATH": "/bin", "RANK": "1"}, ("none", (None, None, None, None), (None, None))),
        (torchrun(11, 3), ("torchrun", (11, 16, 3, 8), (1, 2))),
        (torchrun(3, 3, nodes=1), ("torchrun", (3, 8, 3, 8), (0, 1))),
        (srun(19, 3, 2), ("slurm", (19, 32, 3, 8), (2, 4))),
        (srun(9, 1, 3, tasks="3(x2),2(x2)", world=10), ("slurm", (9, 10, 1, 2), (3, 4))),
        (srun(0, 0, 0, tasks="1", nodes=1, world=1), ("slurm", (0, 1, 0, 1), (0, 1))),
        (SBATCH, ("slurm", (None, None, None, None), (0, 4))),
        (SBATCH | {"SLURM_STEP_ID": "4294967291"}, ("slurm", (None, None, None, None), (0, 4))),
        (open_mpi(5, 1, world=8, local_world=4), ("openmpi", (5, 8, 1, 4), (None, None))),
        (open_mpi(1, 1, world=4, local_world=4), ("openmpi", (1, 4, 1, 4), (0, 1))),
        (mpich(5, 1, world=8, local_world=4), ("mpich", (5, 8, 1, 4), (None, None))),
        (mpich(1, 1, world=2, local_world=2), ("mpich", (1, 2, 1, 2), (0, 1))),
        ({"PMI_RANK": "3", "PMI_SIZE": "4"}, ("mpich", (3, 4, None, None), (None, None))),
        (PYTORCHJOB, ("kubernetes", (1, 4, None, None), (1, 4))),
        (PET, ("kubernetes", (None, None, None, None), (1, 4))),
        (PET | {"PET_NPROC_PER_NODE": "1", "WORLD_SIZE": "4"}, ("kubernetes", (1, 4, None, None), (1, 4))),
        (PET | {"PET_NNODES": "2:4"}, ("kubernetes", (None, None, None, None), (1, None))),
        (POD | {"JOB_COMPLETION_INDEX": "3"}, ("kubernetes", (None, None, None, None), (3, None))),
        (POD, ("none", (None, None, None, None), (None, None))),
        ({"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1"}, ("env", (5, 8, 1, None), (None, None))),
        ({"RANK": "5", "WORLD_SIZE": "8", "MASTER_ADDR": "x"}, ("env", (5, 8, None, None), (None, None))),
        ({"LOCAL_RANK": "1", "WORLD_SIZE": "8", "NODE_RANK": "1"}, ("env", (None, 8, 1, None), (1, None))),
    ],
)
def test_each_launcher_alone(environ: Env, expected: object) -> None:
    assert places(environ) == expected


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        # One torchrun a node, started by srun: its ranks, SLURM's nodes (torchrun numbers the nodes as they come).
        (
            srun(1, 0, 1, tasks="1(x4)", world=4) | torchrun(27, 3, nodes=4),
            ("torchrun", (27, 32, 3, 8), (1, 4)),
        ),
        # torchrun on one node of a job of four, from the batch script: only it knows that there is one.
        (SBATCH | torchrun(3, 3, nodes=1), ("torchrun", (3, 8, 3, 8), (0, 1))),
        # A step on two of the four nodes.
        (srun(5, 1, 1, tasks="4(x2)", nodes=2, world=8), ("slurm", (5, 8, 1, 4), (1, 2))),
        # What scripts do: the task's numbers once more under other names.
        (
            srun(19, 3, 2) | {"RANK": "19", "WORLD_SIZE": "32", "LOCAL_RANK": "3"},
            ("env", (19, 32, 3, None), (2, 4)),
        ),
        (srun(19, 3, 2) | {"WORLD_SIZE": "32", "MASTER_ADDR": "x"}, ("slurm", (19, 32, 3, 8), (2, 4))),
        (srun(19, 3, 2) | {"LOCAL_RANK": "3", "WORLD_SIZE": "32"}, ("env", (19, 32, 3, 8), (2, 4))),
        # mpirun in a batch script: its daemons' step leaves out the first node, so its node numbers are no use.
        (
            srun(0, 0, 0, tasks="1(x3)", nodes=3, world=3) | open_mpi(9, 1, world=32, local_world=8),
            ("openmpi", (9, 32, 1, 8), (None, 4)),
        ),
        (
            srun(2, 0, 2, tasks="1(x4)", world=4) | mpich(17, 1, world=32, local_world=8),
            ("mpich", (17, 32, 1, 8), (2, 4)),
        ),
        # srun --mpi=pmi2
        (srun(19, 3, 2) | {"PMI_RANK": "19", "PMI_SIZE": "32"}, ("slurm", (19, 32, 3, 8), (2, 4))),
        # torchrun in the pods of a PyTorchJob; in the elastic one the pods do not know how many they are.
        (PET | torchrun(11, 3, nodes=4), ("torchrun", (11, 32, 3, 8), (1, 4))),
        (PET | torchrun(11, 3, nodes=3) | {"PET_NNODES": "2:4"}, ("torchrun", (11, 24, 3, 8), (1, 3))),
        (PYTORCHJOB | torchrun(11, 3), ("torchrun", (11, 16, 3, 8), (1, 2))),
        (POD | {"JOB_COMPLETION_INDEX": "1"} | torchrun(11, 3), ("torchrun", (11, 16, 3, 8), (1, 2))),
        (POD | open_mpi(5, 1, world=8, local_world=4), ("openmpi", (5, 8, 1, 4), (None, None))),
        # torchrun started by mpirun, one a node.
        (open_mpi(1, 0, world=2, local_world=1) | torchrun(11, 3), ("torchrun", (11, 16, 3, 8), (1, 2))),
    ],
)
def test_the_inner_launcher_knows_the_ranks_and_who_placed_them_the_nodes(environ: Env, expected: object) -> None:
    assert places(environ) == expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"GXMETER_NODES": "16", "GXMETER_NODE": "7"}, (7, 16)),
        ({"GXMETER_NODES": "16"}, (1, 16)),
        ({"GXMETER_NODE": "0"}, (0, 2)),
        ({"GXMETER_NODES": "1"}, (None, 1)),
        ({"GXMETER_NODES": "many", "GXMETER_NODE": "-1"}, (1, 2)),
        ({"GXMETER_NODES": "0"}, (1, 2)),
        ({"GXMETER_NODES": "4", "GXMETER_NODE": "4"}, (1, 2)),
    ],
)
def test_the_users_word_on_nodes_goes_before_the_launchers(told: Env, expected: tuple[int | None, int | None]) -> None:
    found = read_launch(torchrun(11, 3) | told)
    assert (found.node, found.nodes) == expected
    assert found.rank == 11


@pytest.mark.parametrize(
    "nonsense", ["", " ", "x", "-1", "1.5", "1e3", "０１", "²", "9" * 30, "None", "0x10", "1 2", "\x00"]
)
@pytest.mark.parametrize(
    "base", [torchrun(3, 3), srun(19, 3, 2), open_mpi(1, 1, world=4, local_world=4), PET, PYTORCHJOB]
)
def test_nonsense_in_any_variable_is_passed_over(base: Env, nonsense: str) -> None:
    for name in base:
        found = read_launch(base | {name: nonsense})
        for number, of in ((found.rank, found.world), (found.local_rank, found.local_world), (found.node, found.nodes)):
            assert number is None or number >= 0
            assert of is None or number is None or number < of
        assert shared_run_id(found) is None or is_id(shared_run_id(found) or "")


def test_a_rank_beyond_the_world_says_nothing() -> None:
    assert read_launch({"RANK": "8", "WORLD_SIZE": "8", "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "0"}).rank is None
    assert places(torchrun(16, 0))[1] == (None, None, 0, 8)


def test_any_mixture_of_variables_gives_numbers_that_agree() -> None:
    draw = random.Random(5)
    names = sorted(
        {
            *torchrun(0, 0),
            *srun(0, 0, 0),
            *PET,
            *open_mpi(0, 0, world=1, local_world=1),
            *mpich(0, 0, world=1, local_world=1),
        }
    )
    for _ in range(3000):
        environ = {
            name: str(draw.choice([0, 1, 2, 7, "x", "", "2(x2)"])) for name in draw.sample(names, draw.randint(0, 20))
        }
        found = read_launch(environ)
        for number, of in ((found.rank, found.world), (found.local_rank, found.local_world), (found.node, found.nodes)):
            assert of is None or (of > 0 and (number is None or 0 <= number < of)), environ


# ---------------------------------------------------------------- what all nodes agree on


@pytest.mark.parametrize(
    ("environ", "run"),
    [
        ({}, None),
        (torchrun(0, 0), None),
        (torchrun(0, 0, run=""), None),
        (torchrun(0, 0, run="None"), None),
        (torchrun(0, 0, run="llm-7"), "torchrun-llm-7"),
        (torchrun(0, 0, run="my run/7"), "torchrun-my-run-7"),
        (PET | {"PET_RDZV_ID": "abc"}, "torchrun-abc"),
        (SBATCH, "slurm-4711"),
        (srun(19, 3, 2), "slurm-4711"),
        (srun(19, 3, 2) | torchrun(27, 3, run="llm-7"), "slurm-4711"),
        (SBATCH | {"SLURM_ARRAY_JOB_ID": "4700", "SLURM_ARRAY_TASK_ID": "11"}, "slurm-4700_11"),
        (SBATCH | {"SLURM_ARRAY_JOB_ID": "4700"}, "slurm-4711"),
        ({"SLURM_JOBID": "12"}, "slurm-12"),
        ({"SLURM_JOB_ID": "a; rm -rf"}, None),
        (open_mpi(0, 0, world=2, local_world=1), None),
        (open_mpi(0, 0, world=2, local_world=1) | {"PBS_JOBID": "1234.server.example"}, "pbs-1234"),
        ({"PBS_JOBID": "1234[7].server", "PBS_ARRAY_INDEX": "7"}, "pbs-1234_7"),
        ({"PJM_JOBID": "555", "PJM_BULKNUM": "3"}, "pjm-555_3"),
        ({"LSB_JOBID": "77", "LSB_JOBINDEX": "0"}, "lsf-77"),
        ({"SGE_ROOT": "/opt/sge", "JOB_ID": "88", "SGE_TASK_ID": "undefined"}, "sge-88"),
        ({"JOB_ID": "88"}, None),
        (PYTORCHJOB, None),
    ],
)
def test_the_run_id_that_all_nodes_of_a_job_share(environ: Env, run: str | None) -> None:
    assert shared_run_id(read_launch(environ)) == run
    assert run is None or is_id(run)


def test_every_process_of_a_job_comes_to_the_same_run_id() -> None:
    steps = [srun(rank, rank % 8, rank // 8) for rank in range(32)]
    inner = [one | torchrun(rank, rank % 8) for rank, one in enumerate(steps)]
    assert {shared_run_id(read_launch(environ)) for environ in (SBATCH, *steps, *inner)} == {"slurm-4711"}


def test_every_process_of_a_job_has_its_own_rank_and_every_node_its_own_number() -> None:
    found = [read_launch(srun(rank, rank % 8, rank // 8)) for rank in range(32)]
    assert sorted(one.rank or 0 for one in found) == list(range(32))
    assert {(one.node, one.local_rank) for one in found} == set(itertools.product(range(4), range(8)))


@pytest.mark.parametrize(
    ("launch", "codes"),
    [
        (Launch(), []),
        (Launch(nodes=1), []),
        (Launch(nodes=4, job="slurm-1"), []),
        (Launch(nodes=4), ["run-id-not-shared"]),
    ],
)
def test_several_nodes_without_a_common_run_id_are_a_fault(launch: Launch, codes: list[str]) -> None:
    assert [fault.code for fault in launch_faults(launch)] == codes
    assert all(dict(fault.params) == {"nodes": "4"} for fault in launch_faults(launch))


def test_restarts_of_the_processes_and_of_the_job_are_told_apart() -> None:
    found = read_launch(srun(0, 0, 0) | torchrun(0, 0) | {"SLURM_RESTART_COUNT": "1"})
    assert (found.attempt, found.requeues) == (2, 1)


# ---------------------------------------------------------------- the record


def test_the_record_holds_what_is_known_and_no_name_of_a_host() -> None:
    secret = {"WANDB_API_KEY": "hush", "MASTER_ADDR": "node-with-a-name"}
    facts = read_launch(srun(1, 0, 1, tasks="1(x4)", world=4) | torchrun(27, 3, nodes=4) | secret).facts
    assert facts == (
        ("launcher", "torchrun"),
        ("job", "slurm-4711"),
        ("rank", 27),
        ("world", 32),
        ("local_rank", 3),
        ("local_world", 8),
        ("node", 1),
        ("nodes", 4),
        ("attempt", 2),
    )
    every = [torchrun(0, 0), SBATCH, srun(0, 0, 0), open_mpi(0, 0, world=2, local_world=1), PET, PYTORCHJOB]
    assert not any("name" in str(read_launch(environ | secret).facts) for environ in every)


def test_a_record_of_nothing_is_empty() -> None:
    assert read_launch({"HOME": "/root"}).facts == ()
