"""SLURM: resource requests of jobs, and orphaned jobs of killed runs."""
