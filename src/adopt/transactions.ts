// The table of the transaction processor: in this database, or in another one.

import type { Config } from '../config/config.ts'
import { readDatabaseTarget } from '../config/databaseUrl.ts'
import { openSession, useOwnSettings, type Sql } from '../store/sql.ts'
import type { Progress } from '../telemetry/terminal.ts'
import type { JavaTables } from './javaTables.ts'
import { AdoptionRefused } from './refusal.ts'
import { copyTransactions, streamTransactions } from './sources.ts'
import type { Talk } from './talk.ts'

const address = /^(postgres(ql)?:\/\/|jdbc:)/
const table = /^[a-z_][a-z0-9_$]*(\.[a-z_][a-z0-9_$]*)?$/i

/** Loads the legs of the table into adopt_sources. `where`: as --transactions says it. */
export const loadTransactions = async (
  sql: Sql,
  { config, where, java, progress }: { config: Config; where: string; java: JavaTables; progress: Progress },
): Promise<void> => {
  if (!address.test(where)) {
    if (!table.test(where))
      throw new AdoptionRefused(
        '--transactions is neither a table (name or schema.name) nor an address (postgres://…).',
      )
    return copyTransactions(sql, where.includes('.') ? where : `${java.name}.${where}`)
  }
  const faults: string[] = []
  const { target } = readDatabaseTarget(
    where.startsWith('jdbc:') ? { SPRING_DATASOURCE_URL: where } : { DATABASE_URL: where },
    faults,
  )
  if (target === null || faults.length > 0) throw new AdoptionRefused(`--transactions: ${faults.join('; ')}`)
  const other = openSession(target, config.DB_CONNECT_TIMEOUT_MS)
  try {
    await useOwnSettings(other)
    await streamTransactions(sql, other, progress)
  } finally {
    await other.end({ timeout: 1 }).catch(() => undefined)
  }
}

/** Says how to read the table of the transaction processor, if one that is called so stands beside Java's tables. */
export const mentionTransactions = async (sql: Sql, { name }: JavaTables, { print }: Talk): Promise<void> => {
  const [row] = await sql<{ found: boolean }[]>`
    select exists (select from information_schema.columns where table_schema = ${name} and table_name = 'transactions' and column_name = 'trade_id') as found`
  if (row!.found)
    await print(
      `note: ${name}.transactions is not read; if it is the transaction processor's, it has the amounts of legs: --transactions transactions`,
    )
}
