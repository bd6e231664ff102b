// How the process ends: on a signal, or after a bug that nothing caught.

import { readFileSync } from 'node:fs'
import { storeFault } from '../store/faults.ts'
import { describe, type Log } from '../telemetry/log.ts'

/** The signals that ask for an end: from a supervisor, from Ctrl-C, from a terminal that closes; SIGQUIT is a server's "end cleanly". */
const stopSignals = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const

/** Whether SIGHUP is ignored (`nohup`): then the process should outlive its terminal. False if the system does not say. */
const outlivesTerminal = (): boolean => {
  try {
    const ignored = /^SigIgn:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'
    return (Number.parseInt(ignored.at(-1)!, 16) & 1) === 1
  } catch {
    return false
  }
}

/** Aborts `stopping` on the first stop signal; a second one ends the process at once. */
export const stopOnSignals = (log: Log, stopping: AbortController): void => {
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stopping.signal.aborted) {
      log.warn('a second signal: exiting at once', { signal })
      process.exit(130)
    }
    log.info('stopping', { signal })
    stopping.abort()
  }
  for (const signal of stopSignals) if (signal !== 'SIGHUP' || !outlivesTerminal()) process.on(signal, onSignal)
}

/** A bug that nothing caught leaves the memory in an unknown state: exit, and let the next start read the truth from Postgres. */
export const exitOnBugs = (log: Log): void => {
  const onBug = (error: unknown): never => {
    log.error('a bug stopped the service', {
      ...describe(error),
      stack: error instanceof Error ? (error.stack ?? null) : null,
    })
    process.exit(70)
  }
  process.on('uncaughtException', onBug)
  // The driver reads types on a new connection in a promise that nobody awaits. If the backend ends meanwhile, that is no bug of ours.
  process.on('unhandledRejection', (error) => {
    const fault = storeFault(error)
    if (fault === 'unavailable' || fault === 'unknown')
      log.rarely('warn', 'driver', 'postgres ended a connection while it was opened', describe(error))
    else onBug(error)
  })
}
