"""The paper's whole protocol, motivations included, on the tiny pair, vLLM answering for teacher and students."""

from pair_run import check_protocol, run_pair

ON_VLLM = """
teacher: {engine: vllm, vllm: {memory_share: 0.3}}
student: {engine: vllm, precision: float32, vllm: {memory_share: 0.3}}
"""


def test_the_student_learns_choices_and_motivations(tmp_path, tiny_folder):
    (tmp_path / "vllm.yaml").write_text(ON_VLLM)
    # The figures are drawn from tables, whichever engine answered.
    summary = "results/tiny-pair/summary.md"
    project, said = run_pair(tmp_path / "project", tiny_folder, str(tmp_path / "vllm.yaml"), target=summary)
    check_protocol(project, "vllm", said)
