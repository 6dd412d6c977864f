"""``python -m rungwise``."""

from rungwise.cli.app import main

if __name__ == "__main__":
    main()
