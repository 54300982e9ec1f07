"""Parts of networks, with no notion of a loss."""
