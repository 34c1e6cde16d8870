"""What was launched: one run's place among its ranks and nodes, as the launchers say it in the environment.

Several may speak at once: ``torchrun`` in a step of SLURM in a pod. Who stands nearest to the process knows its ranks,
so all four of them come from the innermost launcher. Machines are known best by who placed the processes on them: a
SLURM step or a Kubernetes operator, else ``torchrun``'s group. What cannot be known for certain stays None: ``mpirun``
does not say on how many nodes it runs, and to divide the ranks by those of this node is wrong for uneven nodes.

Sources, by document:

* torchrun: PyTorch, "torchrun (Elastic Launch)", section "Environment Variables".
* SLURM: sbatch(1) and srun(1), "OUTPUT ENVIRONMENT VARIABLES".
* Open MPI: Open MPI documentation, "Environment variables that Open MPI sets in launched processes".
* MPICH and Intel MPI: MPICH wiki, "Using the Hydra Process Manager"; Intel MPI Library Developer Reference.
* Kubernetes: Kubeflow Training Operator, "PyTorchJob"; Kubernetes, "Indexed Job for Parallel Processing".
* Job ids: Altair PBS Professional User's Guide; Fujitsu Technical Computing Suite, job operation; IBM Spectrum LSF,
  "Environment variables set for job execution"; Grid Engine qsub(1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from gxmeter.core.journal import Facts
from gxmeter.meter.host.per_node import of_node, whole_number
from gxmeter.meter.record.place import safe_id
from gxmeter.meter.sensors.base import Fault, fault

TORCHRUN, BY_HAND, OPENMPI, MPICH, SLURM, KUBERNETES = "torchrun", "env", "openmpi", "mpich", "slurm", "kubernetes"
NONE = "none"
"""Launchers; ``env`` where ``RANK`` and ``WORLD_SIZE`` were set by a script, ``none`` where nobody says anything."""

NODES_VARIABLE, NODE_VARIABLE = "GXMETER_NODES", "GXMETER_NODE"
"""What the user says of the nodes; it goes before all launchers."""

_FIRST_SPECIAL_STEP = 0xFFFF_FFF0
"""SLURM's steps from here on are none that srun launched: batch script, interactive shell, external (slurm.h)."""

_NO_RUN_ID = {"", "none"}
_BATCH = (
    ("pbs", "PBS_JOBID", "PBS_ARRAY_INDEX"),
    ("pjm", "PJM_JOBID", "PJM_BULKNUM"),
    ("lsf", "LSB_JOBID", "LSB_JOBINDEX"),
)
_GRID_ENGINE = ("sge", "JOB_ID", "SGE_TASK_ID")


@dataclass(frozen=True, slots=True)
class Launch:
    """Where this process stands; everything None that nobody says.

    Attributes:
        launcher: the innermost one: ``torchrun``, ``env``, ``openmpi``, ``mpich``, ``slurm``, ``kubernetes``, ``none``.
        job: an id that all nodes of the job see alike, e.g. ``slurm-4711``.
        rank: number of this process among all, from 0.
        world: how many processes there are.
        local_rank: number of this process on its node, from 0.
        local_world: processes on this node.
        node: number of this node (or pod), from 0.
        nodes: how many there are.
        attempt: how often the processes were restarted, by torchrun.
        requeues: how often the job went back into the queue and came again, by SLURM.
    """

    launcher: str = NONE
    job: str | None = None
    rank: int | None = None
    world: int | None = None
    local_rank: int | None = None
    local_world: int | None = None
    node: int | None = None
    nodes: int | None = None
    attempt: int | None = None
    requeues: int | None = None

    @property
    def facts(self) -> Facts:
        """For the journal's head: what is known, in the order of the attributes; empty where nothing is."""
        known = tuple((field.name, getattr(self, field.name)) for field in fields(self))
        kept = tuple((name, value) for name, value in known if value is not None)
        return () if kept == (("launcher", NONE),) else kept


_Numbers = Mapping[str, int | None]
_Pair = tuple[int | None, int | None]
_NOTHING: _Pair = (None, None)


@dataclass(frozen=True, slots=True)
class _Said:
    """What one launcher says: rank and world, those of the node, and the node among the nodes."""

    launcher: str
    ranks: _Pair = _NOTHING
    local: _Pair = _NOTHING
    nodes: _Pair = _NOTHING
    places: bool = False
    """Whether it put the processes on the machines, and so knows the machines for certain."""


def read_launch(environ: Mapping[str, str]) -> Launch:
    """What the environment says of the launch; never raises, and passes over what is no number or cannot be."""
    numbers = {name: whole_number(text) for name, text in environ.items()}
    readers = (_torchrun, _by_hand, _open_mpi, _mpich, _slurm, _kubernetes)
    said = [found for reader in readers if (found := reader(numbers, environ)) is not None]
    inner = next((one for one in said if one.ranks[0] is not None), None)
    inner = inner or next((one for one in said if (one.ranks, one.local) != (_NOTHING, _NOTHING)), None)
    node, nodes = _settle_nodes(numbers, said)
    return Launch(
        launcher=said[0].launcher if said else NONE,
        job=_job(environ),
        rank=inner.ranks[0] if inner else None,
        world=inner.ranks[1] if inner else None,
        local_rank=inner.local[0] if inner else None,
        local_world=inner.local[1] if inner else None,
        node=node,
        nodes=nodes,
        attempt=numbers.get("TORCHELASTIC_RESTART_COUNT"),
        requeues=numbers.get("SLURM_RESTART_COUNT"),
    )


def shared_run_id(launch: Launch) -> str | None:
    """A run id on which all nodes of one job agree without talking to each other, or None where there is none.

    A requeued job keeps it, and so its journals belong to one run. torchrun's is as unique as its ``--rdzv-id``: who
    gives every training the same one must name the run himself.

    >>> shared_run_id(Launch(job="slurm-4711"))
    'slurm-4711'
    """
    return None if launch.job is None else safe_id(launch.job)


def launch_faults(launch: Launch) -> tuple[Fault, ...]:
    """``run-id-not-shared`` where several nodes would each invent a run id; for who was not told a run id."""
    if (launch.nodes or 1) > 1 and shared_run_id(launch) is None:
        return (fault("run-id-not-shared", nodes=str(launch.nodes)),)
    return ()


def _torchrun(n: _Numbers, environ: Mapping[str, str]) -> _Said | None:
    if "TORCHELASTIC_RUN_ID" not in environ and n.get("GROUP_RANK") is None:
        return None
    local = _pair(n.get("LOCAL_RANK"), n.get("LOCAL_WORLD_SIZE"))
    ranks = _pair(n.get("RANK"), n.get("WORLD_SIZE"))
    nodes = _pair(n.get("GROUP_RANK"), n.get("GROUP_WORLD_SIZE"))
    return _Said(TORCHRUN, ranks, local, nodes if nodes[1] is not None else _alone(ranks, local, nodes[0]))


def _by_hand(n: _Numbers, environ: Mapping[str, str]) -> _Said | None:
    """``RANK``, ``WORLD_SIZE``, ``LOCAL_RANK`` as scripts and other launchers of PyTorch set them."""
    if "TORCHELASTIC_RUN_ID" in environ or n.get("GROUP_RANK") is not None:
        return None
    ranks, local = _pair(n.get("RANK"), n.get("WORLD_SIZE")), _pair(n.get("LOCAL_RANK"), n.get("LOCAL_WORLD_SIZE"))
    of_a_pod = _in_pod(environ) and local[0] is None
    if of_a_pod or (None in ranks and local[0] is None):
        return None
    return _Said(BY_HAND, ranks, local, _alone(ranks, local, n.get("NODE_RANK")))


def _open_mpi(n: _Numbers, _: Mapping[str, str]) -> _Said | None:
    """``OMPI_COMM_WORLD_NODE_RANK`` is no number of a node: it counts processes on this one."""
    if n.get("OMPI_COMM_WORLD_RANK") is None:
        return None
    ranks = _pair(n.get("OMPI_COMM_WORLD_RANK"), n.get("OMPI_COMM_WORLD_SIZE"))
    local = _pair(n.get("OMPI_COMM_WORLD_LOCAL_RANK"), n.get("OMPI_COMM_WORLD_LOCAL_SIZE"))
    return _Said(OPENMPI, ranks, local, _alone(ranks, local, None))


def _mpich(n: _Numbers, _: Mapping[str, str]) -> _Said | None:
    """Hydra; a step of SLURM sets ``PMI_RANK`` too, but not the local ones, and speaks for itself."""
    local = _pair(n.get("MPI_LOCALRANKID"), n.get("MPI_LOCALNRANKS"))
    if n.get("PMI_RANK") is None or (local[0] is None and _step(n)):
        return None
    ranks = _pair(n.get("PMI_RANK"), n.get("PMI_SIZE"))
    return _Said(MPICH, ranks, local, _alone(ranks, local, None))


def _slurm(n: _Numbers, environ: Mapping[str, str]) -> _Said | None:
    """A task of a step; or what runs outside of one: the batch script on the job's first node, or a shell.

    Under ``mpirun`` the number of the node is not taken: its daemons are a step of their own that leaves out the
    node of the batch script, so two nodes would have the number 0.
    """
    if _first(n, "SLURM_JOB_ID", "SLURM_JOBID") is None:
        return None
    of_job = _first(n, "SLURM_JOB_NUM_NODES", "SLURM_NNODES")
    if n.get("OMPI_COMM_WORLD_RANK") is not None:
        return _Said(SLURM, nodes=_pair(None, of_job), places=True)
    if not _step(n):
        return _Said(SLURM, nodes=_pair(n.get("SLURM_NODEID"), of_job))
    node = n.get("SLURM_NODEID")
    nodes = _pair(node, _first(n, "SLURM_STEP_NUM_NODES", "SLURM_NNODES", "SLURM_JOB_NUM_NODES"))
    ranks = _pair(n.get("SLURM_PROCID"), _first(n, "SLURM_STEP_NUM_TASKS", "SLURM_NTASKS", "SLURM_NPROCS"))
    tasks = environ.get("SLURM_STEP_TASKS_PER_NODE") or environ.get("SLURM_TASKS_PER_NODE")
    return _Said(SLURM, ranks, _pair(n.get("SLURM_LOCALID"), of_node(tasks, node)), nodes, places=True)


def _kubernetes(n: _Numbers, environ: Mapping[str, str]) -> _Said | None:
    """A pod of a PyTorchJob or of an indexed Job. ``PET_NNODES`` may be a range: then the nodes are not known here.

    The operator's ``RANK`` numbers the pods. It is the rank of the process too where a pod has one process and
    torchrun has not set its own.
    """
    if not _in_pod(environ):
        return None
    bare = n.get("LOCAL_RANK") is None and "MASTER_ADDR" in environ
    ranks = _pair(n.get("RANK"), n.get("WORLD_SIZE")) if bare else _NOTHING
    of_pet = _pair(n.get("PET_NODE_RANK"), n.get("PET_NNODES"))
    if of_pet != _NOTHING:
        single = environ.get("PET_NPROC_PER_NODE", "1") == "1"
        nodes = of_pet if of_pet[0] is not None else _pair(ranks[0], of_pet[1])
        return _Said(KUBERNETES, ranks if single else _NOTHING, nodes=nodes, places=True)
    if None not in ranks:
        return _Said(KUBERNETES, ranks, nodes=ranks, places=True)
    index = n.get("JOB_COMPLETION_INDEX")
    return None if index is None else _Said(KUBERNETES, nodes=(index, None), places=True)


def _settle_nodes(n: _Numbers, said: list[_Said]) -> _Pair:
    """Node and nodes: the user's word, then who placed the processes, then the others from the inside out."""
    told = _pair(n.get(NODE_VARIABLE), n.get(NODES_VARIABLE))
    placers = [one.nodes for one in said if one.places]
    pairs = [told, *placers, *(one.nodes for one in said if not one.places)]
    whole = next((pair for pair in pairs if None not in pair), _NOTHING)
    node = told[0] if told[0] is not None else whole[0]
    nodes = told[1] if told[1] is not None else whole[1]
    if node is None:
        node = next((pair[0] for pair in pairs if pair[0] is not None), None)
    if nodes is None:
        nodes = next((pair[1] for pair in pairs if pair[1] is not None), None)
    settled = _pair(node, nodes)
    return told if settled == _NOTHING else settled


def _job(environ: Mapping[str, str]) -> str | None:
    """The id of the job: the batch system's, since all that runs in the job sees it; else torchrun's run id."""
    slurm = environ.get("SLURM_JOB_ID") or environ.get("SLURM_JOBID")
    if whole_number(slurm) is not None:
        array, task = (environ.get(f"SLURM_ARRAY_{name}") for name in ("JOB_ID", "TASK_ID"))
        known = whole_number(array) is not None and whole_number(task) is not None
        return f"slurm-{array}_{task}" if known else f"slurm-{slurm}"
    for system, variable, part in (*_BATCH, *([_GRID_ENGINE] if "SGE_ROOT" in environ else [])):
        number = whole_number(environ.get(variable, "").partition(".")[0].partition("[")[0])
        if number is not None:
            index = whole_number(environ.get(part))
            return f"{system}-{number}_{index}" if index else f"{system}-{number}"
    name = environ.get("TORCHELASTIC_RUN_ID", environ.get("PET_RDZV_ID", "")).strip()
    return None if name.lower() in _NO_RUN_ID else safe_id(f"torchrun-{name}")


def _pair(number: int | None, of: int | None) -> _Pair:
    """A number and how many there are; neither where there are none of them or too few for the number."""
    if of is not None and (of == 0 or (number is not None and number >= of)):
        return _NOTHING
    return number, of


def _alone(ranks: _Pair, local: _Pair, node: int | None) -> _Pair:
    """All processes are on this node, so there is only this one; else what is known of its number."""
    alone = ranks[1] is not None and ranks[1] == local[1]
    return (0, 1) if alone else (node, None)


def _step(n: _Numbers) -> bool:
    """Whether srun launched us, and not only sbatch or salloc."""
    step = _first(n, "SLURM_STEP_ID", "SLURM_STEPID")
    return step is not None and step < _FIRST_SPECIAL_STEP


def _in_pod(environ: Mapping[str, str]) -> bool:
    return "KUBERNETES_SERVICE_HOST" in environ or "PET_NNODES" in environ


def _first(n: _Numbers, *names: str) -> int | None:
    return next((number for name in names if (number := n.get(name)) is not None), None)
