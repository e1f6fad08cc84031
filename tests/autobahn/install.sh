#!/usr/bin/env bash
# Installs the Autobahn test suite, once, at the versions and hashes of
# requirements.txt:
#
#   install.sh FOLDER
#
# The suite runs on CPython 2.7 only; that is looked for in $PYTHON27, on PATH
# and among pyenv's versions. The last line on standard output is the path of
# the Python to run the suite with.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

die() { echo "install.sh: $*" >&2; exit 1; }

# Prints the path of the first candidate that will do.
find_python27() {
  local candidates=("${PYTHON27:-}") candidate
  if [ -z "${PYTHON27:-}" ]; then
    candidates=(python2.7 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/2.7*/bin/python2.7)
  fi
  for candidate in "${candidates[@]}"; do
    "$candidate" - 2>/dev/null <<'PYTHON' | grep . && return
import os, platform, ssl, sys, sysconfig, zlib
assert sys.version_info[:2] == (2, 7) and platform.python_implementation() == "CPython"
assert os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h"))
print(sys.executable)
PYTHON
  done
  die "no CPython 2.7 with ssl, zlib and its C headers (tried: ${candidates[*]}); 'pyenv install 2.7.18' makes one"
}

[ $# -eq 1 ] || die "usage: install.sh FOLDER"
mkdir -p "$1"
home=$(cd "$1" && pwd)
unset PYTHONHOME PYTHONPATH PIP_USER PIP_TARGET PIP_PREFIX PIP_REQUIRE_VIRTUALENV
export PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONWARNINGS=ignore

python27=$(find_python27)
# Other pins or another Python go to another folder.
key=$({ echo "$python27"; cat "$here/install.sh" "$here/requirements.txt"; } | sha256sum | cut -c1-12)
venv=$home/suite-$key

exec 9>"$home/install.lock"
flock 9 # one installs, others wait for it
if [ ! -e "$venv/complete" ]; then
  echo "installing the Autobahn test suite into $venv" >&2
  rm -rf "$venv"
  mkdir "$venv"
  "$python27" -m pip install -q --no-deps --require-hashes --target "$venv/bootstrap" -r /dev/stdin >&2 <<'PIN'
virtualenv==16.7.12 --hash=sha256:9180ce4102c388073bac71ecd041f7f31f9ef8c528edb205d75ae6144d08106e
PIN
  # pip, setuptools and wheel are those that virtualenv carries, and no build is
  # isolated: nothing that is not pinned gets fetched.
  "$python27" "$venv/bootstrap/virtualenv.py" -q --no-download "$venv" >&2
  "$venv/bin/python" -m pip install -q --no-deps --no-build-isolation --require-hashes \
    -r "$here/requirements.txt" >&2
  "$venv/bin/python" -m pip check >&2
  touch "$venv/complete"
fi
echo "$venv/bin/python"
