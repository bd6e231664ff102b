// The statements that read the log, by their essential clauses: both arms of each table, from the place on and up to the statement's own
// snapshot, the witness, the epoch and its floor.

import { arrayFromLiteral } from './fakeSql.ts'
import {
  countDelta,
  readDelta,
  readEdge,
  readFiltered,
  readHead,
  readOrphaned,
  readPage,
  readPredecessors,
  type FilterParameters,
  type PlaceParameters,
} from './following.ts'
import { look, type Template } from './template.ts'

const tables = [
  { name: 'orders', t: 'a' },
  { name: 'ingested_fills', t: 'f' },
  { name: 'order_changes', t: 'c' },
]

/** What every statement says of the database. */
const state = [
  'pg_current_snapshot()::text as snapshot, pg_is_in_recovery() as standby',
  'p.xmin::text::numeric = mod(p.xact::text::numeric, 4294967296) as ours',
  '(select epoch, floor, xact, xmin from log_epochs order by epoch desc limit 1) p',
  'w.xact is null or exists (',
  ...tables.map(({ t }) => `${t}.xact = w.xact and ${t}.position = w.position )`),
]

const present = 'pg_snapshot_xmax(pg_current_snapshot())'
const ofTables = (write: (table: { name: string; t: string }) => string[]): string[] => tables.flatMap(write)

const text = (value: unknown): string | null => (value === null ? null : `${value as string | number}`)

const placeOf = ([past, running, ...witness]: readonly unknown[]): PlaceParameters => ({
  past: BigInt(String(past)),
  running: arrayFromLiteral(running),
  witness: witness.slice(0, 4).map(text),
})

const filterOf = ([userId, ticker, orderId, sessions, , userIds]: readonly unknown[]): FilterParameters => ({
  userId: text(userId),
  ticker: text(ticker),
  orderId: text(orderId),
  interest: sessions === null ? null : { sessions: arrayFromLiteral(sessions), userIds: arrayFromLiteral(userIds) },
})
/** Of the place, then of the filter. */
const [placeCount, filterCount] = [6, 6]

const filtered = [
  'q.user_id is null or a.user_id = q.user_id',
  ...['a', 'x'].map(
    (owner) => `q.sessions is null or ${owner}.origin = any (q.origins) or ${owner}.user_id = any (q.user_ids)`,
  ),
  "or c.cause ->> 'session' = any (q.sessions)",
]

/** The row of each table that is so many rows on, of this epoch alone. */
const bounded = [
  'k.*, true as bounded',
  ...ofTables(({ name, t }) => [
    `from ${name} ${t} where ${t}.xact > '3' and ${t}.xact >= s.past and ${t}.xact < ${present} and ${t}.position > s.floor order by ${t}.xact offset`,
  ]),
]

export const logTemplates: readonly Template[] = [
  {
    name: 'readFiltered',
    clauses: [
      ...state,
      ...filtered,
      ...bounded,
      ...ofTables(({ t }) => [
        `and ${t}.xact >= s.past and ${t}.xact <= case when m.bounded then m.xact else ${present} end order by ${t}.xact limit`,
        `and ${t}.xact = any (s.running) limit`,
      ]),
    ],
    run: look((db, { parameters }) => {
      const numbers = parameters.slice(placeCount + filterCount).map(Number)
      const filter = filterOf(parameters.slice(placeCount))
      return readFiltered(db, placeOf(parameters), { filter, looks: numbers.slice(0, 3), limits: numbers.slice(3) })
    }),
  },
  {
    name: 'readPage',
    clauses: [
      ...state,
      ...filtered,
      'order by d.position limit',
      ...ofTables(({ t }) => [
        `pg_visible_in_snapshot(${t}.xact, b.seen) and ${t}.xact >= s.past and ${t}.xact < pg_snapshot_xmax(b.seen))`,
        `pg_visible_in_snapshot(${t}.xact, b.seen) and ${t}.xact = any (s.running))`,
      ]),
    ],
    run: look((db, { parameters }) => {
      const [end, after, limit] = parameters.slice(placeCount + filterCount)
      return readPage(db, placeOf(parameters), {
        filter: filterOf(parameters.slice(placeCount)),
        end: String(end),
        after: BigInt(String(after)),
        limit: Number(limit),
      })
    }),
  },
  {
    name: 'countDelta',
    clauses: [
      ...state,
      'count(*) as behind',
      ...ofTables(({ t }) => [
        `and ${t}.position > s.floor and ${t}.xact >= s.past and ${t}.xact < ${present})`,
        `and ${t}.position > s.floor and ${t}.xact = any (s.running))`,
      ]),
    ],
    run: look((db, { parameters }) => countDelta(db, placeOf(parameters), Number(parameters[6]))),
  },
  {
    name: 'readDelta',
    clauses: [
      ...state,
      ...ofTables(({ name, t }) => [
        `from ${name} ${t} where ${t}.xact > '3' and ${t}.position > s.floor and ${t}.xact >= s.past and ${t}.xact < ${present} order by ${t}.xact limit`,
        `from ${name} ${t} where ${t}.xact > '3' and ${t}.position > s.floor and ${t}.xact = any (s.running) limit`,
      ]),
    ],
    run: look((db, { parameters }) => readDelta(db, placeOf(parameters), parameters.slice(6).map(Number))),
  },
  {
    name: 'readEdge',
    clauses: [...state, ...bounded],
    run: look((db, { parameters }) => readEdge(db, placeOf(parameters), parameters.slice(6).map(Number))),
  },
  {
    name: 'readHead',
    clauses: [
      ...state,
      'm.xact as mark_xact',
      ...ofTables(({ name, t }) => [
        `from ${name} ${t} where ${t}.xact > '3' and ${t}.xact > s.epoch_xact and ${t}.xact < ${present} and ${t}.position > s.floor order by ${t}.xact desc limit 1`,
      ]),
    ],
    run: look((db, { parameters }) => readHead(db, placeOf(parameters))),
  },
  {
    name: 'readPredecessors',
    clauses: [
      'coalesce(a.xact, p.xact, q.xact) as xact',
      'coalesce(a.position, p.position, q.position) > (select floor from log_epochs order by epoch desc limit 1)',
    ],
    run: look((db, { parameters: [ids, versions] }) =>
      readPredecessors(db, arrayFromLiteral(ids), arrayFromLiteral(versions)),
    ),
  },
  {
    name: 'readOrphaned',
    clauses: [
      'select distinct r.xact',
      ...['f', 'c'].flatMap((t) => [
        `${t}.position > w.floor and pg_visible_in_snapshot(${t}.xact, w.seen) and ${t}.xact >= w.past and ${t}.xact < pg_snapshot_xmax(w.seen))`,
        `${t}.position > w.floor and pg_visible_in_snapshot(${t}.xact, w.seen) and ${t}.xact = any (w.running))`,
      ]),
      'coalesce(a.position, p.position, q.position) > w.floor and not pg_visible_in_snapshot(coalesce(a.xact, p.xact, q.xact), w.seen)',
    ],
    run: look((db, { parameters: [past, running, end, limit] }) =>
      readOrphaned(db, placeOf([past, running]), { end: String(end), limit: Number(limit) }),
    ),
  },
]
