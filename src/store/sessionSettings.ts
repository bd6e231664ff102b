// Proves that sessions have the settings that they requested when they began. A proxy before Postgres may refuse these or, worse, drop
// them: then nothing would bound a statement, and a commit could be answered before it is on disk.

import { askOnce, schemaOf, sessionOf, type DatabaseTarget } from './connection.ts'
import { codeOf } from './faults.ts'
import { MigrationRefused } from './migrate.ts'
import { pinned, planning, textArray, type Plans, type PoolLimits, type Sql } from './sql.ts'

type Settings = Readonly<Record<string, string | number>>

const advice =
  'a connection pooler such as PgBouncer seems to stand at this address, so give the address of Postgres itself, to which this service keeps few connections.'
/** The message names this many settings, and counts the rest. */
const namedMax = 3

/** Protocol violation, unknown parameter, invalid value, no right to set it. PgBouncer uses the first one for all that it refuses. */
const refusals = new Set(['08P01', '42704', '22023', '42501'])

type InForce = { name: string; setting: string; reset_val: string }

/** For TCP settings the value at the start of the session counts: if a proxy connects by a Unix socket, their present value is always 0. */
const inForce = ({ name, setting, reset_val }: InForce): string => (name.startsWith('tcp_') ? reset_val : setting)

/** Each setting that differs from the requested one, with both values. */
const differences = async (sql: Sql, requested: Settings): Promise<string[]> => {
  const names = Object.keys(requested)
  const rows = await sql<InForce[]>`
    select name, setting, reset_val from pg_settings where name = any (${textArray(names)}::text[])`
  const actual = new Map(rows.map((row) => [row.name, inForce(row)]))
  return names
    .filter((name) => actual.get(name) !== String(requested[name]))
    .map((name) => `${name} is ${actual.get(name) ?? 'unknown'} instead of ${requested[name]}`)
}

/**
 * Was the connection refused for its settings, or did it not get through? The same code may mean either. So we connect without the
 * settings: if that succeeds and the settings fail once more, it is the settings that are refused.
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
 * Opens a connection as each kind of pool does and reads the settings in force. Throws MigrationRefused if they are not the requested
 * ones; after any other error it may be tried again.
 */
export const requireSettings = async (target: DatabaseTarget, limits: Omit<PoolLimits, 'plans'>): Promise<void> => {
  const { connectTimeoutMs } = limits
  const ask = (plans: Plans): Promise<string[]> => {
    const own = pinned({ ...limits, plans })
    const schema = schemaOf(target)
    const requested = { ...own, ...(schema !== undefined && { search_path: schema }) }
    const settings = { ...sessionOf(target), ...own }
    return askOnce({ target, connectTimeoutMs, settings }, (sql) => differences(sql, requested))
  }
  const plain = () => askOnce({ target, connectTimeoutMs, settings: {} }, (sql) => sql`select 1`)
  const differing = await requireAccepted(() => Promise.all((Object.keys(planning) as Plans[]).map(ask)), plain)
  const all = [...new Set(differing.flat())]
  if (all.length === 0) return
  const more = all.length > namedMax ? ` and ${all.length - namedMax} more` : ''
  throw new MigrationRefused(
    `The settings of its sessions are not in force (${all.slice(0, namedMax).join(', ')}${more}): ${advice}`,
  )
}
