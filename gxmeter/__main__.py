"""``python -m gxmeter``."""

from gxmeter.cli.app import main

if __name__ == "__main__":
    main()
