// What a client is told of its own accord: the reports of events as the log grows, and once more what it missed.

import type { SentMessage } from '../../store/fixSent.ts'
import { encode, utcTimestamp } from '../protocol/codec.ts'
import type { Outgoing } from '../session/state.ts'
import type { Feed, Wanted } from './feeding.ts'
import { encodeReports, type ReportPage } from './reports.ts'
import { Ended, heldOf, type Talk } from './talk.ts'

export type Telling = {
  /** Numbers the reports of a page, keeps its place, then sends them. */
  report: (page: ReportPage) => Promise<void>
  /** Sends again a page of what was sent. */
  resend: (wanted: Wanted) => Promise<void>
}

export const createTelling = (talk: Talk, feed: Feed): Telling => {
  const reportsOf = (events: ReportPage['events']): Outgoing[] => encodeReports(events, talk.admitted!.session)

  /** What was sent under a number: its bytes, or its report, made again. */
  const bytesOf = (sent: SentMessage): Uint8Array => {
    if ('body' in sent) return sent.body
    const [{ type, body }] = reportsOf([sent.event]) as [Outgoing]
    const header = [
      [34, String(sent.number)],
      [49, talk.config.ours],
      [52, utcTimestamp(sent.at.getTime())],
      [56, talk.config.theirs],
    ] as const
    return encode(type, header, body)
  }

  return {
    async report({ from, to, events }) {
      const at = talk.now()
      const named = events.map(({ order }) => ({ orderId: order.id, version: order.version }))
      const answer = await heldOf(talk).report({ from, to, events: named, at: new Date(at) })
      if (!answer.ok) throw new Ended(answer.code)
      const [first] = answer.reports
      if (first === undefined) return
      // Those that have a number already were told.
      const fresh = new Set(answer.reports.map(({ orderId, version }) => `${orderId} ${version}`))
      const messages = reportsOf(events.filter(({ order }) => fresh.has(`${order.id} ${order.version}`)))
      await feed({ kind: 'send', messages }, { stored: first.number }, at)
    },
    async resend({ from, to, limit }) {
      const found = await heldOf(talk).sent({ from, to, limit })
      const messages = found.map((one) => ({ number: one.number, bytes: bytesOf(one) }))
      const covered = found.length < limit ? to : found.at(-1)!.number
      await feed({ kind: 'resent', from, to: covered, messages })
    },
  }
}
