// The rules of a take-over as one chain of common table expressions over a chunk of Java's orders. The dry run and the copy are the same chain
// with other ends, so that what the first says is what the second does. Three tables of it are kept, each once: what is copied from one table to the
// next is most of the work. The columns by which their rows are chosen stand first in each, because a row is read up to the last column that is asked for.
//
// `leg`: what Java's ledger has of each order, in topic order, with the amounts that a source knows, and whether it moved the order (the others
// Java read and swallowed). `verdict`: the orders of the chunk, why one cannot be carried over, if so, and what its topic lacks. `fill`: the rows of
// our ledger.

import type { AdoptOptions } from './options.ts'

/** Java rounds each fill to six digits. */
const rounding = '0.000001'

/**
 * Every leg of Java's ledger, with the amounts that a source knows and the place of its order in Java's table (null: there is no such order), as a
 * table in the order of the places: a chunk reads its part of it. It is made by joins of whole tables, which cost a third of finding each leg by
 * its key. The topic has digits that the transaction processor rounds away: it is asked first. What a leg needs of its order is beside it.
 */
export const legsText = (schema: string): string => `
  create temporary table adopt_legs on commit drop as
  select distinct on (o.ctid, f.order_id, f.trade_id)
         o.ctid as place, f.order_id, f.trade_id, f.ticker as leg_ticker, coalesce(s.ts, f.ts) as ts, s.quantity, s.price, s.source, s.kafka_partition, s.kafka_offset,
         f.ts as java_ts, o.filled_quantity as filled, o.quantity as ordered, o.last_fill_price, o.version as java_version
  from ${schema}.ingested_fills f
  left join ${schema}.orders o on o.id = f.order_id
  left join adopt_sources s on s.order_id = f.order_id and s.trade_id = f.trade_id
  order by o.ctid, f.order_id, f.trade_id, s.kafka_partition nulls last, s.kafka_offset;
  create index on adopt_legs (place);
  analyze adopt_legs;`

/** The first block of the chunk and that after the last: two `%s` of a format. */
const inChunk = (place: string): string => `${place} >= '(%s,0)'::tid and ${place} < '(%s,0)'::tid`

/**
 * `n`: its place among those of its order. `applied`: how many legs moved the order: all, if they add up to what is filled; else the first as many as
 * Java counted versions. `took`: null of a leg that did not; the last one carries what is left: clamps and roundings of Java, or a leg that no source has.
 */
const legCte = `
  leg as materialized (
    select l.n, y.applied, l.n = y.applied as last, l.place, l.order_id, l.trade_id, l.ts, l.legs, x.all_add_up, l.filled = l.ordered as complete,
           l.quantity, l.price, l.source, l.kafka_partition, l.kafka_offset, l.leg_ticker,
           case when l.n < y.applied then l.quantity when l.n = y.applied then l.filled - coalesce(l.so_far, 0) + coalesce(l.quantity, 0) end as took,
           case when l.n < y.applied then l.price when l.n = y.applied then coalesce(l.price, l.last_fill_price) end as took_price
    from (
      select l.*, row_number() over in_order as n, sum(l.quantity) over in_order as so_far,
             count(*) over of_order as legs, count(l.quantity) over of_order as known, sum(l.quantity) over of_order as total
      from adopt_legs l
      where ${inChunk('l.place')}
      window in_order as (partition by l.place order by l.kafka_partition nulls first, l.kafka_offset nulls first, l.java_ts, l.trade_id rows unbounded preceding),
             of_order as (partition by l.place)) l
    cross join lateral (select l.known = l.legs and (l.total = l.filled or abs(l.total - l.filled) <= ${rounding} * l.legs) as all_add_up) x
    cross join lateral (
      select case when l.filled = 0 then 0 when x.all_add_up then l.legs when l.java_version between 1 and l.legs then l.java_version else l.legs end as applied) y)`

/** The legs of each order, in one row. */
const summedCte = `
  summed as (
    select place, max(legs) as legs, max(applied) as applied, bool_and(all_add_up) as all_add_up,
           count(*) filter (where n < applied and (quantity is null or price is null)) as unknown, min(took) as least, min(took_price) as least_price,
           sum(quantity) filter (where n <= applied and price is not null) as known_total, min(ts) filter (where n <= applied) as first_at,
           bool_and(not last or quantity is null or abs(took - quantity) <= ${rounding} * applied or (complete and took < quantity)) filter (where n <= applied) as add_up
    from leg group by place)`

const stateOf = (decided: string, { publishUndecided, olderThanMs }: AdoptOptions, old: string): string => {
  const canceled =
    olderThanMs === null ? '' : `when o.created_at < now() - ${olderThanMs} * interval '1 millisecond' then '${old}'`
  return `case when ${decided} then 'PUBLISHED' ${canceled} ${publishUndecided ? `else 'PUBLISHED'` : `else 'UNDECIDED'`} end`
}

/** Subqueries with `offset 0` are computed once for each row, however often their columns are used. `opening`: an opening row stands for legs of unknown amounts. */
const judgedText = (schema: string, { openingBalances }: Pick<AdoptOptions, 'openingBalances'>): string => `
      select o.*, o.filled - coalesce(o.known_total, 0) as opened,
             case when o.ticker !~ '^[A-Z0-9.-]{1,16}$' then 'ticker with other characters'
                  when o.side not in ('BUY', 'SELL') or o.type not in ('LIMIT', 'MARKET') or o.time_in_force not in ('GTC', 'IOC', 'FOK', 'DAY')
                    then 'unknown side, type or time in force'
                  when not o.quantity > 0 then 'quantity that is not above 0'
                  when case o.type when 'LIMIT' then o.price is null or o.price <= 0 else o.price is not null end then 'price that its type does not allow'
                  when o.filled is null or o.filled < 0 or o.filled > o.quantity then 'filled quantity out of range'
                  when not case o.was when 'NEW' then o.filled = 0 when 'PARTIALLY_FILLED' then o.filled > 0 when 'FILLED' then o.filled = o.quantity
                                      when 'CANCELED' then true when 'EXPIRED' then true when 'REJECTED' then o.filled = 0 else false end
                    then 'status that does not agree with its fills'
                  when o.filled > 0 and (o.last_fill_price is null or o.last_fill_price <= 0) then 'fills without a price'
                  when o.opening and not ${openingBalances} then 'amounts of its legs are in no source'
                  when o.opening and o.filled - coalesce(o.known_total, 0) <= 0 then 'legs that do not add up'
                  when o.filled > 0 and not o.opening and not coalesce(o.least > 0 and o.least_price > 0 and o.add_up, false) then 'legs that do not add up'
             end as why
      from (
        select j.ctid as place, j.id, j.user_id, j.ticker, j.side, j.type, j.time_in_force, j.quantity, j.price, j.filled_quantity as filled, j.last_fill_price,
               j.created_at, greatest(j.updated_at, j.created_at) as changed_at, x.was, s.known_total, s.least, s.least_price, s.add_up,
               coalesce(s.first_at, j.created_at) as first_at,
               j.filled_quantity > 0 and (
                 coalesce(s.applied, 0) = 0 or coalesce(s.unknown, 0) > 0
                 -- Java counted more of them than its ledger has.
                 or (j.version > coalesce(s.legs, 0) and x.was <> 'CANCELED' and not coalesce(s.all_add_up, false))) as opening,
               -- A scalar subquery looks for those alone that are asked for.
               case x.was
                 when 'NEW' then (select true from adopt_published p where p.order_id = j.id and p.kind = 'PLACED' limit 1)
                 when 'CANCELED' then (select true from adopt_published p where p.order_id = j.id and p.kind = 'CANCELLED' limit 1)
               end as published
        from ${schema}.orders j
        left join summed s on s.place = j.ctid
        cross join lateral (select case when j.status = 'PARTIALLY_FILLED' and j.filled_quantity = j.quantity then 'FILLED' else j.status end as was) x
        where ${inChunk('j.ctid')}
        offset 0) o
      offset 0`

/** `lacks`: the kind of the event that Java did not publish. `ended_here`, `status` and `updated_at`: as they will be; `ends`: 1 if its last change is no fill. */
const verdictCte = (schema: string, options: AdoptOptions): string => `
  verdict as materialized (
    select o.why, o.lacks, o.opening, case when x.ended_here or o.was in ('CANCELED', 'EXPIRED', 'REJECTED') then 1 else 0 end as ends, o.place, o.id, o.created_at,
           case when x.ended_here then now() else o.changed_at end as updated_at, o.side, o.ticker, x.ended_here, o.state,
           case when x.ended_here then 'CANCELED' else o.was end as status, o.user_id, o.type, o.time_in_force, o.quantity, o.price, o.filled, o.last_fill_price,
           o.first_at, o.opened
    from (
      select o.*, a.lacks,
             case a.lacks when 'PLACED' then ${stateOf('o.created_at >= t.placed_since', options, 'CANCELED')}
                          when 'CANCELLED' then ${stateOf('o.created_at >= t.cancelled_since', options, 'PUBLISHED')} end as state
      from (${judgedText(schema, options)}) o
      left join adopt_tickers t on t.ticker = o.ticker
      cross join lateral (
        select case when o.why is null and o.published is null and t.ticker is not null
                    then case o.was when 'NEW' then 'PLACED' when 'CANCELED' then 'CANCELLED' end end as lacks) a) o
    cross join lateral (select coalesce(o.lacks = 'PLACED' and o.state = 'CANCELED', false) as ended_here) x),
  carried as not materialized (select * from verdict where why is null),
  refusal as materialized (select id, why from verdict where why is not null),
  absent as materialized (select id as order_id, lacks as kind, state, ended_here from verdict where lacks is not null),
  event as (
    select order_id, kind, state from absent
    union all
    select order_id, 'CANCELLED', 'PUBLISHED' from absent where ended_here)`

/** The last leg of a complete order, of which Java took a part. */
const clampedCte = `
  clamped as materialized (
    select m.*, o.side, o.ticker from leg m join carried o on o.place = m.place
    where m.last and m.took < m.quantity - ${rounding} * m.applied and not o.opening)`

const swallowedCte = ({ swallowed }: Pick<AdoptOptions, 'swallowed'>): string => `
  swallowed as materialized (
    select l.*, o.side, o.ticker, o.created_at, o.updated_at, o.ends, o.status, case
             when l.quantity is null or l.price is null or l.quantity <= 0 or l.price <= 0 then 'amounts in no source'
             when ${swallowed === 'late'} and o.status in ('CANCELED', 'EXPIRED')
                  and o.filled + sum(l.quantity) over (partition by l.place order by l.n) <= o.quantity then 'late fill'
             else 'exception' end as became
    from leg l join carried o on o.place = l.place
    where l.n > l.applied)`

/**
 * The ledger to be. `n` of an opening row is 0. `nth`: its place among the fills of its order. `next_late`: whether the one behind it is late; null:
 * it is the newest.
 */
const fillCte = `
  ledger as (
    select o.place, o.id as order_id, o.side, o.ticker, o.created_at, o.updated_at, o.ends, m.trade_id::text as trade_id, m.ts,
           case when o.opening then m.quantity else m.took end as quantity, case when o.opening then m.price else m.took_price end as price,
           coalesce(m.source, 'the order itself') as source, m.kafka_partition, m.kafka_offset, m.n, false as late
    from leg m join carried o on o.place = m.place
    where m.n <= m.applied and (not o.opening or (m.quantity is not null and m.price is not null))
    union all
    select o.place, o.id, o.side, o.ticker, o.created_at, o.updated_at, o.ends, 'java:opening', o.first_at, o.opened, o.last_fill_price, 'opening balance', null, null, 0, false
    from carried o where o.opening
    union all
    select s.place, s.order_id, s.side, s.ticker, s.created_at, s.updated_at, s.ends, s.trade_id::text, s.ts, s.quantity, s.price, s.source, s.kafka_partition, s.kafka_offset, s.n, true
    from swallowed s where s.became = 'late fill'),
  fill as materialized (
    select lead(l.late) over in_order as next_late, row_number() over in_order as nth, l.*, row_number() over in_order + case when l.late then 1 else 0 end as version,
           sum(l.quantity) over in_order as cumulative_quantity, sum(l.quantity * l.price) over in_order as cumulative_notional
    from ledger l
    window in_order as (partition by l.place order by l.late, l.n))`

/** All of the chain, for a format with the two ends of the chunk. */
export const judgement = (schema: string, options: AdoptOptions): string =>
  [legCte, summedCte, verdictCte(schema, options), clampedCte, swallowedCte(options), fillCte].join(',')
