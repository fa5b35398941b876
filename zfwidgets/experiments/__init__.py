"""One file per section of the paper: a network and images in, one frozen result out. Knows no widget."""
