"""Model folders: fetched, checked by hash, quantised, loaded."""

import logging

# Set here because bitsandbytes warns at its first import, whichever module causes it: about a CPU kernel that it would
# fetch from a hub, and that is not wanted (language_models.py, _keep_weights_unpacked).
logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
