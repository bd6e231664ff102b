// Who may log on, and what a session has while it is logged on: its numbers, its lease, and the log from where it heard of it last.

import type { FixSession as HeldSession, FixUseCases } from '../../app/fix.ts'
import { describe, type Log } from '../../telemetry/log.ts'
import { valueOf, type Message } from '../protocol/codec.ts'
import { isPasswordOf, type FixSession, type FixSessions } from '../sessionsFile.ts'
import type { Desk } from './desk.ts'
import type { Leases } from './leases.ts'
import type { ReportFollowing, ReportPage } from './reports.ts'
import type { Peer } from './types.ts'

export type Logon = {
  senderCompId: string
  targetCompId: string
  password: string | null
  peer: Pick<Peer, 'address' | 'certificate'>
  onPage: (page: ReportPage) => Promise<boolean>
  onLost: () => void
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
  find: (logon: Message) => FixSession | null
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
  if (networks === null) return null
  const family = peer.address.includes(':') ? 'ipv6' : 'ipv4'
  return networks.check(peer.address, family) ? null : refused('ADDRESS')
}

export const createAdmission = ({ fix, sessions, follow, leases, deskOf, now, log }: AdmissionOptions): Admission => {
  /** Sessions that are logged on here, or about to be: each has one connection. */
  const present = new Set<string>()
  /** Sessions that are being given back: a client that comes again at once waits for that. */
  const leaving = new Map<string, Promise<void>>()

  /** Follows the log. Resolves once the place of a new session is kept: no order of it may be placed before. */
  const followLog = async (session: FixSession, held: HeldSession, { onPage, onLost }: Logon) => {
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

  const take = async (session: FixSession, logon: Logon): Promise<Admitted | Refused> => {
    const held = await fix.takeSession(session.id)
    if (held === null) return refused('HELD_ELSEWHERE')
    leases.add(held.taken, logon.onLost)
    const { ok, end } = await followLog(session, held, logon)
    const giveBack = async (): Promise<void> => {
      leases.remove(held.taken)
      await end()
      await held
        .release()
        .catch((error: unknown) =>
          log.warn('a FIX session could not be given back; its lease ends by itself', describe(error)),
        )
      present.delete(session.id)
    }
    const leave = (): Promise<void> => {
      const left = giveBack().finally(() => leaving.delete(session.id))
      leaving.set(session.id, left)
      return left
    }
    if (ok) return { ok, session, held, desk: deskOf(session), leave }
    await leave()
    return refused('UNAVAILABLE')
  }

  return {
    find: ({ fields }) => sessions().find(valueOf(fields, 49) ?? '', valueOf(fields, 56) ?? ''),
    async admit(logon) {
      const session = sessions().find(logon.senderCompId, logon.targetCompId)
      const refusal = judge(session, logon)
      if (refusal !== null || session === null) return refusal ?? refused('UNKNOWN_SESSION')
      await leaving.get(session.id)?.catch(() => undefined)
      if (present.has(session.id)) return refused('LOGGED_ON')
      present.add(session.id)
      try {
        const answer = await take(session, logon)
        if (!answer.ok) present.delete(session.id)
        return answer
      } catch (error) {
        present.delete(session.id)
        log.rarely('warn', 'fix take', 'a FIX session could not be taken', describe(error))
        return refused('UNAVAILABLE')
      }
    },
  }
}
