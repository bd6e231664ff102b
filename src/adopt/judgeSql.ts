// The rules of a take-over as one chain of common table expressions over a chunk of Java's orders. The dry run and the copy are the same chain
// with other ends, so that what the first says is what the second does.
//
// `taken`: the orders of the chunk. `leg`: what Java's ledger has of each, in topic order, with the amounts that a source knows. `folded`: how
// many of the legs moved the order (the others Java read and swallowed). `verdict`: why an order cannot be carried over, if so. `fill`: the rows
// of our ledger. `event`: what its topic lacks.

import type { AdoptOptions } from './options.ts'

/** Java rounds each fill to six digits. */
const rounding = '0.000001'

/** `from` and `to` are the first block of the chunk and that after the last: `%s` of a format. */
const takenCte = (schema: string): string => `
  taken as materialized (
    select j.id, j.user_id, j.ticker, j.side, j.type, j.time_in_force, j.quantity, j.price, j.version as java_version, j.filled_quantity as filled,
           j.last_fill_price, j.created_at, greatest(j.updated_at, j.created_at) as updated_at, p.found as placed, c.found as cancelled,
           case when j.status = 'PARTIALLY_FILLED' and j.filled_quantity = j.quantity then 'FILLED' else j.status end as status
    from ${schema}.orders j
    left join lateral (select true as found from adopt_published p where j.status = 'NEW' and p.order_id = j.id and p.kind = 'PLACED' limit 1) p on true
    left join lateral (select true as found from adopt_published p where j.status = 'CANCELED' and p.order_id = j.id and p.kind = 'CANCELLED' limit 1) c on true
    where j.ctid >= '(%s,0)'::tid and j.ctid < '(%s,0)'::tid)`

/**
 * Every leg of Java's ledger, with the amounts that a source knows and the place of its order in Java's table (null: there is no such order), as a
 * table in the order of the places: a chunk reads its part of it. It is made by joins of whole tables, which cost a third of finding each leg by
 * its key. The topic has digits that the transaction processor rounds away: it is asked first.
 */
export const legsText = (schema: string): string => `
  create temporary table adopt_legs on commit drop as
  select distinct on (o.ctid, f.order_id, f.trade_id)
         o.ctid as place, f.order_id, f.trade_id, f.ticker as leg_ticker, coalesce(s.ts, f.ts) as ts, s.quantity, s.price, s.source, s.kafka_partition, s.kafka_offset,
         f.ts as java_ts
  from ${schema}.ingested_fills f
  left join ${schema}.orders o on o.id = f.order_id
  left join adopt_sources s on s.order_id = f.order_id and s.trade_id = f.trade_id
  order by o.ctid, f.order_id, f.trade_id, s.kafka_partition nulls last, s.kafka_offset;
  create index on adopt_legs (place);
  analyze adopt_legs;`

const legCte = `
  leg as materialized (
    select l.*, row_number() over in_order as n, sum(l.quantity) over (in_order rows between unbounded preceding and 1 preceding) as earlier
    from adopt_legs l
    where l.place >= '(%s,0)'::tid and l.place < '(%s,0)'::tid
    window in_order as (partition by l.place order by l.kafka_partition nulls first, l.kafka_offset nulls first, l.java_ts, l.trade_id))`

/**
 * `applied`: the legs that moved the order. All, if they add up to what is filled; else the first as many as Java counted versions. `short`:
 * Java counted more of them than its ledger has.
 */
const foldedCte = `
  folded as materialized (
    select o.*, coalesce(t.legs, 0) as legs, x.all_add_up,
           case when o.filled = 0 then 0 when x.all_add_up then t.legs when o.java_version between 1 and t.legs then o.java_version else coalesce(t.legs, 0) end as applied,
           o.java_version > coalesce(t.legs, 0) and o.status <> 'CANCELED' and not x.all_add_up as short
    from taken o
    left join (select order_id, count(*) as legs, count(quantity) as known, sum(quantity) as total from leg group by order_id) t on t.order_id = o.id
    cross join lateral (
      select coalesce(t.known = t.legs and abs(t.total - o.filled) <= ${rounding} * t.legs, false) as all_add_up) x)`

/** The last leg carries what is left: clamps and roundings of Java, or a leg that no source has. */
const movedCte = `
  moved as materialized (
    select l.*, o.applied, l.n = o.applied as last,
           case when l.n < o.applied then l.quantity else o.filled - coalesce(l.earlier, 0) end as took,
           case when l.n = o.applied then coalesce(l.price, o.last_fill_price) else l.price end as took_price,
           o.filled = o.quantity as complete
    from leg l join folded o on o.id = l.order_id
    where l.n <= o.applied)`

const summedCte = `
  summed as materialized (
    select order_id, count(*) filter (where not last and (quantity is null or price is null)) as unknown, min(took) as least, min(took_price) as least_price,
           sum(quantity) filter (where price is not null) as known_total, min(ts) as first_at,
           bool_and(not last or quantity is null or abs(took - quantity) <= ${rounding} * applied or (complete and took < quantity)) as add_up
    from moved group by order_id)`

const verdictCte = ({ openingBalances }: Pick<AdoptOptions, 'openingBalances'>): string => `
  verdict as materialized (
    select o.*, s.first_at, x.opening, o.filled - coalesce(s.known_total, 0) as opened,
           case when o.ticker !~ '^[A-Z0-9.-]{1,16}$' then 'ticker with other characters'
                when o.side not in ('BUY', 'SELL') or o.type not in ('LIMIT', 'MARKET') or o.time_in_force not in ('GTC', 'IOC', 'FOK', 'DAY')
                  then 'unknown side, type or time in force'
                when not o.quantity > 0 then 'quantity that is not above 0'
                when case o.type when 'LIMIT' then o.price is null or o.price <= 0 else o.price is not null end then 'price that its type does not allow'
                when o.filled is null or o.filled < 0 or o.filled > o.quantity then 'filled quantity out of range'
                when not case o.status when 'NEW' then o.filled = 0 when 'PARTIALLY_FILLED' then o.filled > 0 when 'FILLED' then o.filled = o.quantity
                                       when 'CANCELED' then true when 'EXPIRED' then true when 'REJECTED' then o.filled = 0 else false end
                  then 'status that does not agree with its fills'
                when o.filled > 0 and (o.last_fill_price is null or o.last_fill_price <= 0) then 'fills without a price'
                when x.opening and not ${openingBalances} then 'amounts of its legs are in no source'
                when x.opening and o.filled - coalesce(s.known_total, 0) <= 0 then 'legs that do not add up'
                when o.filled > 0 and not x.opening and not coalesce(s.least > 0 and s.least_price > 0 and s.add_up, false) then 'legs that do not add up'
           end as why
    from folded o
    left join summed s on s.order_id = o.id
    cross join lateral (select o.filled > 0 and (o.applied = 0 or o.short or coalesce(s.unknown, 0) > 0) as opening) x)`

const stateOf = (decided: string, { publishUndecided, olderThanMs }: AdoptOptions, old: string): string => {
  const canceled =
    olderThanMs === null ? '' : `when o.created_at < now() - ${olderThanMs} * interval '1 millisecond' then '${old}'`
  return `case when ${decided} then 'PUBLISHED' ${canceled} ${publishUndecided ? `else 'PUBLISHED'` : `else 'UNDECIDED'`} end`
}

const eventCte = (options: AdoptOptions): string => `
  absent as materialized (
    select o.id as order_id, 'PLACED' as kind, ${stateOf('o.created_at >= t.placed_since', options, 'CANCELED')} as state
    from verdict o join adopt_tickers t on t.ticker = o.ticker
    where o.why is null and o.status = 'NEW' and o.placed is null
    union all
    select o.id, 'CANCELLED', ${stateOf('o.created_at >= t.cancelled_since', options, 'PUBLISHED')}
    from verdict o join adopt_tickers t on t.ticker = o.ticker
    where o.why is null and o.status = 'CANCELED' and o.cancelled is null),
  event as materialized (
    select * from absent
    union all
    select order_id, 'CANCELLED', 'PUBLISHED' from absent where kind = 'PLACED' and state = 'CANCELED')`

/** `status` and `updated_at` as they will be; `ends`: 1 if its last change is no fill. */
const carriedCte = `
  carried as materialized (
    select o.id, o.user_id, o.ticker, o.side, o.type, o.time_in_force, o.quantity, o.price, o.filled, o.last_fill_price, o.created_at, o.opening, o.opened,
           o.applied, coalesce(o.first_at, o.created_at) as first_at, e.order_id is not null as ended_here,
           case when e.order_id is null then o.status else 'CANCELED' end as status,
           case when e.order_id is null then o.updated_at else now() end as updated_at,
           case when e.order_id is not null or o.status in ('CANCELED', 'EXPIRED', 'REJECTED') then 1 else 0 end as ends
    from verdict o left join event e on e.order_id = o.id and e.kind = 'PLACED' and e.state = 'CANCELED'
    where o.why is null)`

const swallowedCte = ({ swallowed }: Pick<AdoptOptions, 'swallowed'>): string => `
  swallowed as materialized (
    select l.*, o.status, case
             when l.quantity is null or l.price is null or l.quantity <= 0 or l.price <= 0 then 'amounts in no source'
             when ${swallowed === 'late'} and o.status in ('CANCELED', 'EXPIRED')
                  and o.filled + sum(l.quantity) over (partition by l.order_id order by l.n) <= o.quantity then 'late fill'
             else 'exception' end as became
    from leg l join carried o on o.id = l.order_id
    where l.n > o.applied)`

/**
 * The ledger to be. `n` of an opening row is 0. `nth`: its place among the fills of its order. `next_late`: whether the one behind it is late; null:
 * it is the newest.
 */
const fillCte = `
  ledger as (
    select m.order_id, m.trade_id::text as trade_id, m.ts, case when o.opening then m.quantity else m.took end as quantity,
           case when o.opening then m.price else m.took_price end as price, coalesce(m.source, 'the order itself') as source, m.kafka_partition, m.kafka_offset, m.n, false as late
    from moved m join carried o on o.id = m.order_id
    where not o.opening or (m.quantity is not null and m.price is not null)
    union all
    select o.id, 'java:opening', o.first_at, o.opened, o.last_fill_price, 'opening balance', null, null, 0, false from carried o where o.opening
    union all
    select s.order_id, s.trade_id::text, s.ts, s.quantity, s.price, s.source, s.kafka_partition, s.kafka_offset, s.n, true from swallowed s where s.became = 'late fill'),
  fill as materialized (
    select l.*, row_number() over in_order as nth, row_number() over in_order + case when l.late then 1 else 0 end as version,
           sum(l.quantity) over in_order as cumulative_quantity, sum(l.quantity * l.price) over in_order as cumulative_notional,
           lead(l.late) over in_order as next_late
    from ledger l
    window in_order as (partition by l.order_id order by l.late, l.n))`

/** All of the chain, for a format with the two ends of the chunk. */
export const judgement = (schema: string, options: AdoptOptions): string =>
  [
    takenCte(schema),
    legCte,
    foldedCte,
    movedCte,
    summedCte,
    verdictCte(options),
    eventCte(options),
    carriedCte,
    swallowedCte(options),
    fillCte,
  ].join(',')
