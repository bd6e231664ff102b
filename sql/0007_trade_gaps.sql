-- Messages that the trade topic lost before they were read (retention, records deleted by hand): their fills are not in the
-- ledger. Kept until somebody has settled them with the engine's books, and says so once, by name.

create table trade_gaps (
  topic           text        collate "C" not null,
  kafka_partition integer     not null,
  -- The first offset that was not read, and the one that reading went on with.
  first_offset    bigint      not null,
  next_offset     bigint      not null,
  noticed_at      timestamptz not null,
  settled_by      text,
  note            text,
  primary key (topic, kafka_partition, first_offset),
  constraint trade_gaps_offsets check (first_offset >= 0 and next_offset > first_offset),
  constraint trade_gaps_settled check (num_nulls(settled_by, note) in (0, 2)
                                       and length(settled_by) between 1 and 200 and length(note) between 1 and 2000)
);

create trigger trade_gaps_settled_once before update on trade_gaps for each row
  when (old.settled_by is not null
        or (new.topic, new.kafka_partition, new.first_offset, new.next_offset, new.noticed_at)
           is distinct from (old.topic, old.kafka_partition, old.first_offset, old.next_offset, old.noticed_at))
  execute function refuse_change('a gap is evidence: it can be settled, once', 'topic');
create trigger trade_gaps_never_deleted before delete on trade_gaps for each statement
  execute function refuse_change('a gap is evidence');
create trigger trade_gaps_never_truncated before truncate on trade_gaps for each statement
  execute function refuse_change('a gap is evidence');
