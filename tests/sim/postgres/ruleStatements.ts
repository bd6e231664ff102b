// The statements about the rules of business, sweeps and switches, by their essential clauses: what is skipped and what is waited for, which
// time counts, and what was there at the moment of a cancel of many.

import { arrayFromLiteral } from './fakeSql.ts'
import { changeRules, readRulesSince, type RulesChange, type RulesContent } from './ruling.ts'
import {
  finishSweep,
  readCoveredPage,
  readMoment,
  readOpenTickers,
  releaseSweeps,
  renewSweeps,
  takeSweeps,
} from './sweeping.ts'
import { armSwitches, fireDue } from './switching.ts'
import { arrays, look, type Template } from './template.ts'

const wasThere =
  'and ($1::text::bigint is null or o.position < $2::text::bigint) and (o.position <= $3::text::bigint or pg_visible_in_snapshot(o.xact, $4::text::pg_snapshot)) order by o.place desc'

/** Numbers its parameters anew. */
const renumbered = (text: string): string => {
  let count = 0
  return text.replace(/\$\d+/g, () => `$${++count}`)
}
const isOfMoment = (text: string): boolean =>
  renumbered(
    text.slice(text.indexOf('::text is null or o.side ='), text.indexOf('), scan as (')).replace(/^.*?\) and /, 'and '),
  ).includes(wasThere)

const rules: readonly Template[] = [
  {
    name: 'readRulesSince',
    clauses: [
      'select g.epoch, last.attempt::text as attempt, r.*,',
      'from trading_states s where s.epoch >',
      'from rules_gate g left join rules_changes last on last.epoch = g.epoch left join lateral (',
    ],
    run: look((db, { parameters: [attempt, epoch] }) =>
      readRulesSince(db, {
        attempt: typeof attempt === 'string' ? attempt : null,
        epoch: BigInt(String(epoch)),
      }),
    ),
  },
  {
    name: 'changeRules',
    clauses: ['from change_rules($1::text::jsonb, $2::text::jsonb, $3::integer) c'],
    run: (db, tx, { parameters: [change, content, lockTimeoutMs] }) => {
      const { what: _, ...row } = JSON.parse(String(change)) as RulesChange & { what: string }
      const members = JSON.parse(String(content)) as RulesContent
      return changeRules(db, tx, { change: row, content: members, lockTimeoutMs: Number(lockTimeoutMs) })
    },
  },
]

const sweeps: readonly Template[] = [
  {
    name: 'takeSweeps',
    clauses: [
      'from cancel_sweeps s where s.done_at is null and s.id <> all (',
      "and (s.worked_until is null or (s.worked_until <= clock_timestamp() or s.worked_until > clock_timestamp() + interval '120000 milliseconds') or s.worked_by =",
      'order by s.id limit $3::integer for update skip locked )',
    ],
    run: (db, tx, { parameters: [at, replicaId, limit, , leaseMs] }) =>
      takeSweeps(db, tx, {
        at: arrayFromLiteral(at),
        replicaId: String(replicaId),
        limit: Number(limit),
        leaseMs: Number(leaseMs),
      }),
  },
  {
    name: 'renewSweeps',
    clauses: [
      'update cancel_sweeps set worked_until = clock_timestamp() +',
      'and worked_by = $3::uuid and done_at is null',
    ],
    run: (db, tx, { parameters: [leaseMs, ids, replicaId] }) =>
      renewSweeps(db, tx, { ids: arrayFromLiteral(ids), replicaId: String(replicaId), leaseMs: Number(leaseMs) }),
  },
  {
    name: 'releaseSweeps',
    clauses: [
      'update cancel_sweeps set worked_by = null, worked_until = null where worked_by =',
      'and done_at is null',
    ],
    run: (db, tx, { parameters: [replicaId] }) => releaseSweeps(db, tx, String(replicaId)),
  },
  {
    name: 'finishSweep',
    clauses: ['update cancel_sweeps set done_at = clock_timestamp(), worked_by = null', 'and done_at is null'],
    run: (db, tx, { parameters: [id] }) => finishSweep(db, tx, String(id)),
  },
  {
    name: 'thinSweeps',
    clauses: ['delete from cancel_sweeps', 'and done_at < statement_timestamp() -'],
    run: look(() => []),
  },
  {
    name: 'readMoment',
    clauses: [
      'select pg_current_snapshot()::text as snapshot, pg_is_in_recovery() as standby',
      '(select o.xact::text from orders o where',
      'o.xact < pg_snapshot_xmax(pg_current_snapshot()) order by o.xact desc limit 1) as head',
    ],
    run: look(readMoment),
  },
  {
    name: 'readCoveredPage',
    clauses: ['and o.open and', 'clock_timestamp() as at from scan left join page p on true order by p.place desc'],
    also: isOfMoment,
    run: look((db, { text, parameters }) => {
      const valueOf = (form: RegExp): string | null => {
        const found = form.exec(text)
        const value = found === null ? null : parameters[Number(found[1]) - 1]
        return typeof value === 'string' || typeof value === 'number' ? String(value) : null
      }
      return readCoveredPage(db, {
        userId: valueOf(/where o\.user_id = \$(\d+)::uuid/),
        ticker: valueOf(/o\.ticker = \$(\d+)::text\)/) ?? valueOf(/where o\.ticker = \$(\d+) and/),
        side: valueOf(/o\.side = \$(\d+)::text\)/),
        before: valueOf(/o\.id < \$(\d+)::uuid/)!,
        from: valueOf(/o\.id >= \$(\d+)::uuid/)!,
        below: valueOf(/o\.position < \$(\d+)::text::bigint/),
        floor: valueOf(/o\.position <= \$(\d+)::text::bigint/)!,
        snapshot: valueOf(/pg_visible_in_snapshot\(o\.xact, \$(\d+)::text/)!,
        limit: Number(valueOf(/limit \$(\d+)::integer \), scan as/)),
      })
    }),
  },
  {
    name: 'readOpenTickers',
    clauses: [
      'with recursive walk (ticker, number) as (',
      'exists (select from orders o where o.ticker = w.ticker and o.open) as is_open',
    ],
    run: look((db, { parameters: [after, , , limit] }) => readOpenTickers(db, String(after), Number(limit))),
  },
]

const arming = (skipLocked: boolean): Template => ({
  name: 'armSwitches',
  clauses: [
    `order by c.user_id for update ${skipLocked ? 'skip locked ' : ''}), passed as materialized (`,
    'where c.user_id = any (array(select i.user_id from input i where not (i.user_id in (select h.user_id from held h)))) )',
    'on h.user_id = i.user_id where not (i.user_id in (select p.user_id from passed p)) )',
    'coalesce(h.fires_at <= statement_timestamp(), false) as is_due',
    'coalesce(h.fired or h.fires_at <= statement_timestamp() or (h.found_fired and h.attempt = any (i.lost)), false) as found_fired',
    'from judged j where not j.is_known order by j.user_id on conflict do nothing returning',
    "then clock_timestamp() + j.timeout_ms * interval '1 millisecond' end",
    'due_cause, pg_current_snapshot(), due_at from judged where is_due and not is_late )',
  ],
  run: (db, tx, { parameters }) => armSwitches(db, tx, arrays(parameters.slice(0, 5)), skipLocked),
})

const switches: readonly Template[] = [
  arming(false),
  arming(true),
  {
    name: 'fireDue',
    clauses: [
      'from cancel_after c where c.fires_at <= statement_timestamp() order by c.fires_at limit $1::integer for update skip locked )',
      'set fires_at = null, fired = true from due where c.user_id = due.user_id',
      'cause, pg_current_snapshot(), fires_at from fired returning',
    ],
    run: (db, tx, { parameters: [limit] }) => fireDue(db, tx, Number(limit)),
  },
]

export const ruleTemplates: readonly Template[] = [...rules, ...sweeps, ...switches]
