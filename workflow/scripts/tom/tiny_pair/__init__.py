"""Two models small enough to train here, for tests of the whole protocol."""
