"""Statistics: intervals, tests and resampling, each with its source."""
