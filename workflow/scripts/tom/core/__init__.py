"""What every part rests on: errors, whole files, YAML files, random streams, and the hash of a script's code."""
