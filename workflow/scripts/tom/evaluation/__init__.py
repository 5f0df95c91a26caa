"""Evaluation: tables of how near students are to their teacher."""
