"""Behind the one rule that fetches, no job asks a hub."""


def test_whoever_reads_weights_is_offline(fresh):
    done = fresh.run(
        "all", "collateral", "labels", "controls", "--dry-run", "--printshellcmds", "--workflow-profile", "none"
    )
    commands = [line for line in (done.stdout + done.stderr).splitlines() if " --weights" in line]
    assert {word for line in commands for word in line.split() if word.endswith(".py")} >= {
        f"workflow/scripts/{name}.py" for name in ("convert_model", "sample_shard", "train_adapter", "probe_model")
    }
    assert all("HF_HUB_OFFLINE=1 " in line for line in commands)
