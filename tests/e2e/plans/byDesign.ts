// Statements that look at more rows than they give, on purpose.

import type { Allowance } from '../../support/autoExplain.ts'

/** How a statement is known, and why it may do so much. */
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
    clause: 'exception_resolutions r on r.exception_id = e.id where',
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
  {
    clause: 'select from orders o where o.stop_price is not null and o.triggered_at is null and o.open limit',
    why: 'waiting stops are counted, up to a limit',
    looksMax: Infinity,
  },
  {
    clause: 'with gone as materialized ( select e.order_id from order_endings',
    why: 'endings whose cancellation has not left the outbox yet are passed over, each by a look: as many as have been told of and wait',
    looksMax: 10_000,
  },
  {
    clause: 'with trade as materialized',
    why: 'each trade of a batch takes the first stops that it may trigger, though one before it may trigger the same',
    looksMax: 25_000,
  },
  {
    clause: 'with move as materialized (select * from unnest(',
    why: 'the orders of a batch, at most 500, are found again among those that it holds',
    comparedMax: 250_000,
  },
] as const satisfies readonly (Allowance & { clause: string; why: string })[]
