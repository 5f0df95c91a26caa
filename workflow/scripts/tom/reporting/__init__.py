"""Reporting: files of tables, the style of figures, and results in words."""
