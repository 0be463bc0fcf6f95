"""Shows nothing yet: commands are found by scanning this package."""


def main() -> None:
    """Run the command line."""
