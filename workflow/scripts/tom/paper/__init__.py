"""The paper's published counts and figures (arXiv 2408.05241)."""
