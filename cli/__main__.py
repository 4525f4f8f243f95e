"""`python -m cli` is `detent`, for where the installed command's place is not known."""

from cli.main import main

if __name__ == "__main__":
    main(prog_name="detent")
