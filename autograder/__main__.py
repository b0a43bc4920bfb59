"""`python -m autograder`."""

from .workers import without_grammars

without_grammars()

from .cli import main  # noqa: E402

if __name__ == "__main__":
    main()
