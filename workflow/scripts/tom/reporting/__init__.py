"""Reporting: tables as files, figures' style, and the sentences of the summary."""
