"""Several processes that train one policy: finding each other, sharing work, ending together."""
