// Sorts the errors of statements by what the owner of the statement may do next.

/**
 * `data`: a row of this batch is at fault; split. `contention`: rolled back, retry whole. `unavailable`: nothing was stored and nothing can
 * be now. `unknown`: the answer was lost, so the statement may have been committed; retry only what is idempotent. `bug`: none of these.
 */
export type StoreFault = 'data' | 'contention' | 'unavailable' | 'unknown' | 'bug'

/** The rules changed each time that a batch was judged by them: nothing was stored. */
export class RulesChanged extends Error {
  override name = 'RulesChanged'
  readonly code = 'RULES_CHANGED'
}

const lockTimeout = '55P03'
/** Deadlock, serialization failure, lock timeout, statement timeout: Postgres rolled the statement back. */
const contention = new Set(['40P01', '40001', lockTimeout, '57014', 'RULES_CHANGED'])
/**
 * Raised before or instead of running a statement. 25006: a read-only standby after a failover; 42501: a right is missing; 54000: the server
 * takes no new transactions, because their numbers would wrap around (of our own statements none can exceed a limit of the server).
 */
const unavailable = new Set([
  'TLS_REFUSED',
  'NO_WRITABLE_SERVER',
  'GATE_BUSY',
  'ECONNREFUSED',
  'CONNECT_TIMEOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  '57P03',
  '25006',
  '42501',
  '54000',
])
/**
 * Classes that Postgres rolls back because it lacks a resource (53: connections, memory, disk; 58: I/O), a login (28) or a database (3D).
 * XX: Postgres calls it an internal error of its own; an exhausted disk quota or a file that may not grow has no other code. An error that
 * ends its backend (a PANIC because the disk of the log is full, after which a commit may stand) never arrives with its code: the driver
 * waits for the next message and reports CONNECTION_CLOSED.
 */
const unavailableClass = new Set(['53', '58', '28', '3D', 'XX'])
/** Errors of a socket: the statement may have been sent already, so its outcome is unknown. (ENOENT and the like cannot come from TCP.) */
const unknown = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  'DEADLINE_PASSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ECONNABORTED',
  // The server ended the session: an administrator, a crash, its database is gone, a time-out of the operator's.
  '57P01',
  '57P02',
  '57P04',
  '57P05',
  '25P03',
  '25P04',
])

/** While a connection is being opened, nothing has been sent. Later, a statement may be on its way to a server that is out of reach now. */
const unreachable = new Set(['EHOSTUNREACH', 'ENETUNREACH'])
const isConnecting = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'syscall' in error && error.syscall === 'connect'

/** An alert from the other side, or a damaged record: a statement may have been sent before. */
const tlsPrefix = 'ERR_SSL_'

const sqlState = /^[0-9A-Z]{5}$/

export const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : ''

/** Postgres canceled the statement, as a rule because it took longer than its time-out: with fewer rows it may get through. */
export const isTooSlow = (error: unknown): boolean => codeOf(error) === '57014'

export const storeFault = (error: unknown): StoreFault => {
  const code = codeOf(error)
  if (contention.has(code)) return 'contention'
  if (unavailable.has(code)) return 'unavailable'
  if (unreachable.has(code)) return isConnecting(error) ? 'unavailable' : 'unknown'
  if (unknown.has(code) || code.startsWith(tlsPrefix)) return 'unknown'
  if (!sqlState.test(code)) return 'bug'
  const sqlClass = code.slice(0, 2)
  if (sqlClass === '22' || sqlClass === '23') return 'data'
  if (sqlClass === '08') return 'unknown'
  return unavailableClass.has(sqlClass) ? 'unavailable' : 'bug'
}

/** A statement waited for a lock as long as it may. */
export const isLockTimeout = (error: unknown): boolean => codeOf(error) === lockTimeout

/** A write on a server that takes no writes: a standby, or a primary that was made read-only. */
export const isReadOnly = (error: unknown): boolean => codeOf(error) === '25006'
