// The plans of all statements that a service runs, as Postgres itself reports them (auto_explain), and what is wrong with them.

import { readFileSync } from 'node:fs'
import { looksOf, nodesOf, pairsDroppedBy, type PlanNode } from './explain.ts'

/** Settings of a server whose log has the plan of every statement, with the rows that each of its nodes really read. */
export const explainingServer = {
  session_preload_libraries: 'auto_explain',
  'auto_explain.log_min_duration': '0',
  'auto_explain.log_analyze': 'on',
  'auto_explain.log_timing': 'off',
  'auto_explain.log_format': 'json',
  'auto_explain.log_settings': 'on',
  log_line_prefix: '>%a|',
  // Statistics change when the test says so.
  autovacuum: 'off',
}

type Explained = { 'Query Text': string; Settings?: Record<string, string>; Plan: PlanNode }

/** A statement that ran, and what it cost. `application`: the name of its session. */
export type Ran = {
  application: string
  text: string
  ms: number
  settings: string
  /** Rows that it gave or changed. */
  useful: number
  /** Rows that its scans looked at, by table. */
  scanned: Record<string, number>
  /** Pairs of rows that its joins compared and dropped. */
  compared: number
}

const rowsOf = (node: PlanNode): number => node['Actual Loops'] * node['Actual Rows']

const ranOf = (application: string, ms: number, explained: Explained): Ran => {
  const { Plan: plan, 'Query Text': text, Settings: settings = {} } = explained
  const nodes = nodesOf(plan)
  const scanned: Record<string, number> = {}
  for (const node of nodes) {
    const table = node['Relation Name']
    if (table === undefined || !node['Node Type'].includes('Scan')) continue
    scanned[table] = (scanned[table] ?? 0) + looksOf(node)
  }
  const changed = nodes
    .filter((node) => node['Node Type'] === 'ModifyTable')
    .flatMap((node) => node.Plans ?? [])
    .reduce((sum, node) => sum + rowsOf(node), 0)
  return {
    application,
    text: text.replaceAll(/\s+/g, ' ').trim(),
    ms,
    settings: Object.keys(settings).toSorted().join(' '),
    useful: rowsOf(plan) + changed,
    scanned,
    compared: pairsDroppedBy(nodes),
  }
}

/** Every statement in the log of such a server. */
export const readPlans = (logFile: string): Ran[] =>
  readFileSync(logFile, 'utf8')
    .split(/^>/m)
    .flatMap((entry) => {
      const [, application, ms, json] = /^([^|]*)\|LOG: {2}duration: ([\d.]+) ms {2}plan:\n([^]*)$/.exec(entry) ?? []
      return json === undefined ? [] : [ranOf(application!, Number(ms), JSON.parse(json) as Explained)]
    })

/** A scan may look at so many rows whatever comes of it, and at so many for each row that the statement gave or changed. */
const looksFree = 2_000
const looksPerRow = 20
const comparedFree = 100_000

/** What a statement may do that does more by design: rows of a table that it looks at, pairs of rows that it compares in vain. */
export type Allowance = { looksMax?: number; comparedMax?: number }

/** What is too much in it; empty: nothing. */
export const excessOf = (
  { scanned, useful, compared }: Ran,
  { looksMax = 0, comparedMax = comparedFree }: Allowance = {},
): string[] => [
  ...Object.entries(scanned)
    .filter(([, rows]) => rows > Math.max(looksFree, looksPerRow * useful, looksMax))
    .map(([table, rows]) => `looked at ${Math.round(rows)} rows of ${table} for ${Math.round(useful)}`),
  ...(compared > comparedMax ? [`compared ${Math.round(compared)} pairs of rows in vain`] : []),
]
