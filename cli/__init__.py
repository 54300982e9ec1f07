"""The command line: one module per command, each parse -> config -> one call of the library -> report.

Results go to stdout, as text or with `--json` as one JSON object; everything else goes to stderr. Command
modules import the library inside their functions, so that help is instant.
"""

from __future__ import annotations

from .root import cli

__all__ = ["cli", "main"]


def main() -> None:
    """Run the command line and leave with its exit code."""
    cli.main(prog_name="voxgen")
