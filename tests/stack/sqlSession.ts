// One session with the database: runs statements as a person typed them and gives the text to print. Values are shown as Postgres
// writes them, not as the driver would read them.

import postgres from 'postgres'
import { formatTable, type Cell } from './sqlTable.ts'
import { pointAt } from './sqlText.ts'

export type SqlSession = {
  /** Prints the result, or the error on stderr; answers whether it went well. */
  run: (statement: string) => Promise<boolean>
  end: () => Promise<void>
}

const printNotice = (notice: postgres.Notice): void => console.error(`${notice['severity']}:  ${notice['message']}`)

const asText = (bytes: Uint8Array | null): Cell => (bytes === null ? null : Buffer.from(bytes).toString())

/** `INSERT 0 3`, `UPDATE 1`, `CREATE TABLE`. */
const commandTag = ({ command, count }: { command: string; count: number | null }): string => {
  if (command === 'INSERT') return `INSERT 0 ${count}`
  return ['UPDATE', 'DELETE', 'MERGE'].includes(command) ? `${command} ${count}` : command
}

const describeError = (error: unknown, statement: string): string => {
  if (!(error instanceof postgres.PostgresError))
    return `ERROR:  ${error instanceof Error ? error.message : String(error)}`
  const lines = [`${error.severity}:  ${error.message} (${error.code})`]
  if (error.position) lines.push(pointAt(statement, Number(error.position)))
  if (error.detail) lines.push(`DETAIL:  ${error.detail}`)
  if (error.hint) lines.push(`HINT:  ${error.hint}`)
  return lines.join('\n')
}

const runStatement = async (sql: postgres.Sql, statement: string): Promise<boolean> => {
  if (/^\s*copy\b[\s\S]*\b(stdin|stdout)\b/i.test(statement)) {
    console.error('copy from stdin and to stdout need a real psql.')
    return false
  }
  try {
    const result = await sql.unsafe(statement).raw()
    const rows = (result as unknown as (Uint8Array | null)[][]).map((row) => row.map(asText))
    const columns = result.columns ?? []
    console.log(columns.length > 0 ? formatTable(columns, rows) : commandTag(result))
    return true
  } catch (error) {
    console.error(describeError(error, statement))
    return false
  }
}

/** One connection that is never renewed by itself: `begin` and `set` must hold. */
export const openSession = (url: string): SqlSession => {
  const options = {
    max: 1,
    max_lifetime: null,
    prepare: false,
    fetch_types: false,
    onnotice: printNotice,
    connect_timeout: 10,
  }
  const sql = postgres(url, options)
  return { run: (statement) => runStatement(sql, statement), end: () => sql.end({ timeout: 5 }) }
}
