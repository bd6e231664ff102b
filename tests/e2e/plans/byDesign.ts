// Statements that look at more rows than they give, on purpose.

/** How a statement is known, why it is so, and at how many rows of a table it may look. */
export const byDesign = [
  {
    clause: 'with page as materialized ( select * from (select * from ((select o.id, o.user_id',
    why: 'a page of a list looks at 10,000 rows of each range for filters that no index carries, once for the page and once for its end',
    looksMax: 40_000,
  },
  {
    clause: 'with page as materialized ( select o.id, o.place from (select * from (',
    why: 'so does a page of what a mass cancel means',
    looksMax: 40_000,
  },
  {
    clause: 'm.bounded, e.*',
    why: 'a read of the log with a filter looks at 20,000 rows of each table, and at the orders of these',
    looksMax: 70_000,
  },
  {
    clause: ') d order by d.position limit',
    why: 'a page of a chunk of the log sorts what lies before its end',
    looksMax: 70_000,
  },
  {
    clause: 'as shard from outbox where position >',
    why: 'the relay passes over the events of tickers that are under way or set aside: it reads from a floor, because a lower position may come later',
    looksMax: 10_000,
  },
  {
    clause: 'with aside as materialized',
    why: 'the outbox is counted up to OUTBOX_MAX_ROWS',
    looksMax: Infinity,
  },
  {
    clause: 'select count(*)::integer as open from (select id from',
    why: 'the newest 10,000 exceptions are counted',
    looksMax: 10_000,
  },
  {
    clause: 'from exceptions e left join exception_resolutions r',
    why: 'a person looks for an exception by what no index carries; exceptions are few',
    looksMax: Infinity,
  },
  {
    clause: 'as stage, count(*)::integer as orders',
    why: 'endings are counted by stage, each 5 s at most; their rows are gone with the orders',
    looksMax: Infinity,
  },
  {
    clause: 'as is_waiting, clock_timestamp() as now from orders o where o.id >',
    why: '`orders expire` walks over all orders, page by page, in a session without a time-out',
    looksMax: Infinity,
  },
] as const
