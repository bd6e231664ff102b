// JSON lines on standard output, one event a line. Nothing secret is ever passed here.

export const levels = ['debug', 'info', 'warn', 'error'] as const
export type Level = (typeof levels)[number]
type Fields = Record<string, string | number | boolean | null | undefined | readonly string[] | readonly number[]>

export type Log = Record<Level, (message: string, fields?: Fields) => void> & {
  /** Whether `debug` writes anything. Ask before gathering fields that cost something. */
  readonly debugging: boolean
  /** Writes at most one line for each `key` in `everyMs`; the next one says how many were left out. */
  rarely: (level: Level, key: string, message: string, fields?: Fields) => void
}

const everyMs = 5_000
const keysMax = 1_000

/**
 * The message with that of its root cause: unwraps the first of an AggregateError, then `cause`, recursively. The root has what the
 * broker or the database said.
 */
const fullMessage = (error: Error, wrappers: readonly Error[] = []): string => {
  const inner: unknown = error instanceof AggregateError ? (error.errors[0] ?? error.cause) : error.cause
  // An error that is its own cause, through others or not, ends where it began.
  if (!(inner instanceof Error) || inner === error || wrappers.includes(inner)) return error.message
  const cause = fullMessage(inner, [...wrappers, error])
  // The wrapper may repeat its cause already.
  return error.message.includes(cause) ? error.message : `${error.message}: ${cause}`
}

/** The part of an error that may be shown: its message and code, never a statement or its parameters. */
export const describe = (error: unknown): { error: string; errorCode?: string } => {
  if (!(error instanceof Error)) return { error: String(error) }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  return { error: fullMessage(error), ...(code === undefined ? {} : { errorCode: code }) }
}

export const createLog = (threshold: Level, write: (line: string) => void): Log => {
  const least = levels.indexOf(threshold)
  const lastAt = new Map<string, { at: number; leftOut: number }>()

  const emit = (level: Level, message: string, fields: Fields = {}): void => {
    if (levels.indexOf(level) < least) return
    write(JSON.stringify({ time: new Date().toISOString(), level, message, ...fields }))
  }

  const rarely: Log['rarely'] = (level, key, message, fields = {}) => {
    const last = lastAt.get(key)
    const now = performance.now()
    if (last !== undefined && now - last.at < everyMs) {
      last.leftOut++
      return
    }
    if (lastAt.size >= keysMax) lastAt.clear()
    lastAt.set(key, { at: now, leftOut: 0 })
    emit(level, message, last === undefined || last.leftOut === 0 ? fields : { ...fields, leftOut: last.leftOut })
  }

  return {
    debugging: least === 0,
    debug: (message, fields) => emit('debug', message, fields),
    info: (message, fields) => emit('info', message, fields),
    warn: (message, fields) => emit('warn', message, fields),
    error: (message, fields) => emit('error', message, fields),
    rarely,
  }
}
