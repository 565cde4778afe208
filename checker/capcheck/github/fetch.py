"""Commits that a checkout lacks, from where it came from: the only `git` that uses a network.

Nothing is checked out here, and no reference or configuration is written.
"""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path

from capcheck.git import executable

TIME_LIMIT_S = 120


def fetch(root: Path, commit: str, *, token: str, server_url: str) -> bool:
    """Whether the commit could be fetched from `origin` into the repository at `root`.

    `commit` is a full hash. The token goes to `server_url` only, and through the environment: it
    is in no argument and no file.
    """
    arguments = [
        "fetch",
        "--quiet",
        "--no-tags",
        "--no-recurse-submodules",
        "--no-write-fetch-head",
    ]
    if _is_shallow(root):
        arguments.append("--depth=1")
    done = _git(root, *arguments, "origin", commit, environ=_credentials(token, server_url))
    return done is not None and done.returncode == 0


def _is_shallow(root: Path) -> bool:
    done = _git(root, "rev-parse", "--is-shallow-repository")
    return done is not None and done.stdout.strip() == b"true"


def _credentials(token: str, server_url: str) -> dict[str, str]:
    """As `actions/checkout` passes them; the empty value drops a header that it left behind."""
    if not token or not server_url:
        return {}
    basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    key = f"http.{server_url.rstrip('/')}/.extraheader"
    return {
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": key,
        "GIT_CONFIG_VALUE_0": "",
        "GIT_CONFIG_KEY_1": key,
        "GIT_CONFIG_VALUE_1": f"AUTHORIZATION: basic {basic}",
    }


def _git(
    root: Path, *arguments: str, environ: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes] | None:
    try:
        return subprocess.run(  # noqa: S603
            [executable(), "-C", os.fspath(root), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={**os.environ, "GIT_TERMINAL_PROMPT": "0", **(environ or {})},
            timeout=TIME_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
