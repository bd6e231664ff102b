-- Tickers whose events cannot be published now, told by the replica that relays their shard, so that every replica knows:
-- their waiting events do not count as the age of the outbox, and new orders of a ticker that waits too long are refused.

alter table relay_leases add column set_aside text[] collate "C" not null default '{}';
