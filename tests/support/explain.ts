// The plans of the statements that a store function really runs, with the rows that each of them really reads.

import postgres from 'postgres'
import { planning, type Database, type Plans, type Sql } from '../../src/store/sql.ts'
import type { TestDatabase } from './database.ts'

export type PlanNode = {
  'Node Type': string
  'Relation Name'?: string
  'Index Name'?: string
  'Actual Rows': number
  'Actual Loops': number
  Filter?: string
  'Rows Removed by Filter'?: number
  'Rows Removed by Index Recheck'?: number
  'Rows Removed by Join Filter'?: number
  Plans?: PlanNode[]
}

type Plan = {
  statement: string
  /** Every kind of node in it: 'Index Scan', 'Sort', … */
  nodes: string[]
  /** The indexes that it reads. */
  indexes: string[]
  /** The conditions that rows had to pass after an index had found them. */
  filters: string
  /** How many rows of this table its scans looked at, including those that a filter dropped. */
  rowsScanned: (table: string) => number
  /** How many pairs of rows its joins compared and dropped. */
  pairsDropped: number
}

export type Explainer = Pick<Database, 'run'> & {
  /** Explains what ran since the last call, one plan a statement, in order. */
  plans: () => Promise<Plan[]>
}

export const nodesOf = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)]

/** How many rows a scan looked at, including those that a filter dropped. (What Postgres says is the average of a loop.) */
export const looksOf = (node: PlanNode): number =>
  node['Actual Loops'] *
  (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0))

/** How many pairs of rows the joins among these nodes compared and dropped. */
export const pairsDroppedBy = (nodes: readonly PlanNode[]): number =>
  nodes.reduce((sum, node) => sum + node['Actual Loops'] * (node['Rows Removed by Join Filter'] ?? 0), 0)

const planOf = (statement: string, root: PlanNode): Plan => {
  const nodes = nodesOf(root)
  return {
    statement,
    nodes: nodes.map((node) => node['Node Type']),
    indexes: nodes.flatMap((node) => node['Index Name'] ?? []),
    filters: nodes.flatMap((node) => node.Filter ?? []).join('\n'),
    rowsScanned: (table) =>
      nodes
        .filter((node) => node['Relation Name'] === table)
        .map(looksOf)
        .reduce((sum, rows) => sum + rows, 0),
    pairsDropped: pairsDroppedBy(nodes),
  }
}

const literal = (parameter: string | number | null): string =>
  parameter === null ? 'null' : `'${String(parameter).replaceAll("'", "''")}'`

/**
 * A pool of one connection with the service's planner settings that remembers its statements. A statement is prepared once and
 * keeps its plan where the service's would.
 */
export const createExplainer = async (database: TestDatabase, plans: Plans = 'sets'): Promise<Explainer> => {
  let calls: { text: string; parameters: (string | number | null)[] }[] = []
  const names = new Map<string, string>()
  const sql: Sql = postgres(database.url, {
    max: 1,
    fetch_types: false,
    onnotice: () => undefined,
    connection: planning[plans],
    debug: (_connection, text, parameters) =>
      calls.push({ text, parameters: parameters as (string | number | null)[] }),
  })
  await sql`select 1`
  calls = []
  const prepared = async (text: string): Promise<string> => {
    const earlier = names.get(text)
    if (earlier !== undefined) return earlier
    const name = `explained_${names.size}`
    await sql.unsafe(`prepare ${name} as ${text}`)
    names.set(text, name)
    return name
  }
  return {
    run: (statement) => statement(sql),
    async plans() {
      const statements = calls.slice()
      const found: Plan[] = []
      for (const { text, parameters } of statements) {
        const values = parameters.length === 0 ? '' : `(${parameters.map(literal).join(', ')})`
        const [row] = await sql.unsafe<{ 'QUERY PLAN': [{ Plan: PlanNode }] }[]>(
          `explain (analyze, format json) execute ${await prepared(text)}${values}`,
        )
        found.push(planOf(text, row!['QUERY PLAN'][0].Plan))
      }
      calls = []
      return found
    },
  }
}
