"""One table over everything: filters, search, pages."""
