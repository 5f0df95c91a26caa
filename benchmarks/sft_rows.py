"""Supervised fine-tuning by TRL, a row for each observation: what trainings are measured against.

Not run by itself.
"""

import tempfile

from measure import now


def rows_of(examples: list) -> list[dict]:
    """A row for each distinct reply of some examples, as TRL takes them."""
    return [
        {"prompt": example.messages, "completion": [{"role": "assistant", "content": reply.text}]}
        for example in examples
        for reply in example.replies
    ]


def sft_seconds(tokenizer, model, rows: list[dict], batch: int) -> float:
    """Seconds of SFTTrainer.train on rows, its tokenising left out."""
    import torch
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    with tempfile.TemporaryDirectory() as folder:
        settings = SFTConfig(
            output_dir=folder,
            per_device_train_batch_size=batch,
            num_train_epochs=1,
            learning_rate=7e-4,
            completion_only_loss=True,
            save_strategy="no",
            report_to="none",
            logging_strategy="no",
            gradient_checkpointing=False,
            # Autocast, as on our side, where the model computes in bfloat16.
            bf16=model.dtype == torch.bfloat16,
            use_cpu=not torch.cuda.is_available(),
            disable_tqdm=True,
        )
        trainer = SFTTrainer(
            model=model, args=settings, train_dataset=Dataset.from_list(rows), processing_class=tokenizer
        )
        started = now()
        trainer.train()
        return now() - started
