// Whether the sessions have what was asked for when they began. What stands between this service and Postgres may refuse it or,
// worse, drop it: then nothing would bound a statement, and no commit would have to be on disk before its answer.

import { askOnce, sessionOf, type DatabaseTarget } from './connection.ts'
import { codeOf } from './faults.ts'
import { MigrationRefused } from './migrate.ts'
import { pinned, textArray, type Plans, type PoolLimits, type Sql } from './sql.ts'

type Settings = Readonly<Record<string, string | number>>

const advice =
  'a connection pooler such as PgBouncer seems to stand at this address, so give that of Postgres itself, of which this service keeps few connections.'
/** More are counted, not named. */
const namedMax = 3

/** Protocol violation, unknown parameter, invalid value, no right to set it. PgBouncer says the first of whatever it refuses. */
const refusals = new Set(['08P01', '42704', '22023', '42501'])

type InForce = { name: string; setting: string; reset_val: string }

/** What the session began with counts for TCP: where a proxy comes by a socket of Unix they are shown as 0, whatever was asked. */
const inForce = ({ name, setting, reset_val }: InForce): string => (name.startsWith('tcp_') ? reset_val : setting)

/** Each setting that is another than was asked for, with both values. */
const differences = async (sql: Sql, wanted: Settings): Promise<string[]> => {
  const names = Object.keys(wanted)
  const rows = await sql<InForce[]>`
    select name, setting, reset_val from pg_settings where name = any (${textArray(names)}::text[])`
  const found = new Map(rows.map((row) => [row.name, inForce(row)]))
  return names
    .filter((name) => found.get(name) !== String(wanted[name]))
    .map((name) => `${name} is ${found.get(name) ?? 'unknown'} instead of ${wanted[name]}`)
}

/**
 * Refused, or not reached? The same code may mean either, so the question is put without the settings: whoever answers that,
 * and refuses them again afterwards, refuses them.
 */
const requireAccepted = async <T>(attempt: () => Promise<T>, plain: () => Promise<unknown>): Promise<T> => {
  try {
    return await attempt()
  } catch (error) {
    if (!refusals.has(codeOf(error))) throw error
  }
  await plain()
  try {
    return await attempt()
  } catch (error) {
    if (!refusals.has(codeOf(error)) || !(error instanceof Error)) throw error
    throw new MigrationRefused(`The settings of its sessions are refused (${error.message}): ${advice}`, {
      cause: error,
    })
  }
}

/**
 * Opens a connection as each kind of pool does and asks what is in force. Throws MigrationRefused where that is not what was
 * asked for; whatever else it throws may be tried again.
 */
export const requireSettings = async (target: DatabaseTarget, limits: Omit<PoolLimits, 'plans'>): Promise<void> => {
  const { connectTimeoutMs } = limits
  const ask = (plans: Plans): Promise<string[]> => {
    const own = pinned({ ...limits, plans })
    const wanted = { ...own, ...(target.schema !== undefined && { search_path: target.schema }) }
    const settings = { ...sessionOf(target), ...own }
    return askOnce({ target, connectTimeoutMs, settings }, (sql) => differences(sql, wanted))
  }
  const plain = () => askOnce({ target, connectTimeoutMs, settings: {} }, (sql) => sql`select 1`)
  const found = await requireAccepted(() => Promise.all([ask('keys'), ask('sets')]), plain)
  const all = [...new Set(found.flat())]
  if (all.length === 0) return
  const more = all.length > namedMax ? ` and ${all.length - namedMax} more` : ''
  throw new MigrationRefused(
    `The settings of its sessions are not in force (${all.slice(0, namedMax).join(', ')}${more}): ${advice}`,
  )
}
