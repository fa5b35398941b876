"""From a PyTorch module to a program."""
