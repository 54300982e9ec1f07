"""`voxgen completion`: the script with which a shell completes commands, options and names of runs."""

from __future__ import annotations

import rich_click as click
from click.shell_completion import get_completion_class

from . import say

WHERE = {
    "bash": 'eval "$(voxgen completion bash)"     in ~/.bashrc',
    "zsh": 'eval "$(voxgen completion zsh)"      in ~/.zshrc',
    "fish": "voxgen completion fish | source      in ~/.config/fish/config.fish",
}


@click.command("completion", short_help="Print the completion script of a shell.")
@click.argument("shell", type=click.Choice(tuple(WHERE)))
def command(shell: str) -> None:
    """Print the completion script of a shell."""
    from .root import cli

    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"this click knows no completion for {shell}")
    completion = found(cli, {}, "voxgen", "_VOXGEN_COMPLETE")
    # Not source(), which for bash starts a bash to ask its version, where there may be none.
    click.echo(completion.source_template % completion.source_vars())
    say.hint(WHERE[shell])
