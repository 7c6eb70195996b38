"""Has anything that is installed here a known vulnerability? pip-audit, where it can find out.

It asks PyPI's advisories, and OSV's if those answer nothing. Where neither can be reached, this
says so in one line and ends well: a mirror of a registry seldom has advisories, and pip-audit
would end as well, as if it had looked. A finding makes this fail.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence

SERVICES = ("pypi", "osv")
TIMEOUT_S = 180


def main() -> None:
    """Audit the environment of this Python; arguments are further options of pip-audit's."""
    why = ""
    for service in SERVICES:
        report, why = audited(service, sys.argv[1:])
        status, text = verdict(report)
        if status is not None:
            print(text)
            sys.exit(status)
        why = text or why
    print(f"nothing was audited: no advisory service can be reached from here ({why})")


def audited(service: str, options: Sequence[str]) -> tuple[str, str]:
    """Return what pip-audit reports as JSON, and the last line of what it complains about."""
    command = [sys.executable, "-m", "pip_audit", "--format=json", "--progress-spinner=off"]
    command += ["--skip-editable", f"--vulnerability-service={service}", *options]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return "", f"no answer within {TIMEOUT_S} s"
    return done.stdout, (done.stderr.strip().splitlines() or ["no reason given"])[-1][:90]


def verdict(report: str) -> tuple[int | None, str]:
    """Return the exit status and a text; no status where nothing was looked up.

    Args:
        report: pip-audit's, in JSON; anything else counts as none.
    """
    try:
        packages = list(json.loads(report)["dependencies"])
    except (ValueError, KeyError, TypeError):
        return None, ""
    looked_up = [package for package in packages if "skip_reason" not in package]
    found = [
        f"{package['name']} {package['version']}: {finding['id']}, mended in "
        f"{', '.join(finding['fix_versions']) or 'no version yet'}"
        for package in looked_up
        for finding in package["vulns"]
    ]
    if found:
        return 1, "\n".join(found)
    if not looked_up:
        return None, f"none of {len(packages)} packages is known there"
    left = len(packages) - len(looked_up)
    unknown = f"; {left} are not known there" if left else ""
    return 0, f"{len(looked_up)} packages have no known vulnerability{unknown}"


if __name__ == "__main__":
    main()
