// The statements about stops, by their essential clauses: the condition of the index, the age of a trade, the order of publication, and the
// lock that is waited for, in order of id, with the check under it.

import { arrayFromLiteral } from './fakeSql.ts'
import { gateClauses } from './gating.ts'
import { readDueStops, readTickersWithDueStops, triggerStops } from './stopping.ts'
import { arrays, look, type Template } from './template.ts'

const waiting = 'o.stop_price is not null and o.triggered_at is null and o.open'
const age = /and o\.created_at - \$\d+::integer \* interval '1 millisecond' <= t\.\w+/

const isOldEnough = (text: string): boolean => text.split(age).length === 3

const notExpired = '(o.expires_at is null or o.expires_at > clock_timestamp())'

const triggering = (skipLocked: boolean): Template => ({
  name: 'triggerStops',
  clauses: [
    ...gateClauses,
    `and o.stop_price is not null and exists (select from gate where epoch = $2::bigint) and not exists (select from gate_lock) order by o.id for update ${skipLocked ? 'skip locked ' : ''})`,
    'where o.id = held.id and held.open and held.triggered_at is null and (held.expires_at is null or held.expires_at > clock_timestamp()) returning',
    "'TRIGGERED', updated_at, cause::jsonb, filled_quantity, filled_notional, last_fill_price, (select epoch from gate)",
    'select gate.epoch, triggered.id from gate left join triggered on true',
    "overlay(o.id::text placing '8' from 15)::uuid, 'PLACED'",
    'from triggered order by id )',
    'from triggered o order by o.ordinality )',
  ],
  run: (db, tx, { parameters: [, epoch, now, , ids, causes] }) =>
    triggerStops(db, tx, {
      judgedBy: BigInt(String(epoch)),
      ids: arrayFromLiteral(ids),
      causes: arrayFromLiteral(causes),
      now: new Date(String(now)),
      skipLocked,
    }),
})

export const stopTemplates: readonly Template[] = [
  {
    name: 'readTickersWithDueStops',
    clauses: [
      `o.side = 'BUY' and o.stop_price <= t.highest::numeric and ${waiting} and`,
      `o.side = 'SELL' and o.stop_price >= t.lowest::numeric and ${waiting} and`,
    ],
    also: isOldEnough,
    run: look((db, { parameters }) =>
      readTickersWithDueStops(db, arrays(parameters.slice(0, 4)), Number(parameters[4])),
    ),
  },
  {
    name: 'readDueStops',
    clauses: [
      'select distinct on (s.id) s.id, s.side, s.stop_price, t.n from (select t.* from trade t where',
      "not exists (select from trading_states s where s.state = 'HALTED' and s.ticker in ('', t.ticker))",
      "and not exists ( select from rules_changes h where h.halted_since is not null and h.ticker in ('', t.ticker) and h.at > t.traded_at",
      "when date_trunc('second', t.traded_at) = t.traded_at then",
      'select id, n::integer as trade, (select epoch from rules_gate) as epoch from due',
      `o.side = 'SELL' and o.stop_price >= t.price and ${waiting} and`,
      `o.side = 'BUY' and o.stop_price <= t.price and ${waiting} and`,
      notExpired,
      'order by o.stop_price desc, o.id limit',
      'order by o.stop_price, o.id limit',
      'order by s.id, t.n )',
      "order by n, side desc, case side when 'SELL' then -stop_price else stop_price end, id limit",
    ],
    also: isOldEnough,
    run: look((db, { parameters }) =>
      readDueStops(db, {
        trades: arrays(parameters.slice(0, 3)),
        toleranceMs: Number(parameters[3]),
        except: arrayFromLiteral(parameters[5]),
        limit: Number(parameters[6]),
      }),
    ),
  },
  triggering(false),
  triggering(true),
]
