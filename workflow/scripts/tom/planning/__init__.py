"""What a run would do, what it is expected to cost, and what it then cost."""
