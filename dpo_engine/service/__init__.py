"""The engine as a service: requests in, events out, one job after another."""
