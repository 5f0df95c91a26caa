"""Model folders: fetched, checked by hash, quantised, loaded."""
