"""Look inside a convolutional network from a notebook: Zeiler & Fergus, live, on any PyTorch CNN."""
