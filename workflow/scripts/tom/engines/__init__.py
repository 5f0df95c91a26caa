"""What answers a cell: local models, vLLM, endpoints, and recorded counts."""
