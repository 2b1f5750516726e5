-- used_at is when a write came with a token last, by the database's clock; 0 where it is not known. charged is how
-- many bytes of it count towards the quota of its namespace in key_value_usage.
ALTER TABLE cluster_fence ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE cluster_fence ADD COLUMN charged INTEGER NOT NULL DEFAULT 0;
