// Recognises every statement that the service sends in a simulated run by its essential clauses. If a text loses one of them
// (the check of a row, a skip locked), the fake does not know the statement, and the run fails.
// differential.test.ts compares what the fake does for the rest of the text with real Postgres.

import { endTemplates } from './endStatements.ts'
import { arrayFromLiteral } from './fakeSql.ts'
import { readLegState, writeFills } from './filling.ts'
import { logTemplates } from './logStatements.ts'
import { moveOrders } from './moving.ts'
import { placeTemplates } from './placeStatements.ts'
import { readOrderPage, readOrders } from './placing.ts'
import {
  deleteEvents,
  deleteFreeEvents,
  drawTransactionId,
  readBacklog,
  readLastPosition,
  readOutbox,
  readSettled,
  releaseLeases,
  renewLeases,
} from './relaying.ts'
import { reportTemplates } from './reportStatements.ts'
import { ruleTemplates } from './ruleStatements.ts'
import { stopTemplates } from './stopStatements.ts'
import { arrays, look, type Template } from './template.ts'

const onlyTheseTickers = 'and ticker = any ('

const moving = (skipLocked: boolean): Template => ({
  name: 'moveOrders',
  clauses: [
    'from orders o where o.id = any (',
    skipLocked ? 'order by o.id for update skip locked )' : 'order by o.id for update )',
    'on i.order_id::uuid = held.id and held.status = any (i.sources::text[]) and (i.if_version is null or held.version = i.if_version::integer) where o.id = held.id returning',
    'insert into order_changes (',
    'from moved order by id )',
    'from moved where kind is not null and (stop_price is null or triggered_at is not null) order by ordinality )',
  ],
  run: (db, tx, { parameters }) => {
    const [now, moves] = [parameters[1], parameters.slice(2)]
    return moveOrders(db, tx, { moves: arrays(moves), now: new Date(String(now)), skipLocked })
  },
})

const patience = "and (select set_config('lock_timeout', '2', true)) = '2ms'"

const deleting = (free: boolean): Template => ({
  name: free ? 'deleteFreeEvents' : 'deleteEvents',
  clauses: [
    'delete from outbox where position = any (',
    'and coalesce(event_id in (select unnest(',
    "(select set_config('synchronous_commit', 'off', true)) = 'off'",
  ],
  also: (text) => text.includes(patience) === free,
  run: (db, tx, { parameters: [positions, eventIds] }) =>
    (free ? deleteFreeEvents : deleteEvents)(db, tx, arrayFromLiteral(positions), arrayFromLiteral(eventIds)),
})

const templates: readonly Template[] = [
  ...placeTemplates,
  ...ruleTemplates,
  ...logTemplates,
  ...stopTemplates,
  ...endTemplates,
  ...reportTemplates,
  moving(false),
  moving(true),
  {
    name: 'readLegState',
    clauses: [
      'o.xmin::text as stamp',
      'from exceptions e where e.order_id = o.id',
      '(order_id, trade_id) >= (o.id, i.trade_id)',
    ],
    run: look((db, { parameters: [orders, trades] }) =>
      readLegState(db, arrayFromLiteral(orders), arrayFromLiteral(trades)),
    ),
  },
  {
    name: 'writeFills',
    clauses: [
      'where o.xmin = m.stamp::xid order by o.id for update of o skip locked',
      'from move m join held h on h.id = m.id::uuid where o.id = h.id )',
      'insert into ingested_fills',
      'join held h on h.id = l.order_id::uuid order by h.id, l.order_version::integer )',
      'join held h on h.id = e.order_id::uuid on conflict do nothing',
      'join held h on h.id = r.order_id::uuid order by h.id )',
    ],
    run: (db, tx, { parameters }) => {
      const [moves, ledger, exceptions] = [parameters.slice(0, 8), parameters.slice(8, 22), parameters.slice(23, 38)]
      return writeFills(db, tx, {
        moves: arrays(moves),
        ledger: arrays(ledger),
        exceptions: arrays(exceptions),
        retold: arrays(parameters.slice(38)),
      })
    },
  },
  {
    name: 'readOutbox',
    clauses: [
      'from outbox where position > ',
      'expires_at > clock_timestamp()',
      'coalesce(x.filled_quantity, o.filled_quantity) as filled_quantity, coalesce(x.reason_code, o.reason_code) as reason_code',
      'order by x.position',
    ],
    run: look((db, { text, parameters }) => {
      const [, floor, except, ...rest] = parameters
      const only = text.includes(onlyTheseTickers) ? arrayFromLiteral(rest.shift()) : null
      const [, replicaId, shards, limit] = rest
      return readOutbox(db, {
        replicaId: String(replicaId),
        floor: BigInt(String(floor)),
        shards: arrayFromLiteral(shards),
        except: arrayFromLiteral(except),
        only,
        limit: Number(limit),
      })
    }),
  },
  {
    name: 'readOrderPage',
    clauses: [
      'with page as materialized (',
      'o.status = any (',
      'order by o.place desc',
      'select o.*, scan.end_place, pg_is_in_recovery() as standby from scan left join page o on true',
    ],
    run: look((db, { text, parameters }) => {
      const valueOf = (form: RegExp): string | null => {
        const found = form.exec(text)
        return found === null ? null : String(parameters[Number(found[1]) - 1])
      }
      return readOrderPage(db, {
        before: valueOf(/o\.id < \$(\d+)::uuid/)!,
        from: valueOf(/o\.id >= \$(\d+)::uuid/)!,
        userId: valueOf(/where true and o\.user_id = \$(\d+)::uuid/),
        ticker: valueOf(/where true(?: and o\.user_id = \S+)? and o\.ticker = \$(\d+)/),
        statuses: arrayFromLiteral(valueOf(/o\.status = any \(\$(\d+)::text/)),
        limit: Number(valueOf(/limit \$(\d+)::integer \), scan/)),
      })
    }),
  },
  {
    name: 'readOrders',
    clauses: ['from orders o where o.id = any ('],
    run: look((db, { parameters: [ids] }) => readOrders(db, arrayFromLiteral(ids))),
  },
  {
    name: 'lookUpOrder',
    clauses: ['from (select pg_is_in_recovery() as standby) s left join orders o on o.id ='],
    run: look((db, { parameters: [id] }) => [{ id: null, ...readOrders(db, [String(id)])[0], standby: false }]),
  },
  deleting(true),
  deleting(false),
  { name: 'vacuumOutbox', clauses: ['vacuum (skip_locked'], run: look(() => []) },
  {
    name: 'readBacklog',
    clauses: ['as age_ms'],
    run: look((db, { parameters: [floor, countMax, ageMaxMs] }) =>
      readBacklog(db, BigInt(String(floor)), Number(countMax), Number(ageMaxMs)),
    ),
  },
  { name: 'readLastPosition', clauses: ['pg_sequence_last_value('], run: look(readLastPosition) },
  { name: 'drawTransactionId', clauses: ['select pg_current_xact_id()'], run: drawTransactionId },
  {
    name: 'readSettled',
    clauses: ['pg_snapshot_xmin(pg_current_snapshot())'],
    run: look((db, { parameters: [floor, except, held] }) =>
      readSettled(db, BigInt(String(floor)), arrayFromLiteral(except), arrayFromLiteral(held)),
    ),
  },
  {
    name: 'renewLeases',
    clauses: ['insert into replicas', 'for update skip locked', 'quota - (select count(*) from mine)'],
    run: (db, tx, { parameters: [replicaId, , , , , ttlMs, release, tickers, shards] }) =>
      renewLeases(db, tx, {
        replicaId: String(replicaId),
        ttlMs: Number(ttlMs),
        release: arrayFromLiteral(release),
        setAside: arrayFromLiteral(tickers).map((ticker, i) => ({
          ticker: ticker!,
          shard: arrayFromLiteral(shards)[i]!,
        })),
      }),
  },
  {
    name: 'releaseLeases',
    clauses: ['delete from replicas where id =', "set holder = null, expires_at = '-infinity'"],
    run: (db, tx, { parameters: [replicaId] }) => releaseLeases(db, tx, String(replicaId)),
  },
]

const recognised = new Map<string, Template>()

class UnknownStatement extends Error {
  override name = 'UnknownStatement'
}

/** The template that the text matches; throws UnknownStatement. */
export const recognise = (text: string): Template => {
  let statement = recognised.get(text)
  if (statement === undefined) {
    statement = templates.find(
      ({ clauses, also }) => clauses.every((clause) => text.includes(clause)) && (also?.(text) ?? true),
    )
    if (statement === undefined) throw new UnknownStatement(`the fake Postgres does not know: ${text}`)
    recognised.set(text, statement)
  }
  return statement
}
