"""The command line: one file for each group of commands, options in, library functions called, text out."""
