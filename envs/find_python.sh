#!/usr/bin/env bash
# find_python.sh [COMMAND ...]: the path of the first of these commands that is a Python from 3.11 to 3.13 with venv and pip.
# Without a command it tries those of the three versions, 3.11 first: the pins are resolved with it.
# Each is tried by running it, since a name on the PATH may be one of pyenv's, which fails unless its version is chosen.
set -euo pipefail

probe='import ensurepip, sys, venv
if not (3, 11) <= sys.version_info[:2] <= (3, 13):
    sys.exit(1)
print(sys.executable)'

# The versions that pyenv has of a command such as python3.12, the newest first.
pyenv_versions() {
    [[ $1 == python3.* ]] && command -v pyenv >/dev/null || return 0
    pyenv versions --bare | grep -E "^${1#python}(\.|$)" | sort -rV || true
}

commands=("$@")
[ $# -gt 0 ] || commands=(python3.11 python3.12 python3.13 python3 python)
for command in "${commands[@]}"; do
    "$command" -c "$probe" 2>/dev/null && exit
    for version in $(pyenv_versions "$command"); do
        PYENV_VERSION=$version "$command" -c "$probe" 2>/dev/null && exit
    done
done
if [ $# -gt 0 ]; then
    echo "error: $*: no Python from 3.11 to 3.13 with venv and pip" >&2
else
    echo "error: no Python from 3.11 to 3.13 with venv and pip (Debian: apt-get install python3.11-venv; or make PYTHON=path)" >&2
fi
exit 2
