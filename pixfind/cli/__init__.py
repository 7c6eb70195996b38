"""The command line. One module per command; heavy imports happen inside the commands."""

# What a command ends with that Ctrl-C has ended, as a shell says it.
INTERRUPTED = 130
