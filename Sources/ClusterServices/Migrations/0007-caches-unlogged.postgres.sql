-- Caches go with the commits that a crash or a failover loses: the server empties unlogged tables then. What was
-- left otherwise could be older than a change of which its maker was told that it was made.
ALTER TABLE cache_region SET UNLOGGED;
ALTER TABLE cache_entry SET UNLOGGED;
