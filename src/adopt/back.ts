// The way back to the Java service: our state into its tables, our copy put aside under another name, as evidence.

import { passCrashPoint } from '../app/crashPoint.ts'
import type { Config } from '../config/config.ts'
import { adoptedSchema } from '../store/adoptedPlace.ts'
import { takeLock } from '../store/migrate.ts'
import type { Sql } from '../store/sql.ts'
import { backText } from './backSql.ts'
import { requireNoMembers } from './group.ts'
import { AdoptionRefused } from './refusal.ts'
import { runScript } from './script.ts'
import type { Talk } from './talk.ts'

/** A replica that was seen so recently is thought to run. */
const aliveSeconds = 10

/** Throws AdoptionRefused while a replica runs, or an event waits for its topic. */
const requireStandstill = async (sql: Sql): Promise<void> => {
  const [row] = await sql<{ replicas: string; events: string }[]>`
    select (select count(*) from replicas where seen_at > now() - ${aliveSeconds}::integer * interval '1 second') as replicas,
           (select count(*) from outbox) as events`
  if (row!.replicas !== '0')
    throw new AdoptionRefused(
      `${row!.replicas} replicas of this service run, or did ${aliveSeconds} s ago: stop them, and try again.`,
    )
  if (row!.events !== '0')
    throw new AdoptionRefused(
      `${row!.events} events wait in the outbox: start this service until orders_outbox_events is 0, stop it, and try again.`,
    )
}

const cursorRows = 1_000

const printLost = async (sql: Sql, { list, talk }: { list: boolean; talk: Talk }): Promise<void> => {
  const kinds = await sql<{ line: string }[]>`
    select lpad(count(*)::text, 16) || '  ' || kind || ', such as ' || min(order_id::text) as line from adopt_lost group by kind order by kind`
  await talk.print(kinds.length === 0 ? 'nothing was lost on the way' : 'what the Java service cannot hold:')
  for (const { line } of kinds) await talk.print(line)
  if (!list) return
  const rows = sql<{ line: string }[]>`select order_id || ': ' || kind as line from adopt_lost order by kind, order_id`
  for await (const page of rows.cursor(cursorRows)) await talk.print(page.map(({ line }) => `lost: ${line}`).join('\n'))
}

/** `sql`: a session that sees the copy. Throws AdoptionRefused before anything was changed. */
export const goBack = async (
  sql: Sql,
  { config, list, talk }: { config: Config; list: boolean; talk: Talk },
): Promise<void> => {
  await requireNoMembers(config)
  await takeLock(sql, () => void talk.print('another process migrates or takes over; waiting for it'))
  await sql`select set_config('search_path', ${adoptedSchema}, false)`
  await requireStandstill(sql)
  const [java] = await sql<{ schema: string }[]>`select quote_ident(java_schema) as schema from adoption`
  passCrashPoint('before-back')
  await runScript(sql, backText(java!.schema))
  const [aside] = await sql<{ name: string }[]>`select name from adopt_aside`
  await printLost(sql, { list, talk })
  await talk.print(
    `the state is in the schema ${java!.schema}: start the Java service. Our copy is in the schema ${aside!.name}, until somebody drops it`,
  )
}
