"""Training: from the teacher's replies to a LoRA adapter."""
