"""What every package may use: messages, and small helpers that know nothing of stores."""
