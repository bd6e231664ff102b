// The FIX door, if its port is set: its sessions, its gateway, its port. Its code is loaded here, and only then.

import type { Service } from '../app/service.ts'
import type { Config } from '../config/config.ts'
import { fixCertificateOf } from '../config/transport.ts'
import type { FixListener } from '../fix/gateway/transport.ts'
import type { FixSessions } from '../fix/sessionsFile.ts'
import { watchFile, type WatchedFile } from '../http/gates/auth/watchedFile.ts'
import type { ServerCertificate } from '../http/listener.ts'
import type { FixState } from '../metrics/fixState.ts'
import type { Observers } from '../metrics/observers.ts'
import type { Pool } from '../store/sql.ts'
import { describe, type Log } from '../telemetry/log.ts'
import { amountDigitsOf } from './contracts.ts'
import { openPool } from './service.ts'
import type { SessionRules } from './session.ts'

/** How many sessions that were away read the log at a time, each by itself. */
const lanes = 2

export type FixDoor = Pick<FixListener, 'stop'> & {
  /** To be closed after it. */
  pools: Readonly<Record<string, Pool>>
  /** New connections see this certificate. */
  renew: (tls: ServerCertificate) => void
  /** The log may have grown. */
  ring: () => void
  state: () => FixState
}

type SessionsFile = WatchedFile<FixSessions>

/** The file of sessions, or the faults of the configuration; null: there is no port for them. */
export const fixSessionsOrFaults = async (config: Config, log: Log): Promise<SessionsFile | null | string[]> => {
  if (config.FIX_PORT === 0) return null
  const { createSessionsParser } = await import('../fix/sessionsFile.ts')
  const parseSessions = createSessionsParser()
  const asksForCertificates = (fixCertificateOf(config)?.clientCa ?? null) !== null
  const parse = (text: string): FixSessions => {
    const sessions = parseSessions(text)
    const at = sessions.all.findIndex(({ certificate }) => certificate !== null)
    if (at >= 0 && !asksForCertificates)
      throw new Error(`session ${at + 1}: certificate needs FIX_TLS_CLIENT_CA_FILE, and a certificate of the port`)
    return sessions
  }
  try {
    return watchFile({ path: config.FIX_SESSIONS_FILE, setting: 'FIX_SESSIONS_FILE', parse, log })
  } catch (error) {
    return [`FIX_SESSIONS_FILE: the file cannot be used: ${describe(error).error}`]
  }
}

export type FixDoorParts = Pick<SessionRules, 'calendar'> & {
  config: Config
  log: Log
  observers: Observers
  service: Pick<Service, 'fix' | 'cancelMany'>
  sessions: SessionsFile | null
  /** Whether connections are taken now. */
  ready: () => boolean
  now: () => Date
  newId: (at: Date) => string
}

/** Null: there is no port. `failed`: it cannot be opened; the reason is in the log then. */
export const openFixDoor = async (parts: FixDoorParts): Promise<FixDoor | null | 'failed'> => {
  const { config, log, observers, service, sessions, calendar, ready, now, newId } = parts
  if (sessions === null || service.fix === null) return null
  const { FIX_HOST: hostname, FIX_PORT: port } = config
  const [{ createGateway }, { openFix }, { createLogPages }] = await Promise.all([
    import('../fix/gateway/gateway.ts'),
    import('../fix/gateway/transport.ts'),
    import('../tail/pages/pages.ts'),
  ])
  const pool = openPool(config, 'fix', observers)
  const clock = (): number => performance.now()
  const gateway = createGateway({
    fix: service.fix,
    cancelMany: service.cancelMany,
    pages: createLogPages({ db: pool, lanes, pollMs: config.EVENTS_POLL_MS, now, log }),
    sessions: () => sessions.current(),
    calendar,
    digits: amountDigitsOf(config),
    gtdMaxDays: config.GTD_MAX_DAYS,
    newId,
    now: () => now().getTime(),
    elapsed: clock,
    log,
    onBug: (error) => log.error('a FIX session failed', describe(error)),
  })
  const limits = {
    connections: config.FIX_CONNECTIONS_MAX,
    connectionsPerAddress: config.FIX_CONNECTIONS_PER_ADDRESS_MAX,
    unsentBytes: config.FIX_UNSENT_MAX_BYTES,
  }
  try {
    const options = { gateway, ready, limits, observer: observers.fix, log, now: clock }
    const listener = openFix(options, { hostname, port, tls: fixCertificateOf(config) })
    const { renew, stop } = listener
    return {
      pools: { fix: pool },
      renew,
      stop,
      ring: gateway.ring,
      state: () => ({ ...listener.state(), ...gateway.state() }),
    }
  } catch (error) {
    log.error(`cannot listen on ${hostname}:${port}: free the port or set FIX_PORT`, describe(error))
    return 'failed'
  }
}
