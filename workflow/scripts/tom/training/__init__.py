"""Training a LoRA adapter on the teacher's replies.

In the order of a training (workflow/scripts/train_adapter.py): folds.py leaves cells out, ablations.py degrades the
teacher, examples.py turns replies into training examples (with rationales.py for motivations and uniform_targets.py for
contexts without a teacher), loss_report.py shows what the loss sees, objective.py packs the examples and computes the
loss, trainer.py runs the epochs, and gauss_newton.py takes the steps after them. recipe.py holds the hyperparameters.
"""
