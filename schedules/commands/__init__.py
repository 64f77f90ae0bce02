"""The commands, one Typer sub-application a module. What they need of the configuration comes by `context`."""
