"""python -m graft: the command line where no script `graft` is on the path."""

from graft.cli import main

if __name__ == "__main__":
    main()
