"""The plan of a run that has not started."""
