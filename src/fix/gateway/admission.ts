// Who may log on, and what a session has while it is logged on: its numbers, its lease, and the log from where it heard of it last.

import type { FixSession as HeldSession, FixUseCases } from '../../app/fix.ts'
import { describe, type Log } from '../../telemetry/log.ts'
import { isIn } from '../networks.ts'
import { valueOf, type Message } from '../protocol/codec.ts'
import { isPasswordOf, type FixSession, type FixSessions } from '../sessionsFile.ts'
import type { Desk } from './desk.ts'
import type { Leases } from './leases.ts'
import type { ReportFollowing, ReportPage } from './reports.ts'
import type { Peer } from './types.ts'

type CompIds = { senderCompId: string; targetCompId: string }

export const compIdsOf = ({ fields }: Message): CompIds => ({
  senderCompId: valueOf(fields, 49) ?? '',
  targetCompId: valueOf(fields, 56) ?? '',
})

type Logon = CompIds & {
  password: string | null
  peer: Pick<Peer, 'address' | 'certificate'>
  onPage: (page: ReportPage) => Promise<boolean>
  onLost: () => void
  /** Somebody else who may logs on to the session. */
  onRival: () => void
}

/** `leave` gives the session back once what is under way has come to its end. */
export type Admitted = { ok: true; session: FixSession; held: HeldSession; desk: Desk; leave: () => Promise<void> }

/** Why a logon is refused, for the log: the client is told nothing. */
type Refused = {
  ok: false
  reason: 'UNKNOWN_SESSION' | 'PASSWORD' | 'CERTIFICATE' | 'ADDRESS' | 'LOGGED_ON' | 'HELD_ELSEWHERE' | 'UNAVAILABLE'
}

export type Admission = {
  /** The session of a logon's CompIDs, before anything is checked. */
  find: (compIds: CompIds) => FixSession | null
  admit: (logon: Logon) => Promise<Admitted | Refused>
}

export type AdmissionOptions = {
  fix: Pick<FixUseCases, 'takeSession'>
  sessions: () => FixSessions
  follow: ReportFollowing
  leases: Leases
  deskOf: (session: FixSession) => Desk
  now: () => number
  log: Log
}

const refused = (reason: Refused['reason']): Refused => ({ ok: false, reason })

const judge = (session: FixSession | null, { password, peer }: Logon): Refused | null => {
  if (!isPasswordOf(session, password)) return refused(session === null ? 'UNKNOWN_SESSION' : 'PASSWORD')
  const { certificate, networks } = session!
  if (certificate !== null && certificate !== peer.certificate) return refused('CERTIFICATE')
  return networks === null || isIn(networks, peer.address) ? null : refused('ADDRESS')
}

/** Follows the log for a session. Resolves once the place of a new session is kept: no order of it may be placed before. */
const followLog = async (
  { follow, now, log }: Pick<AdmissionOptions, 'follow' | 'now' | 'log'>,
  session: FixSession,
  held: HeldSession,
  { onPage, onLost }: Pick<Logon, 'onPage' | 'onLost'>,
) => {
  const stop = new AbortController()
  const begun = Promise.withResolvers<boolean>()
  if (held.taken.place !== null) begun.resolve(true)
  // The first page of a new session has no events: it says only where the session begins, before there is a conversation.
  const keep = async (page: ReportPage): Promise<boolean> => {
    if (page.from !== null) return onPage(page)
    const { ok } = await held.report({ ...page, from: null, events: [], at: new Date(now()) })
    begun.resolve(ok)
    return ok
  }
  const following = follow(session, held.taken.place, { onPage: keep, signal: stop.signal })
    .catch((error: unknown) => {
      log.error('the log could not be followed for a FIX session', { session: session.id, ...describe(error) })
      onLost()
    })
    .finally(() => begun.resolve(false))
  const end = async (): Promise<void> => {
    stop.abort()
    await following
  }
  return { ok: await begun.promise, end }
}

/** Sessions that are logged on here: each has one connection. Who logs on while the one before is being given back waits for that. */
const createPresence = () => {
  /** By its id, whom to tell that somebody else logs on to it; or what has to be awaited first. */
  const present = new Map<string, { onRival: () => void } | { left: Promise<void> }>()
  return {
    /** False: it is logged on. */
    async enter(id: string, onRival: () => void): Promise<boolean> {
      const before = present.get(id)
      if (before !== undefined && 'onRival' in before) {
        before.onRival()
        return false
      }
      await before?.left
      // Of two that waited one comes in.
      if (present.has(id)) return false
      present.set(id, { onRival })
      return true
    },
    leave: (id: string, left: Promise<void>): Promise<void> => {
      const gone = left.finally(() => present.delete(id))
      present.set(id, { left: gone })
      return gone
    },
  }
}

export const createAdmission = (options: AdmissionOptions): Admission => {
  const { fix, sessions, leases, deskOf, log } = options
  const presence = createPresence()

  const giveBack = async (held: HeldSession, end: () => Promise<void>): Promise<void> => {
    leases.remove(held.taken)
    await end()
    await held
      .release()
      .catch((error: unknown) =>
        log.warn('a FIX session could not be given back; its lease ends by itself', describe(error)),
      )
  }

  /** Only who entered may. */
  const refuse = async ({ id }: FixSession, reason: Refused['reason']): Promise<Refused> => {
    await presence.leave(id, Promise.resolve())
    return refused(reason)
  }

  const take = async (session: FixSession, logon: Logon): Promise<Admitted | Refused> => {
    let held: HeldSession | null
    try {
      held = await fix.takeSession(session.id)
    } catch (error) {
      log.rarely('warn', 'fix take', 'a FIX session could not be taken', describe(error))
      return refuse(session, 'UNAVAILABLE')
    }
    if (held === null) return refuse(session, 'HELD_ELSEWHERE')
    leases.add(held.taken, logon.onLost)
    const { ok, end } = await followLog(options, session, held, logon)
    const leave = once(() => presence.leave(session.id, giveBack(held, end)))
    if (ok) return { ok, session, held, desk: deskOf(session), leave }
    await leave()
    return refused('UNAVAILABLE')
  }

  return {
    find: ({ senderCompId, targetCompId }) => sessions().find(senderCompId, targetCompId),
    async admit(logon) {
      const session = sessions().find(logon.senderCompId, logon.targetCompId)
      const refusal = judge(session, logon)
      if (refusal !== null || session === null) return refusal ?? refused('UNKNOWN_SESSION')
      if (!(await presence.enter(session.id, logon.onRival))) return refused('LOGGED_ON')
      return take(session, logon)
    },
  }
}

const once = (run: () => Promise<void>): (() => Promise<void>) => {
  let running: Promise<void> | null = null
  return () => (running ??= run())
}
