"""Tables, figures and sentences that people read."""
