"""How a script ends: bad input with its message, any other error with one line that says what to mend."""

import errno
import io
import re
import ssl
import subprocess
import sys

import pytest

from tom.core.errors import TRACEBACKS, UserError, run_main
from tom.core.library_errors import explain
from tom.core.terminal import print_anywhere


def raised(error: Exception):
    def main():
        raise error

    return main


def test_bad_input_ends_with_its_message_and_status_2(capsys):
    with pytest.raises(SystemExit) as caught:
        run_main(raised(UserError("config.yaml: games: 'chess' is not allowed")))
    assert caught.value.code == 2
    assert capsys.readouterr().err == "error: config.yaml: games: 'chess' is not allowed\n"


def test_any_other_error_ends_with_one_line_and_its_traceback_in_a_file(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv(TRACEBACKS, str(tmp_path / "tracebacks"))
    error = ValueError("a fault of ours\nand more")
    error.add_note("what another process said")
    with pytest.raises(SystemExit) as caught:
        run_main(raised(error))
    assert caught.value.code == 1
    said = capsys.readouterr().err
    (kept,) = (tmp_path / "tracebacks").iterdir()
    assert (
        said == f"error: ValueError: a fault of ours; nothing here foresaw it: please report it (traceback: {kept})\n"
    )
    text = kept.read_text()
    assert "Traceback (most recent call last)" in text and "in main" in text and "what another process said" in text


@pytest.mark.parametrize("folder", [None, "/dev/null/x"])
def test_without_a_place_for_tracebacks_they_are_printed(capsys, monkeypatch, folder):
    monkeypatch.delenv(TRACEBACKS, raising=False)
    if folder:
        monkeypatch.setenv(TRACEBACKS, folder)
    with pytest.raises(SystemExit):
        run_main(raised(ValueError("x")))
    said = capsys.readouterr().err
    assert said.startswith("Traceback") and said.endswith("please report it (traceback: above)\n")


def test_a_script_that_ends_well_says_how_long_it_took(capsys):
    run_main(lambda: print("done"))
    said = capsys.readouterr()
    assert said.out == "done\n"
    assert re.fullmatch(r"\S+: \d+\.\d s\n", said.err)


class ProxyError(Exception):
    """As HTTP libraries name it."""


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "results/x"), r"results/x: No space .*; free disk space"),
        (PermissionError(errno.EACCES, "Permission denied", "/c"), r"/c: Permission denied; give .*results and cache"),
        (OSError(errno.EROFS, "Read-only file system", "/h/.cache"), r"/h/.cache: Read-only .*XDG_CACHE_HOME"),
        (OSError(errno.EMFILE, "Too many open files"), r"OSError: .*ulimit"),
        (MemoryError(), r"MemoryError: MemoryError; memory ran out: lower training\.tokens_per_pack"),
        (RuntimeError("CUDA out of memory. Tried"), r"RuntimeError: CUDA out .*; memory ran out"),
        (ssl.SSLError("bad certificate"), r"SSLError: .*SSL_CERT_FILE"),
        (ProxyError("no way"), r"ProxyError: no way; check the proxy .*HTTPS_PROXY"),
        (ModuleNotFoundError("No module named 'peft'"), r"ModuleNotFoundError: .*; install what envs/"),
    ],
)  # fmt: skip
def test_an_error_names_what_to_mend_in_one_line(error, line, monkeypatch):
    for name in ("SSL_CERT_FILE", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert re.match(line, explain(error)) and "\n" not in explain(error)


def test_the_cause_of_an_error_counts(monkeypatch):
    monkeypatch.setenv("https_proxy", "http://nowhere:1")
    try:
        try:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
        except OSError as refused:
            raise RuntimeError("Connection error.") from refused
    except RuntimeError as error:
        assert explain(error) == (
            "RuntimeError: Connection error.; check the proxy of this machine (https_proxy; NO_PROXY leaves hosts out)"
        )


def test_certificates_that_are_missing_are_named(monkeypatch, tmp_path):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificates.pem"))
    said = explain(FileNotFoundError(errno.ENOENT, "No such file or directory"))
    assert f"SSL_CERT_FILE: {tmp_path}/certificates.pem is not there" in said


def test_a_terminal_that_knows_ascii_alone_shows_every_text(monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii", write_through=True))
    print_anywhere()
    print("−0.3 → 2 × 5, “é”, 日, 5², \udce9")
    assert written.getvalue().decode() == '-0.3 -> 2 x 5, "e", ?, 5?, ?\n'


def test_a_script_is_read_on_such_a_terminal(root):
    program = (
        "from tom.core.errors import UserError, run_main\ndef main(): raise UserError('10 × 2 — é')\nrun_main(main)"
    )
    environment = {"PYTHONPATH": str(root / "workflow" / "scripts"), "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True)
    assert (done.returncode, done.stderr) == (2, b"error: 10 x 2 - e\n")
