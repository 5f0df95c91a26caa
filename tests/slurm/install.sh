#!/usr/bin/env bash
# What the tests' cluster needs, from Debian's packages. Elsewhere, or without root, the tests say what is missing.
set -euo pipefail
PATH="$PATH:/usr/sbin:/sbin"
for program in munged slurmctld slurmd squeue; do
    command -v "$program" > /dev/null || missing=1
done
if [ -n "${missing:-}" ] && [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends slurmctld slurmd slurm-client munge
fi
