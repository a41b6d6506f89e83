"""The command line, driven as a person does; a package, so that the tests share `scripted`."""
