"""The root of all commands, and what becomes of errors: a message and an exit code, never a traceback.

0 ok, 1 failed, 2 usage, 3 bad data, 4 missing extra, 130 stopped by Ctrl-C. `VOXGEN_DEBUG=1` shows
tracebacks.
"""

from __future__ import annotations

import errno
import os
import sys
import warnings
from typing import Any, ClassVar

import rich_click as click
from click.exceptions import Abort, ClickException, Exit

from voxgen.errors import VoxgenError

from . import say
from .lazy import LazyGroup

STOPPED = 130


class Root(LazyGroup):
    """The commands of voxgen."""

    lazy: ClassVar = {
        "data": "data",
        "train": "train",
        "sample": "sample",
        "reconstruct": "reconstruct",
        "interpolate": "interpolate",
        "attributes": "attributes",
        "upscale": "upscale",
        "brief": "brief",
        "edit": "edit",
        "vary": "vary",
        "complete": "complete",
        "evaluate": "evaluate",
        "compare": "compare",
        "score": "score",
        "originality": "originality",
        "voxelize": "voxelize",
        "export": "export",
        "draw": "draw",
        "runs": "runs",
        "doctor": "doctor",
        "completion": "completion",
    }

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; errors end it with a message."""
        debug = bool(os.environ.get("VOXGEN_DEBUG"))
        with warnings.catch_warnings():
            if not debug:
                # Libraries warn their own developers; what users need to know, voxgen says.
                warnings.simplefilter("ignore")
            try:
                return super().invoke(ctx)
            except (ClickException, Exit, Abort):
                raise
            except KeyboardInterrupt as stop:
                # A command that has more to say of it raises it again with that.
                say.note(f"\n{str(stop) or 'stopped'}")
                ctx.exit(STOPPED)
            except Exception as failure:
                if debug:
                    raise
                ctx.exit(_explain(failure))


@click.group(cls=Root, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="voxgen", message="%(prog)s %(version)s")
def cli() -> None:
    """Learn from a folder of building models, generate new ones.

    \b
    voxgen train                                 on the embedded buildings
    voxgen sample vae-massing -n 16 -o out/      new buildings as OBJ and STL
    voxgen draw vae-massing -n 4                 plans and elevations as SVG and DXF
    voxgen data build FOLDER -o houses           a data set of your own
    voxgen train --data houses

    Every command has --help. Results go to stdout, messages to stderr.
    """  # noqa: D301 (\b keeps the lines above apart in the help)


def _explain(failure: Exception) -> int:
    """Say what went wrong; gives the exit code."""
    if isinstance(failure, VoxgenError):
        say.error(str(failure))
        return failure.exit_code
    if isinstance(failure, OSError) and failure.errno == errno.EPIPE:
        # The reader of stdout has gone, as `head` does; without this the interpreter complains at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    if isinstance(failure, ModuleNotFoundError):
        say.error(f"{failure.name} is not installed; run: pip install {_package(failure.name or '')}")
        return 4
    if isinstance(failure, MemoryError):
        say.error("out of memory; ask for fewer at once, a lower resolution, or a smaller batch size")
        return 1
    if isinstance(failure, OSError):
        say.error(f"{failure.strerror or failure}: {failure.filename or 'no file named'}")
        return 1
    say.error(
        f"unexpected {type(failure).__name__}: {failure}\n"
        "This is a fault of voxgen's; please report it with what VOXGEN_DEBUG=1 and the same command show."
    )
    return 1


def _package(module: str) -> str:
    top = module.partition(".")[0]
    names = {
        "tensorboard": "'voxgen[tensorboard]'",
        "lightning_fabric": "lightning-fabric",
        "PIL": "pillow",
        "collada": "pycollada",
    }
    return names.get(top, top)
