"""Snakemake without the SLURM plugin's pauses: before each job's submission, and longer and longer ones between checks.

They spare a controller that others use as well. Settings shorten neither of them.
"""

import asyncio
import signal
import sys
import time
from types import SimpleNamespace

import snakemake_executor_plugin_slurm as plugin
from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

PAUSE_SECONDS = 0.1


async def pause(executor: RemoteExecutor) -> None:
    """Wait for the next check of the jobs; the limit of checks a second comes on top."""
    await asyncio.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    # A shell lets what it starts in the background ignore interrupts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    plugin.time = SimpleNamespace(**vars(time) | {"sleep": lambda seconds: None})
    RemoteExecutor.sleep = pause
    sys.exit(main())
