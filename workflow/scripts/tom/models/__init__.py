"""Models: fetching weights, checking their hashes, quantising, loading, and packed forward passes."""

import logging

# bitsandbytes warns at its first import about a CPU kernel that could be fetched from a hub. The kernel is not wanted
# (language_models.py, _keep_weights_unpacked). The level is set here, before any module can import bitsandbytes.
logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
