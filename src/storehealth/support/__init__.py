"""What every room may use: messages, and the small tools that know nothing of stores."""
