"""From a teacher's replies to an adapter."""
