"""A captured network as data: windows, operations, steps, layers, the program, and the cones in it."""
