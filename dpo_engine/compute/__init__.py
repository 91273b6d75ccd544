"""The machine: device, precision, threads, randomness, and what a process holds of memory."""
