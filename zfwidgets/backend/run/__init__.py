"""Running a program: upward, down to the pixels, and on windows only."""
