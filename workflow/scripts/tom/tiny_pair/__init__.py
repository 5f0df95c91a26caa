"""The tiny pair: a teacher and a student small enough to train from scratch."""
