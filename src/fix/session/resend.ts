// Sending again what a client missed: page by page, with PossDupFlag, and gap fills for what were session messages, however many. What is numbered meanwhile
// waits in the store, and goes out behind the resend as a part of it: so a client sees numbers in order, and nothing is held in memory.

import { decode, utcTimestamp, valueOf, type Field, type Message } from '../protocol/codec.ts'
import type { Fault } from '../protocol/dictionary.ts'
import { bytesOf, change } from './draft.ts'
import type { Draft, SessionInput } from './state.ts'

const nextPage = (draft: Draft): void => {
  const { resend } = draft.state
  if (resend === null) return
  draft.outputs.push({ kind: 'resend', from: resend.at, to: resend.to, limit: draft.config.limits.resendPage })
}

/** What a ResendRequest asks for, or why it cannot be. */
export const resendFault = (draft: Draft, message: Message): Fault | null => {
  const [from, to] = [Number(valueOf(message.fields, 7)), Number(valueOf(message.fields, 16))]
  if (from < 1 || from >= draft.state.nextOut) return { reason: 5, tag: 7 }
  return to !== 0 && to < from ? { reason: 5, tag: 16 } : null
}

/** Begins a resend, in place of one that is under way. */
export const beginResend = (draft: Draft, message: Message): void => {
  const last = draft.state.nextOut - 1
  const to = Number(valueOf(message.fields, 16))
  change(draft, {
    resend: { at: Number(valueOf(message.fields, 7)), to: to === 0 ? last : Math.min(to, last), gap: null },
  })
  nextPage(draft)
}

const fillGap = (draft: Draft, next: number): void => {
  const { resend } = draft.state
  if (resend === null || resend.gap === null) return
  const body: Field[] = [
    [36, String(next)],
    [123, 'Y'],
  ]
  const bytes = bytesOf(draft, { number: resend.gap, possDup: utcTimestamp(draft.now), type: '4', body })
  draft.outputs.push({ kind: 'send', bytes })
}

const ownHeader = new Set([34, 43, 49, 52, 56, 122])

const sendAgain = (draft: Draft, number: number, bytes: Uint8Array): boolean => {
  const message = decode(bytes)
  if (message === null) return false
  const { type, fields } = message
  fillGap(draft, number)
  const possDup = valueOf(fields, 122) ?? valueOf(fields, 52) ?? utcTimestamp(draft.now)
  const body = fields.filter(([tag]) => !ownHeader.has(tag))
  const routing = body.filter(([tag]) => tag === 97 || (tag >= 115 && tag <= 145 && routingTags.has(tag)))
  const rest = body.filter((field) => !routing.includes(field))
  draft.outputs.push({ kind: 'send', bytes: bytesOf(draft, { number, possDup, type, body: rest, header: routing }) })
  return true
}

const routingTags = new Set([115, 116, 128, 129, 144, 145])

/** A page of what was sent. One that nobody waits for is passed over; of one that a resend before asked for, what lies behind the end of this one. */
export const resent = (draft: Draft, page: Extract<SessionInput, { kind: 'resent' }>): void => {
  const { resend, phase } = draft.state
  if (phase !== 'active' || resend === null || page.from !== resend.at) return
  const to = Math.min(page.to, resend.to)
  for (const { number, bytes } of page.messages) {
    const { at, gap } = draft.state.resend ?? resend
    if (number < at || number > to) continue
    change(draft, { resend: { ...resend, at, gap: number > at ? (gap ?? at) : gap } })
    const isSent = sendAgain(draft, number, bytes)
    change(draft, { resend: { ...resend, at: number + 1, gap: isSent ? null : (draft.state.resend?.gap ?? number) } })
  }
  const { at, gap } = draft.state.resend ?? resend
  change(draft, {
    sentAt: draft.now,
    resend: { ...resend, at: to + 1, gap: at <= to ? (gap ?? at) : gap },
  })
  if (to < resend.to) return nextPage(draft)
  fillGap(draft, to + 1)
  finish(draft)
}

/** Goes on with what was held back meanwhile, until nothing is. */
const finish = (draft: Draft): void => {
  const { held, nextOut } = draft.state
  change(draft, { held: null, resend: held === null ? null : { at: held, to: nextOut - 1, gap: null } })
  nextPage(draft)
}
