// All sessions of FIX of this replica: what the transport opens becomes a conversation.

import { BlockList } from 'node:net'
import type { FixUseCases } from '../../app/fix.ts'
import type { LogPages } from '../../app/logPages.ts'
import type { ManyUseCases } from '../../app/many.ts'
import type { AmountDigits } from '../../domain/decimal.ts'
import type { Calendar } from '../../domain/session.ts'
import type { Log } from '../../telemetry/log.ts'
import type { FixSession, FixSessions } from '../sessionsFile.ts'
import { createAdmission } from './admission.ts'
import { createConversation, type OpenConversation } from './conversation.ts'
import { createDesk } from './desk.ts'
import { createLeases } from './leases.ts'
import { createReportFollowing } from './reports.ts'
import type { Gateway } from './types.ts'

export type GatewayOptions = {
  fix: FixUseCases
  cancelMany: ManyUseCases['cancelMany']
  pages: Pick<LogPages, 'follow' | 'ring' | 'state'>
  /** As the file says now. */
  sessions: () => FixSessions
  calendar: () => Calendar
  digits: AmountDigits
  gtdMaxDays: number
  newId: (at: Date) => string
  /** ms since 1970 */
  now: () => number
  /** ms that really went by, whatever the clock says */
  elapsed: () => number
  log: Log
  onBug: (error: unknown) => void
}

const withdrawn = 'the session was changed or taken away: log on again'
const stopping = 'the service stops: log on again'

export const createGateway = (options: GatewayOptions): Gateway => {
  const { fix, cancelMany, pages, sessions, calendar, digits, gtdMaxDays, newId, now, elapsed, log, onBug } = options
  const open = new Set<OpenConversation>()
  const stop = new AbortController()

  /** Who was let in by a file that says something else now has to log on again. */
  const withdraw = (): void => {
    const file = sessions()
    for (const conversation of open) {
      const session = conversation.session()
      if (session !== null && !file.all.includes(session) && !isSame(session, file)) void conversation.logout(withdrawn)
    }
  }

  const leases = createLeases(fix, { log, onRenewed: withdraw })
  const admission = createAdmission({
    fix,
    sessions,
    follow: createReportFollowing(pages),
    leases,
    deskOf: (session) => createDesk({ session, fix, cancelMany, calendar, digits, gtdMaxDays, newId, onBug }),
    now,
    log,
  })
  const renewals = leases.run(stop.signal)

  return {
    open(peer) {
      const conversation = createConversation({
        peer,
        admission,
        log,
        now,
        elapsed,
        onBug,
        onEnd: () => open.delete(conversation),
      })
      open.add(conversation)
      return conversation
    },
    ring: () => pages.ring(),
    state() {
      const waits = [...open].map((conversation) => conversation.reportsWaitMs())
      return {
        sessions: [...open].filter((conversation) => conversation.session() !== null).length,
        // Also what was read and waits for the page before, and for how long the log could not be read.
        reportsWaitMs: Math.max(0, ...waits, ...pages.state().readers.map(({ oldestAgeMs }) => oldestAgeMs)),
      }
    },
    async stop() {
      await Promise.all([...open].map((conversation) => conversation.logout(stopping)))
      stop.abort()
      await renewals
    },
  }
}

const textOf = (session: FixSession): string =>
  JSON.stringify(session, (_, value: unknown) => {
    if (value instanceof Map || value instanceof Set) return [...(value as Iterable<unknown>)]
    if (value instanceof BlockList) return value.rules
    return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
  })

/** Whether the file, read again, still says the same of a session. */
const isSame = (session: FixSession, file: FixSessions): boolean => {
  const present = file.find(session.senderCompId, session.targetCompId)
  return present !== null && textOf(present) === textOf(session)
}
