"""`python -m schedules`: the same as the command `kabarkota`."""

from schedules.cli import main

if __name__ == "__main__":
    main()
