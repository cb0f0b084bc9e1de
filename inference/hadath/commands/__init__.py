"""The subcommands of ``hadath``, a module each."""
