// The text of the way back: one transaction that writes our state into Java's tables as far as they can hold it, and puts the copy aside.

import { adoptedSchema } from '../store/adoptedPlace.ts'

/** An order that an engine may know; a stop that waits is nothing that Java could say, and so is one that a rule refused. */
const holdable = `(o.stop_price is null or o.triggered_at is not null) and not (o.status = 'REJECTED' and o.version = 0)`
const uuid = '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'

/** Each loss: its name, whose it is (`o` or the second table), and when it is one. */
const losses: readonly (readonly [kind: string, from: string, where: string])[] = [
  ['not written: a stop that waits for its price', 'orders o', 'o.stop_price is not null and o.triggered_at is null'],
  ['not written: refused by a rule of business', 'orders o', `o.status = 'REJECTED' and o.version = 0`],
  ['GTC instead of DAY or GTD', 'orders o', `o.time_in_force in ('DAY', 'GTD') and ${holdable}`],
  ['MARKET or LIMIT instead of a stop', 'orders o', 'o.triggered_at is not null'],
  ['CANCELED instead of EXPIRED or REJECTED', 'orders o', `o.status in ('EXPIRED', 'REJECTED') and ${holdable}`],
  ['its clientOrderId', 'orders o', `o.client_order_id is not null and ${holdable}`],
  ['its displayQuantity or postOnly', 'orders o', `(o.display_quantity is not null or o.post_only) and ${holdable}`],
  [
    'digits beyond six',
    'orders o',
    `${holdable} and (o.quantity <> round(o.quantity, 6) or o.price <> round(o.price, 6) or o.filled_quantity <> round(o.filled_quantity, 6) or o.last_fill_price <> round(o.last_fill_price, 6))`,
  ],
  ['an exception: its leg counts as read', 'orders o join exceptions x on x.order_id = o.id', 'true'],
  [
    'a fill whose trade id is no UUID',
    'orders o join ingested_fills x on x.order_id = o.id',
    `x.trade_id !~ '${uuid}' and x.trade_id <> 'java:opening'`,
  ],
  ['a late fill: its amounts stay in the order', 'orders o join ingested_fills x on x.order_id = o.id', 'x.late'],
]

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** `schema`: Java's, quoted. It leaves the temporary table adopt_lost, and what the copy is called from now on in adopt_aside. */
export const backText = (schema: string): string => `
begin;
set local statement_timeout = 0;
set local lock_timeout = '5s';
lock table orders, ingested_fills, order_changes, exceptions, outbox in share mode;
lock table ${schema}.orders, ${schema}.ingested_fills in share row exclusive mode;
create temporary table adopt_lost as
${losses.map(([kind, from, where]) => `select ${quoted(kind)}::text as kind, o.id as order_id from ${from} where ${where}`).join('\nunion all\n')};
insert into ${schema}.orders (id, user_id, ticker, side, type, time_in_force, quantity, price, status, created_at, updated_at, version, filled_quantity, last_fill_price)
select o.id, o.user_id, o.ticker, o.side, case o.type when 'STOP' then 'MARKET' when 'STOP_LIMIT' then 'LIMIT' else o.type end,
       case when o.time_in_force in ('DAY', 'GTD') then 'GTC' else o.time_in_force end, q.quantity, greatest(round(o.price, 6), 0.000001),
       case when o.status in ('EXPIRED', 'REJECTED') then 'CANCELED' else o.status end, o.created_at, o.updated_at, o.version,
       least(round(o.filled_quantity, 6), q.quantity), round(o.last_fill_price, 6)
from orders o cross join lateral (select greatest(round(o.quantity, 6), 0.000001) as quantity) q
where ${holdable}
on conflict (id) do update set status = excluded.status, updated_at = excluded.updated_at, version = excluded.version,
  filled_quantity = excluded.filled_quantity, last_fill_price = excluded.last_fill_price;
insert into ${schema}.ingested_fills (order_id, trade_id, ticker, ts)
select f.order_id, f.trade_id::uuid, f.ticker, f.ts from ingested_fills f where f.trade_id ~ '${uuid}'
union
select x.order_id, x.trade_id::uuid, x.ticker, x.ts from exceptions x where x.trade_id ~ '${uuid}'
on conflict do nothing;
create temporary table adopt_aside as
select '${adoptedSchema}_until_' || to_char(clock_timestamp() at time zone 'UTC', 'YYYYMMDD_HH24MISS') as name;
do $adopt$ begin execute format('alter schema ${adoptedSchema} rename to %I', (select name from adopt_aside)); end $adopt$;
commit;`
