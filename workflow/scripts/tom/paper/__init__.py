"""The published counts, and what the paper makes of them."""
