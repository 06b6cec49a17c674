"""`python -m talante`: the same as `talante`."""

from talante.cli.app import main

if __name__ == "__main__":
    main()
