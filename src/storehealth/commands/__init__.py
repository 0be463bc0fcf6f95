"""What the commands do, as plain functions over the rooms below; ``cli`` turns options into their arguments."""
