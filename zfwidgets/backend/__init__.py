"""What happens inside a network: capture, forward, and back down to pixels. Knows no experiment, widget or file."""
