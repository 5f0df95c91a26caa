"""From shards to the tables that judge students against their teacher."""
