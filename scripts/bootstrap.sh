#!/bin/sh
# Checks what a build needs from the system and makes the virtual environment .venv with locgen in
# it. The first line printed names the package to install where something is missing.
# Usage: scripts/bootstrap.sh [extra], e.g. "dev".
set -eu
cd "$(dirname "$0")/.."

lacking() {
    echo "locgen needs $1: install the package $2 (on Debian or Ubuntu: apt-get install $2)" >&2
    exit 3
}

python=""
for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
[ -n "$python" ] || lacking "Python 3.11 or newer" python3
"$python" -c 'import venv, ensurepip' 2>/dev/null || lacking "Python's venv module" python3-venv
command -v g++ >/dev/null 2>&1 || lacking "a C++ compiler" g++
command -v make >/dev/null 2>&1 || lacking "make" make
command -v perl >/dev/null 2>&1 || lacking "perl" perl

# cocotb loads Python as a shared library into the simulator.
"$python" - <<'EOF' || lacking "Python's shared library" libpython3-dev
import ctypes.util, pathlib, sys, sysconfig
get = sysconfig.get_config_var
names = {get("INSTSONAME"), get("LDLIBRARY"), f"libpython{get('LDVERSION')}.so.1.0"} - {None}
names = {name for name in names if not name.endswith(".a")}
multiarch = f"/usr/lib/{get('MULTIARCH')}"
folders = {get("LIBDIR"), get("LIBPL"), f"{sys.base_prefix}/lib", multiarch} - {None}
found = any((pathlib.Path(folder) / name).exists() for folder in folders for name in names)
sys.exit(not (found or ctypes.util.find_library(f"python{get('LDVERSION')}")))
EOF

stamp=.venv/.installed-$(printf '%s' "${1:-}" | tr -c 'a-z\n' '_')
if [ ! -e "$stamp" ] || [ pyproject.toml -nt "$stamp" ]; then
    [ -x .venv/bin/python ] || "$python" -m venv .venv
    echo "installing locgen and its tools into .venv (a few minutes the first time)" >&2
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -e ".${1:+[$1]}"
    touch "$stamp"
fi
