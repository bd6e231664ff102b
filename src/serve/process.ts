// How the process ends: asked to by a signal, or by a bug that nothing caught.

import { readFileSync } from 'node:fs'
import { describe, type Log } from '../telemetry/log.ts'
import { storeFault } from '../store/faults.ts'

/** Whatever asks a process to end: a supervisor, Ctrl-C, a terminal that closes, and SIGQUIT, as servers are asked for a clean end. */
const endings = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const

/** Whoever started us with SIGHUP ignored (`nohup`) wants us to outlive the terminal. Off Linux nobody can tell. */
const outlivesTerminal = (): boolean => {
  try {
    const ignored = /^SigIgn:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'
    return (Number.parseInt(ignored.at(-1)!, 16) & 1) === 1
  } catch {
    return false
  }
}

/** Aborts `stopping` at the first signal that asks to end; a second one ends the process at once. */
export const stopOnSignals = (log: Log, stopping: AbortController): void => {
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stopping.signal.aborted) {
      log.warn('a second signal: exiting at once', { signal })
      process.exit(130)
    }
    log.info('stopping', { signal })
    stopping.abort()
  }
  for (const signal of endings) if (signal !== 'SIGHUP' || !outlivesTerminal()) process.on(signal, onSignal)
}

/** A bug that nothing caught leaves unknown state behind: end, and let the next start find the truth in Postgres. */
export const exitOnBugs = (log: Log): void => {
  const onBug = (error: unknown): never => {
    log.error('a bug stopped the service', {
      ...describe(error),
      stack: error instanceof Error ? (error.stack ?? null) : null,
    })
    process.exit(70)
  }
  process.on('uncaughtException', onBug)
  // The driver awaits nobody's promise for the types it reads on a new connection; a backend that ends then is no bug of ours.
  process.on('unhandledRejection', (error) => {
    const fault = storeFault(error)
    if (fault === 'unavailable' || fault === 'unknown')
      log.rarely('warn', 'driver', 'postgres ended a connection while it was opened', describe(error))
    else onBug(error)
  })
}
