-- The order of delivery is that of the event log. What a build without it had confirmed and not delivered has no row
-- there.
DROP INDEX ref_change_journal_state;
DROP INDEX ref_change_journal_order;
ALTER TABLE ref_change_journal DROP COLUMN confirm_order;
UPDATE ref_change_journal SET state = 'delivered', delivered_at = confirmed_at WHERE state = 'confirmed';
CREATE INDEX ref_change_journal_repository ON ref_change_journal (repository_id, id);
CREATE INDEX ref_change_journal_intended ON ref_change_journal (node_id, id) WHERE state = 'intended';
