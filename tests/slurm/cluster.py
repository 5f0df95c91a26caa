"""A real SLURM cluster on loopback: two CPU nodes, two GPU nodes with two devices each, all on this machine.

Everything it writes lies in one folder, which others must be able to reach (munged insists), and it ends no process
but those that it started.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "scontrol")
GPU_NODES = ("gpu1", "gpu2")
NODES = ("cpu1", "cpu2", *GPU_NODES)
DEVICES = (0, 1)
SYSTEM = f"{os.environ['PATH']}:/usr/sbin:/sbin"
NULL_DEVICE = os.makedev(1, 3)

CONFIG = """
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
Epilog={folder}/epilog
SwitchType=switch/none
MpiDefault=none
AccountingStorageType=accounting_storage/none
# A job that takes more memory than it asked for is killed; without cgroups somebody must look.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,sched_min_interval=0,batch_sched_delay=0
# The nodes are as large as it says here, whatever this machine has.
SlurmdParameters=config_overrides
ReturnToService=2
SlurmdTimeout=8
SlurmctldTimeout=30
InactiveLimit=0
KillWait=2
OverTimeLimit=0
MinJobAge=300
GresTypes=gpu
{nodes}
PartitionName=cpu Nodes=cpu[1-2] Default=YES MaxTime=2-0 State=UP
PartitionName=gpu Nodes=gpu[1-2] MaxTime=2-0 State=UP
"""

# With cgroups, nothing outlives its job. Here an engine does, in a session of its own, and would keep the job's GPU.
EPILOG = """#!/bin/sh
for process in $(pgrep -f serve_engine.py); do
    if tr '\\0' '\\n' < /proc/$process/environ | grep -qx "SLURM_JOB_ID=$SLURM_JOB_ID" &&
        tr '\\0' '\\n' < /proc/$process/environ | grep -qx "SLURM_CONF={folder}/slurm.conf"; then
        kill -9 $process
    fi
done
exit 0
"""


def missing() -> str | None:
    """Why no cluster can be started here, or None."""
    if os.geteuid() != 0:
        return "not root: slurmd changes users and makes device files"
    absent = [program for program in PROGRAMS if shutil.which(program, path=SYSTEM) is None]
    return f"not installed: {', '.join(absent)} (tests/slurm/install.sh)" if absent else None


class Cluster:
    """The cluster's daemons, and commands for it."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.daemons: dict[str, subprocess.Popen] = {}
        wrappers = folder / "bin"
        # The plugin takes every SLURM_ variable from the srun inside a job, the one that names this cluster as well.
        wrappers.mkdir(parents=True)
        srun = wrappers / "srun"
        srun.write_text(f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {shutil.which("srun", path=SYSTEM)} "$@"\n')
        srun.chmod(0o755)
        # Engines live in TMPDIR and are told apart by SLURM's job numbers, which begin at 1 in every cluster.
        temporary = folder / "tmp"
        temporary.mkdir()
        path = f"{wrappers}:{os.environ['PATH']}:{SYSTEM}"
        self.environment = os.environ | {
            "SLURM_CONF": f"{folder}/slurm.conf",
            "PATH": path,
            "TMPDIR": str(temporary),
        }

    def start(self) -> None:
        """Start every daemon and wait until all nodes are idle."""
        self._configure()
        self._launch_munge()
        self.start_controller()
        for node in NODES:
            self.start_node(node)
        self.wait(lambda: set(self.node_states().values()) == {"idle"}, "all nodes idle")

    def stop(self) -> None:
        """End the jobs with all that they left, then the daemons, SLURM's own first."""
        self.call("scancel", "--user=root")
        self.wait(lambda: not self.jobs(), "no jobs", 30)
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        for name in reversed(self.daemons):
            self.daemons[name].terminate()
        for daemon in self.daemons.values():
            try:
                daemon.wait(timeout=20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def start_controller(self) -> None:
        """Start slurmctld; it goes on with the state that the last one saved."""
        self._launch("slurmctld", "slurmctld", "-D")
        self.wait(lambda: self.call("scontrol", "ping").returncode == 0, "a controller")

    def stop_controller(self) -> None:
        """End slurmctld as an administrator would."""
        self._end("slurmctld", signal.SIGTERM)

    def start_node(self, node: str) -> None:
        """Start a node's slurmd."""
        self._launch(node, "slurmd", "-D", "-N", node)

    def crash_node(self, node: str) -> None:
        """Kill a node's slurmd, its step daemons and whatever they started, as a power cut does."""
        steps = [process for process in psutil.process_iter(["name"]) if self._is_step_of(process, node)]
        started = [
            process for job in self.jobs("R", "CG") if self.node_of(job) == node for process in self.processes(job)
        ]
        self._end(node, signal.SIGKILL)
        for process in [*steps, *started]:
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def jobs(self, *states: str) -> dict[str, str]:
        """State of each job by number: those under way, or those in one of the states."""
        flag = f"--states={','.join(states)}" if states else "--states=PD,R,CG,CF,S"
        lines = self.call("squeue", "--noheader", "--format=%i %T", flag).stdout.splitlines()
        return dict(line.split() for line in lines)

    def job_of(self, sampled: str) -> str | None:
        """The job that has begun to sample what answers, named as in the paths of shards; None if none has."""
        lines = self.call("squeue", "--noheader", "--format=%i %k", "--states=R").stdout.splitlines()
        return next((line.split()[0] for line in lines if f" rule_sample-{sampled}_" in line), None)

    def node_of(self, job: str) -> str:
        """The node that a job runs on."""
        return self.call("squeue", "--noheader", "--format=%N", f"--jobs={job}").stdout.strip()

    def node_states(self) -> dict[str, str]:
        """State of each node by name."""
        lines = self.call("sinfo", "--noheader", "--Node", "--format=%N %t").stdout.splitlines()
        return dict(line.split() for line in lines)

    def processes(self, job: str | None = None) -> list[psutil.Process]:
        """What a job, or any, runs on this machine."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                known = process.environ()
                number = known.get("SLURM_JOB_ID")
                ours = number and known.get("SLURM_CONF") == self.environment["SLURM_CONF"]
                if ours and job in (None, number):
                    found.append(process)
        return found

    def call(self, *command: str) -> subprocess.CompletedProcess:
        """Run one of SLURM's commands on this cluster."""
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60)

    def wait(self, condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
        """Wait until the condition holds; fail with what the controller said if it never does."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                logs = sorted([*self.folder.glob("*.log"), *self.folder.glob("*.out")])
                said = "\n".join(f"{log.name}: {log.read_text(errors='replace')[-1000:]}" for log in logs)
                raise TimeoutError(f"waited in vain for {what}; the logs end:\n{said}")
            time.sleep(0.1)

    def _configure(self) -> None:
        (self.folder / "state").mkdir()
        ports = free_ports(len(NODES) + 1)
        host = socket.gethostname().partition(".")[0]
        lines = []
        for node, port in zip(NODES, ports[1:], strict=True):
            (self.folder / f"spool-{node}").mkdir()
            gpus = f" Gres=gpu:{len(DEVICES)}" if node in GPU_NODES else ""
            lines.append(
                f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=8 RealMemory=32000{gpus}"
            )
        (self.folder / "slurm.conf").write_text(
            CONFIG.format(folder=self.folder, host=host, controller_port=ports[0], nodes="\n".join(lines))
        )
        epilog = self.folder / "epilog"
        epilog.write_text(EPILOG.format(folder=self.folder))
        epilog.chmod(0o755)
        for node in GPU_NODES:
            for device in DEVICES:
                os.mknod(self.folder / f"{node}-{device}", 0o666 | 0o020000, NULL_DEVICE)
        files = f"{self.folder}/{{}}-[{DEVICES[0]}-{DEVICES[-1]}]"
        (self.folder / "gres.conf").write_text(
            "".join(f"NodeName={node} Name=gpu File={files.format(node)}\n" for node in GPU_NODES)
        )

    def _launch_munge(self) -> None:
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        options = {"key-file": key, "socket": self.folder / "munge.socket", "seed-file": self.folder / "munge.seed"}
        options |= {"pid-file": self.folder / "munge.pid", "log-file": self.folder / "munge.log"}
        self._launch("munged", "munged", "--foreground", *(f"--{name}={value}" for name, value in options.items()))
        self.wait((self.folder / "munge.socket").exists, "munge")

    def _launch(self, name: str, *command: str) -> None:
        program = shutil.which(command[0], path=SYSTEM)
        with (self.folder / f"{name}.out").open("ab") as log:
            self.daemons[name] = subprocess.Popen(
                [program, *command[1:]], env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def _end(self, name: str, how: signal.Signals) -> None:
        daemon = self.daemons.pop(name)
        daemon.send_signal(how)
        daemon.wait(timeout=60)

    def _is_step_of(self, process: psutil.Process, node: str) -> bool:
        """Whether this is a step daemon of a node: no child of its slurmd, but it writes to its log."""
        if process.info["name"] != "slurmstepd":
            return False
        try:
            return any(file.path == f"{self.folder}/slurmd-{node}.log" for file in process.open_files())
        except psutil.NoSuchProcess:
            return False


def free_ports(number: int) -> list[int]:
    """Ports that nobody listens on at this moment."""
    sockets = [socket.socket() for _ in range(number)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
