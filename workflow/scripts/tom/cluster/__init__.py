"""On a SLURM cluster: what jobs ask for, and what a killed run left."""
