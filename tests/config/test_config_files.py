"""Which files of a command line are configs, and what is refused of them."""

import sys

import pytest

from tom.config.config_files import FILES, KEYS, check_command_line, check_files, check_keys, given
from tom.core.errors import UserError


@pytest.mark.parametrize(
    ("line", "files"),
    [
        ("snakemake -n", []),
        ("snakemake --configfile a.yaml b.yaml --cores 1", ["a.yaml", "b.yaml"]),
        ("snakemake report --cores 1 --configfiles a.yaml", ["a.yaml"]),
        ("snakemake --configfile=a.yaml --cores 1 --configfile b.yaml", ["a.yaml", "b.yaml"]),
        ("snakemake --config observations=3 --configfile", []),
    ],
)
def test_the_files_of_a_command_line(line, files):
    assert given(line.split(), FILES) == files


def test_a_key_of_a_section_is_refused_with_the_file_that_sets_it():
    words = ["snakemake", "-n", "--config", "observations=3", "training.epochs=5", "--cores", "1"]
    with pytest.raises(UserError, match=r"--config: training\.epochs: .* `training: \{epochs: 5\}`, after"):
        check_keys(given(words, KEYS))
    check_keys(["observations=3", "experiment=v1.5", "plan=results/main/summary.md"])


@pytest.mark.parametrize("content", ["", "# observations: 300", "300", "[observations]"])
def test_a_file_without_keys_is_no_config(tmp_path, content):
    file = tmp_path / "one.yaml"
    file.write_text(content)
    with pytest.raises(UserError, match=r"one\.yaml: not a config \(allowed: keys with values"):
        check_files([str(file)])


def test_a_target_after_the_config_files_is_recognised(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"report: no such config file \(a target stands before --configfile\)"):
        check_files(["report"])


def test_the_projects_own_config_is_looked_at_too(tmp_path, monkeypatch, capsys):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.yaml").write_text("observations: [")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["snakemake", "-n"])
    with pytest.raises(SystemExit):
        check_command_line()
    assert capsys.readouterr().err.startswith("Error: config/config.yaml: not YAML: line 1, column 16: ")


def test_configs_that_can_be_read_pass(root, monkeypatch, capsys):
    monkeypatch.chdir(root)
    monkeypatch.setattr(sys, "argv", ["snakemake", "--configfile", "config/breadth.yaml", "--cores", "2"])
    check_command_line()
    assert capsys.readouterr() == ("", "")
