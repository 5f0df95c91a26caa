"""The page: a run as one HTML file."""
