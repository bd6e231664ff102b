// Promises: the plans of the statements that a store function really runs, with the rows that each of them really read.

import postgres from 'postgres'
import type { Database, Sql } from '../../src/store/sql.ts'
import type { TestDatabase } from './database.ts'

type PlanNode = {
  'Node Type': string
  'Relation Name'?: string
  'Actual Rows': number
  'Actual Loops': number
  'Rows Removed by Filter'?: number
  'Rows Removed by Index Recheck'?: number
  Plans?: PlanNode[]
}

type Plan = {
  statement: string
  /** Every kind of node in it: 'Index Scan', 'Sort', … */
  nodes: string[]
  /** Rows of this table that its scans looked at, those that a filter dropped included. */
  rowsScanned: (table: string) => number
}

export type Explainer = Pick<Database, 'run'> & {
  /** Explains what ran since the last call, one plan a statement, in order. */
  plans: () => Promise<Plan[]>
}

const nodesOf = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)]

const planOf = (statement: string, root: PlanNode): Plan => {
  const nodes = nodesOf(root)
  return {
    statement,
    nodes: nodes.map((node) => node['Node Type']),
    rowsScanned: (table) =>
      nodes
        .filter((node) => node['Relation Name'] === table)
        .map(
          (node) =>
            node['Actual Loops'] *
            (node['Actual Rows'] +
              (node['Rows Removed by Filter'] ?? 0) +
              (node['Rows Removed by Index Recheck'] ?? 0)),
        )
        .reduce((sum, rows) => sum + rows, 0),
  }
}

/** A pool with the service's planner settings that remembers its statements. */
export const createExplainer = async (database: TestDatabase): Promise<Explainer> => {
  let seen: { text: string; parameters: unknown[] }[] = []
  const sql: Sql = postgres(database.url, {
    max: 1,
    fetch_types: false,
    onnotice: () => undefined,
    connection: { plan_cache_mode: 'force_custom_plan' },
    debug: (_connection, text, parameters) => seen.push({ text, parameters }),
  })
  await sql`select 1`
  seen = []
  return {
    run: (statement) => statement(sql),
    async plans() {
      const statements = seen.slice()
      const plans: Plan[] = []
      for (const { text, parameters } of statements) {
        const [row] = await sql.unsafe<{ 'QUERY PLAN': [{ Plan: PlanNode }] }[]>(
          `explain (analyze, format json) ${text}`,
          parameters as string[],
        )
        plans.push(planOf(text, row!['QUERY PLAN'][0].Plan))
      }
      seen = []
      return plans
    },
  }
}
