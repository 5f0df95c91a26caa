"""Engines: what answers prompts, in this process, in a resident one, or at an endpoint."""
