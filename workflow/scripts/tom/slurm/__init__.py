"""SLURM: what jobs ask for, and jobs that a killed run left."""
