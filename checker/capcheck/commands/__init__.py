"""One module a subcommand, each with a `command`; `capcheck.cli.COMMANDS` lists them."""
