"""The host's end of the serial link, and C headers for other hosts."""
