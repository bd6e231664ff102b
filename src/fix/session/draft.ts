// What every part of a step does: number and send messages, take a number in, close, begin the numbers again.

import { encode, utcTimestamp, valueOf, type Field, type Message } from '../protocol/codec.ts'
import { rejectTexts, type Fault } from '../protocol/dictionary.ts'
import type { CloseReason, Draft, Outgoing, SessionState } from './state.ts'

export const change = (draft: Draft, changes: Partial<SessionState>): void => {
  draft.state = { ...draft.state, ...changes }
}

const headerOrder = ([left]: Field, [right]: Field): number => left - right

type Numbered = { number: number; possDup?: string } & Outgoing

/** `possDup`: the OrigSendingTime of a message that goes out again. */
export const bytesOf = ({ config, now }: Draft, { number, possDup, type, body, header = [] }: Numbered): Uint8Array => {
  const own: Field[] = [
    [34, String(number)],
    [49, config.ours],
    [52, utcTimestamp(now)],
    [56, config.theirs],
    ...(possDup === undefined
      ? []
      : ([
          [43, 'Y'],
          [122, possDup],
        ] as const)),
  ]
  return encode(type, [...own, ...header].toSorted(headerOrder), body)
}

/** Takes in `consumes`, if there is one, and numbers and sends `messages`: one record, then the bytes. */
export const emit = (draft: Draft, messages: readonly Outgoing[], consumes: number | null = null): void => {
  const sent = messages.map((message, index) => {
    const number = draft.state.nextOut + index
    return { number, type: message.type, bytes: bytesOf(draft, { number, ...message }) }
  })
  const nextIn = consumes === null ? null : consumes + 1
  draft.outputs.push({ kind: 'record', nextIn, sent })
  if (nextIn !== null) takeIn(draft, nextIn)
  if (sent.length === 0) return
  const first = draft.state.nextOut
  change(draft, { nextOut: first + sent.length, sentAt: draft.now })
  const { phase, resend, held } = draft.state
  if (phase !== 'active' && phase !== 'leaving') return
  if (resend !== null) change(draft, { held: held ?? first })
  else for (const { bytes } of sent) draft.outputs.push({ kind: 'send', bytes })
}

/** What has to happen when `nextIn` is the next number to be taken in. */
export const takeIn = (draft: Draft, nextIn: number): void => {
  const { state, now } = draft
  change(draft, {
    // An answer of the application may record a number that was delivered, and so taken in, before.
    nextIn: Math.max(nextIn, state.nextIn),
    pending: nextIn > state.nextIn ? state.pending + 1 : state.pending,
    asked: state.asked === null ? null : { ...state.asked, at: now },
  })
}

/** `detail`: a sentence for the log. */
export const close = (draft: Draft, reason: CloseReason, detail?: string): void => {
  draft.outputs.push({ kind: 'close', reason, ...(detail !== undefined && { detail }) })
  leave(draft)
}

/** The connection is gone: what belongs to it goes too. What is pending stays. */
export const leave = (draft: Draft): void =>
  change(draft, {
    phase: 'closed',
    logon: null,
    queue: new Map(),
    highest: 0,
    asked: null,
    dropped: false,
    resend: null,
    held: null,
    testing: false,
  })

/** A logout goes out whatever else is under way; what a resend left out is asked for again. */
export const sendLogout = (draft: Draft, text: string | null, consumes: number | null = null): void => {
  change(draft, { resend: null, held: null })
  emit(draft, [{ type: '5', body: text === null ? [] : [[58, text]] }], consumes)
  change(draft, { phase: 'leaving', since: draft.now })
}

export const beginAgain = (draft: Draft): void => {
  const { pending, stale } = draft.state
  draft.outputs.push({ kind: 'reset' })
  change(draft, {
    nextIn: 1,
    applied: 1,
    nextOut: 1,
    stale: stale + pending,
    pending: 0,
    queue: new Map(),
    highest: 0,
    asked: null,
    dropped: false,
    resend: null,
    held: null,
  })
}

/** Where a message came from, as the fields that say where its answer goes; and the other way round. */
const reversed: ReadonlyMap<number, number> = new Map([
  [115, 128],
  [116, 129],
  [144, 145],
  [128, 115],
  [129, 116],
  [145, 144],
])

const routingOf = (fields: readonly Field[]): Field[] =>
  fields.flatMap(([tag, value]) => {
    const back = reversed.get(tag)
    return back === undefined || value === '' ? [] : [[back, value] as const]
  })

const given = (tag: number, value: string | number | null | undefined): Field[] =>
  value === null || value === undefined ? [] : [[tag, String(value)]]

/** Reject (3) of a message. */
export const rejectOf = (message: Message, { reason, tag }: Fault): Outgoing => ({
  type: '3',
  header: routingOf(message.fields),
  body: [
    ...given(45, valueOf(message.fields, 34)),
    [58, rejectTexts[reason]],
    ...given(371, tag),
    [372, message.type],
    [373, String(reason)],
  ],
})

/** BusinessMessageReject (j) of a type that FIX knows and nobody here speaks. */
export const unsupportedOf = (message: Message): Outgoing => ({
  type: 'j',
  header: routingOf(message.fields),
  body: [...given(45, valueOf(message.fields, 34)), [58, 'Unsupported Message Type'], [372, message.type], [380, '3']],
})
