"""``python -m rungwise``."""

from rungwise.cli.main import main

if __name__ == "__main__":
    main()
