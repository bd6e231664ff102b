// Logon: who may come in, and with which numbers the session begins.

import { beginString, readUtcTimestamp, valueOf, type Field, type Message } from '../protocol/codec.ts'
import { faultOf, rejectTexts } from '../protocol/dictionary.ts'
import { beginAgain, change, close, emit, sendLogout } from './draft.ts'
import { ask } from './gap.ts'
import type { Draft, SessionConfig } from './state.ts'

const millisOfSecond = 1000

/** MsgSeqNum; NaN: there is none that is lawful. */
export const numberOf = (message: Message): number => {
  const text = valueOf(message.fields, 34)
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
}

/** NaN where there is no SendingTime. */
export const skewOf = (message: Message, now: number): number =>
  Math.abs(readUtcTimestamp(valueOf(message.fields, 52) ?? '') - now)

/** True where a CompID is given and is another one. */
export const isForeign = (message: Message, { ours, theirs }: SessionConfig): boolean => {
  const differs = (tag: number, own: string) => {
    const value = valueOf(message.fields, tag)
    return value !== undefined && value !== '' && value !== own
  }
  return differs(49, theirs) || differs(56, ours)
}

/** What is wrong with a logon, for the log: the client is told nothing. Null: nothing. It quotes nothing of the message. */
const logonFault = ({ config, now }: Draft, message: Message): string | null => {
  const { clockSkewMs, heartbeatMinS, heartbeatMaxS } = config.limits
  const structure = config.dictionary.messages.get('A')
  if (message.type !== 'A' || structure === undefined) return 'the first message is no Logon'
  if (message.begin !== beginString) return `8 (BeginString) is not ${beginString}`
  const fault = faultOf(config.dictionary, structure, message.fields)
  if (fault !== null) return `${fault.tag ?? 'a field'}: ${rejectTexts[fault.reason]}`
  if (isForeign(message, config)) return '49 or 56 (CompIDs) are those of another session'
  if (!(numberOf(message) >= 1)) return '34 (MsgSeqNum) is not 1 or more'
  if (wantsReset(message) && numberOf(message) !== 1) return '34 (MsgSeqNum) is not 1, and 141 (ResetSeqNumFlag) is Y'
  const skewMs = skewOf(message, now)
  if (!(skewMs <= clockSkewMs))
    return `52 (SendingTime) and the clock of this service differ by ${Math.round(skewMs / millisOfSecond)} s: more than ${clockSkewMs / millisOfSecond}`
  if (valueOf(message.fields, 98) !== '0') return '98 (EncryptMethod) is not 0'
  const heartbeatS = Number(valueOf(message.fields, 108))
  return heartbeatS >= heartbeatMinS && heartbeatS <= heartbeatMaxS
    ? null
    : `108 (HeartBtInt) is not from ${heartbeatMinS} to ${heartbeatMaxS}`
}

export const wantsReset = (message: Message): boolean => valueOf(message.fields, 141) === 'Y'

/** The first message of a connection. Whoever is not who he should be is told nothing. */
export const firstMessage = (draft: Draft, message: Message): void => {
  const fault = logonFault(draft, message)
  if (fault !== null) return close(draft, 'LOGON_INVALID', fault)
  change(draft, { phase: 'authenticating', logon: message })
  const { fields } = message
  draft.outputs.push({
    kind: 'authenticate',
    username: valueOf(fields, 553) ?? null,
    password: valueOf(fields, 554) ?? null,
  })
}

const answerOf = (logon: Message): Field[] => [
  [98, '0'],
  [108, valueOf(logon.fields, 108) ?? ''],
  ...(wantsReset(logon) ? [[141, 'Y'] as const] : []),
]

const begin = (draft: Draft, logon: Message): void => {
  const number = numberOf(logon)
  const { nextIn } = draft.state
  change(draft, {
    phase: 'active',
    since: draft.now,
    receivedAt: draft.now,
    testing: false,
    logon: null,
    heartbeatMs: Number(valueOf(logon.fields, 108)) * millisOfSecond,
  })
  if (number < nextIn) {
    sendLogout(draft, `MsgSeqNum too low, expecting ${nextIn} but received ${number}`)
    return close(draft, 'SEQUENCE_TOO_LOW')
  }
  emit(draft, [{ type: 'A', body: answerOf(logon) }], number === nextIn ? number : null)
  if (number > nextIn) ask(draft, number, null)
}

export const authenticated = (draft: Draft, ok: boolean): void => {
  const { logon, phase } = draft.state
  if (phase !== 'authenticating' || logon === null) return
  if (!ok) return close(draft, 'LOGON_REFUSED')
  if (wantsReset(logon) || draft.config.resetOnLogon) beginAgain(draft)
  begin(draft, logon)
}

/** A logon within a session: it may begin the numbers again, and nothing else. */
export const logonAgain = (draft: Draft, logon: Message): void => {
  if (!wantsReset(logon) || logonFault(draft, logon) !== null) {
    sendLogout(draft, 'Logon within a session')
    return close(draft, 'SECOND_LOGON')
  }
  beginAgain(draft)
  begin(draft, logon)
}
