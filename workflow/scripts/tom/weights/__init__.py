"""Model folders: fetched, checked by hash, quantised, loaded."""

import logging

# Here, since it warns once, whoever imports it first: on a CPU of a kernel that would be fetched from a hub, and none
# is wanted (language_models.py, _keep_weights_unpacked).
logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
