"""The config: what a run is about, and whether it can start."""
