"""What each subcommand of `wimose` does, once its arguments are parsed."""
