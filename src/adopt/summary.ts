// The summary of a take-over: what an auditor keeps.

import type { Sql } from '../store/sql.ts'
import type { Talk } from './talk.ts'
import { toDecide } from './undecided.ts'

type Count = { what: string; which: string; n: string }

const number = (n: string): string => Number(n).toLocaleString('en-US')

/** Of a dry run: the counts of this session. */
export const readDryCounts = (sql: Sql): Promise<Count[]> => sql<Count[]>`
  select what, which, sum(n)::text as n from adopt_counts group by what, which order by what, which`

/** Of what was taken over. Null: nothing was. */
export const readCounts = async (sql: Sql): Promise<Count[] | null> => {
  const [row] = await sql<
    { counts: { what: string; which: string; n: number }[] }[]
  >`select counts from orders.adoption`
  return row === undefined ? null : row.counts.map(({ n, ...rest }) => ({ ...rest, n: String(n) }))
}

/** One line a count, under a heading for each kind. Orders that are refused stand behind those that are not. */
export const printCounts = async (counts: readonly Count[], { print }: Talk): Promise<void> => {
  for (const [what, those] of Map.groupBy(counts, (count) => count.what)) {
    const total = those.reduce((sum, { n }) => sum + Number(n), 0)
    await print(`${what}: ${number(String(total))}`)
    const ordered = those.toSorted(
      (a, b) => Number(a.which.startsWith('refused')) - Number(b.which.startsWith('refused')),
    )
    for (const { which, n } of ordered) await print(`  ${number(n).padStart(14)}  ${which}`)
  }
}

const cursorRows = 1_000

/** The first row of each kind that cannot be carried over; with `all`, every one, and every event that is undecided. */
export const printRefused = async (sql: Sql, { all, talk }: { all: boolean; talk: Talk }): Promise<void> => {
  const { print } = talk
  const rows = sql<{ line: string }[]>`
    select concat_ws(' ', kind, order_id, content ->> 'trade_id') || ': ' || reason as line
    from (select *, row_number() over (partition by kind, reason order by order_id) as nth from adoption_refused) r
    where ${all}::boolean or nth = 1
    order by kind desc, reason, order_id`
  for await (const page of rows.cursor(cursorRows)) await print(page.map(({ line }) => `refused: ${line}`).join('\n'))
  const undecided = sql<{ line: string }[]>`
    select kind || ' of ' || order_id as line
    from (select e.kind, e.order_id, row_number() over (partition by e.kind order by e.order_id) as nth from ${sql(toDecide)}) w
    where ${all}::boolean or nth = 1 order by kind, order_id`
  for await (const page of undecided.cursor(cursorRows))
    await print(page.map(({ line }) => `undecided: ${line}`).join('\n'))
}
