// A message of a session that is logged on: its number decides when it is treated, its type what happens then.

import { beginString, readUtcTimestamp, valueOf, type Message } from '../protocol/codec.ts'
import { faultOf, type Fault } from '../protocol/dictionary.ts'
import { change, close, emit, rejectOf, sendLogout, takeIn, unsupportedOf } from './draft.ts'
import { ask, goOn } from './gap.ts'
import { isForeign, logonAgain, numberOf, skewOf, wantsReset } from './logon.ts'
import { beginResend, resendFault } from './resend.ts'
import type { Draft } from './state.ts'

const isPossDup = (message: Message): boolean => valueOf(message.fields, 43) === 'Y'

/** What is wrong with a message that says that it is a repetition. */
const repetitionFault = (message: Message): Fault | null => {
  const original = valueOf(message.fields, 122)
  // A gap fill was never sent before, and many engines leave it out there. To refuse it would leave the gap open for ever.
  if (original === undefined) return message.type === '4' ? null : { reason: 1, tag: 122 }
  const later = readUtcTimestamp(original) > readUtcTimestamp(valueOf(message.fields, 52) ?? '')
  return later ? { reason: 10, tag: null } : null
}

/** Takes the message in and does what it asks. Its number is the next one. */
const take = (draft: Draft, number: number, message: Message): void => {
  const { dictionary } = draft.config
  const structure = dictionary.messages.get(message.type)
  if (structure === undefined) {
    const answer = dictionary.types.has(message.type)
      ? unsupportedOf(message)
      : rejectOf(message, { reason: 11, tag: null })
    return emit(draft, [answer], number)
  }
  const fault = faultOf(dictionary, structure, message.fields) ?? (isPossDup(message) ? repetitionFault(message) : null)
  if (fault !== null) return emit(draft, [rejectOf(message, fault)], number)
  carryOut(draft, number, message)
}

const carryOut = (draft: Draft, number: number, message: Message): void => {
  switch (message.type) {
    case '0':
    case '3':
      return emit(draft, [], number)
    case '1':
      return emit(draft, [{ type: '0', body: [[112, valueOf(message.fields, 112) ?? '']] }], number)
    case '2':
      return resendAndTake(draft, number, message)
    case '4':
      return fillGap(draft, number, message)
    case 'A':
      return logonAgain(draft, message)
    default: {
      const possResend = valueOf(message.fields, 97) === 'Y'
      draft.outputs.push({ kind: 'deliver', number, message, possDup: isPossDup(message), possResend })
      return takeIn(draft, number + 1)
    }
  }
}

const resendAndTake = (draft: Draft, number: number | null, message: Message): void => {
  const structure = draft.config.dictionary.messages.get('2')
  const fault =
    (structure === undefined ? null : faultOf(draft.config.dictionary, structure, message.fields)) ??
    resendFault(draft, message)
  if (fault !== null) return emit(draft, [rejectOf(message, fault)], number)
  if (number !== null) emit(draft, [], number)
  beginResend(draft, message)
}

/** SequenceReset with GapFillFlag: the numbers from this one up to NewSeqNo are nobody's. */
const fillGap = (draft: Draft, number: number, message: Message): void => {
  const next = Number(valueOf(message.fields, 36))
  if (next <= number) return emit(draft, [rejectOf(message, { reason: 5, tag: 36 })], number)
  emit(draft, [], next - 1)
}

/** SequenceReset without GapFillFlag: its own number does not count, and it never leads back. */
const resetNumbers = (draft: Draft, message: Message): void => {
  const structure = draft.config.dictionary.messages.get('4')
  const fault = structure === undefined ? null : faultOf(draft.config.dictionary, structure, message.fields)
  if (fault !== null) return emit(draft, [rejectOf(message, fault)])
  const next = Number(valueOf(message.fields, 36))
  if (next < draft.state.nextIn) return emit(draft, [rejectOf(message, { reason: 5, tag: null })])
  if (next > draft.state.nextIn) emit(draft, [], next - 1)
}

/** What was taken in before: nothing of it happens again. */
const tooLow = (draft: Draft, number: number, message: Message): void => {
  if (isPossDup(message)) {
    const fault = repetitionFault(message)
    if (fault === null) return
    emit(draft, [rejectOf(message, fault)])
    if (fault.reason === 10) sendLogout(draft, null)
    return
  }
  // It changes nothing, so whoever asks out of turn may.
  if (message.type === '2') return resendAndTake(draft, null, message)
  sendLogout(draft, `MsgSeqNum too low, expecting ${draft.state.nextIn} but received ${number}`)
  close(draft, 'SEQUENCE_TOO_LOW')
}

const tooHigh = (draft: Draft, number: number, message: Message): void => {
  if (message.type !== '2') return ask(draft, number, message)
  // Else two sides that both miss something would wait for each other.
  ask(draft, number, null)
  resendAndTake(draft, null, message)
}

/** The answer to a logout, or the logout that is answered. Its number holds nothing up. */
const logout = (draft: Draft, number: number): void => {
  const consumes = number === draft.state.nextIn ? number : null
  if (draft.state.phase === 'active') sendLogout(draft, null, consumes)
  else if (consumes !== null) emit(draft, [], consumes)
  close(draft, 'LOGOUT')
}

/** Reject and logout: whoever sends this is another one, or his clock cannot be believed. */
const intolerable = (draft: Draft, message: Message): Fault | null => {
  if (isForeign(message, draft.config)) return { reason: 9, tag: null }
  return skewOf(message, draft.now) > draft.config.limits.clockSkewMs ? { reason: 10, tag: null } : null
}

export const received = (draft: Draft, message: Message): void => {
  change(draft, { receivedAt: draft.now, testing: false })
  const number = numberOf(message)
  // Who was told to leave is not served any more: what he sends has no effect and is asked for next time.
  if (draft.state.phase === 'leaving') return message.type === '5' ? logout(draft, number) : undefined
  if (message.begin !== beginString) return sendLogout(draft, 'Incorrect BeginString')
  if (Number.isNaN(number)) return sendLogout(draft, 'Required tag missing: MsgSeqNum')
  const { nextIn } = draft.state
  const fault = intolerable(draft, message)
  if (fault !== null) {
    emit(draft, [rejectOf(message, fault)], number === nextIn ? number : null)
    return sendLogout(draft, null)
  }
  if (message.type === '5') return logout(draft, number)
  if (message.type === 'A' && wantsReset(message)) return logonAgain(draft, message)
  if (message.type === '4' && valueOf(message.fields, 123) !== 'Y') resetNumbers(draft, message)
  else if (number > nextIn) return tooHigh(draft, number, message)
  else if (number < nextIn) return tooLow(draft, number, message)
  else take(draft, number, message)
  if (draft.state.phase === 'active') goOn(draft)
}

/** The next message of those that waited behind a gap. */
export const goOnWithQueue = (draft: Draft): void => {
  const { queue, nextIn, phase } = draft.state
  if (phase !== 'active' || !queue.has(nextIn)) return
  const message = queue.get(nextIn) ?? null
  change(draft, { queue: new Map([...queue].filter(([number]) => number !== nextIn)) })
  if (message === null) emit(draft, [], nextIn)
  else take(draft, nextIn, message)
  if (draft.state.phase === 'active') goOn(draft)
}
