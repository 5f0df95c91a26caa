"""Sampling: from one (model, game, context) to its shard."""
