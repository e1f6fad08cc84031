"""Other people's WebSockets, installed by name, version and hash into work/."""

import json
import pathlib
import shutil
import subprocess
import sys
import venv

from harness import Skip

WORK = pathlib.Path(__file__).resolve().parents[1] / "work"

WEBSOCKETS = "17.4"
# Of the wheel without compiled parts, which fits every machine.
WEBSOCKETS_HASH = "c6bd2c9781915592b209160d0f017d4c7c82ad53075e6b0c24d2a89299e7f9e9"

WS = "8.23.0"
WS_HASH = "sha512-wCkmX8QMOrKjgO8HW2WyDbTSGeqkocxgDzS9iR79rEAexty6/2qzilx3Ag8Tqf9ykop3irLKle0MtVn5qjVnoQ=="


def websockets():
    """Makes Python's `websockets` importable, from an environment of its own."""
    if sys.version_info < (3, 11):
        raise Skip(f"websockets {WEBSOCKETS} needs Python 3.11")
    home = WORK / f"websockets-{WEBSOCKETS}-{sys.implementation.cache_tag}"
    if not (home / "complete").exists():
        print(f"# installing websockets {WEBSOCKETS}", flush=True)
        pip = [home / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        pin = f"websockets=={WEBSOCKETS} --hash=sha256:{WEBSOCKETS_HASH}\n"
        try:
            venv.create(home, clear=True, with_pip=True)
            (home / "requirements.txt").write_text(pin)
            subprocess.run([*pip, "--no-deps", "--require-hashes", "-r", home / "requirements.txt"], check=True)
        except (subprocess.CalledProcessError, OSError) as error:
            raise Skip(f"websockets {WEBSOCKETS} could not be installed: {error}") from error
        (home / "complete").touch()
    sys.path.insert(0, str(next(home.glob("lib/python*/site-packages"))))


def ws():
    """The folder of Node's `ws`, and the program to run it with."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not (node and npm):
        raise Skip("node or npm not found")
    home = WORK / f"ws-{WS}"
    if not (home / "complete").exists():
        print(f"# installing ws {WS}", flush=True)
        package = {"name": "counterpart", "version": "1.0.0", "private": True, "dependencies": {"ws": WS}}
        locked = {"": package, "node_modules/ws": {"version": WS, "integrity": WS_HASH}}
        lock = {"name": "counterpart", "version": "1.0.0", "lockfileVersion": 3, "requires": True, "packages": locked}
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        (home / "package.json").write_text(json.dumps(package))
        (home / "package-lock.json").write_text(json.dumps(lock))
        try:
            quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"]
            subprocess.run([npm, "ci", *quiet], cwd=home, check=True, stdout=subprocess.DEVNULL)
        except (subprocess.CalledProcessError, OSError) as error:
            raise Skip(f"ws {WS} could not be installed: {error}") from error
        (home / "complete").touch()
    return node, home / "node_modules" / "ws"
