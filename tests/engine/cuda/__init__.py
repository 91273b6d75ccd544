"""What only a GPU of NVIDIA's can show. Skipped where there is none."""

DEVICE = "cuda"
