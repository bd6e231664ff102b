// The fields of an application message, without header and trailer: what the codec hands over, and what it is given to send.

import { utcTimestamp as utcTimestampOf, type Field } from '../protocol/codec.ts'

export type { Field }
export type Body = readonly Field[]

/** `type`: MsgType (35). */
export type Message = { type: string; body: Body }

/** A message that came in, after the session layer let it pass: its tags and the format of its values are those of the table of messages. */
export type Received = Message & {
  /** MsgSeqNum (34). */
  number: number
  /** PossResend (97): its sender may have sent it before under another number. */
  possResend: boolean
}

/** `answerId`: unique for ever, for ExecID (17) and the like of an answer that is no event. */
export type Answering = { answerId: string; now: Date }

/** OrderID (37) of what is no order. */
export const noOrder = 'NONE'

export type Values = ReadonlyMap<number, string>

/** By tag. Of a tag that stands more than once (in groups of parties) the first counts. */
export const valuesOf = (body: Body): Values => {
  const values = new Map<number, string>()
  for (const [tag, value] of body) if (!values.has(tag)) values.set(tag, value)
  return values
}

/** A field, or nothing where there is no value. */
export const given = (tag: number, value: string | number | null | undefined): Field[] =>
  value === null || value === undefined || value === '' ? [] : [[tag, String(value)]]

/** Characters of a text: what clients see of the longest refusals, and short enough for every counterparty. */
const textMax = 255

/** A text as every counterparty can read it: printable ASCII. Nothing of another system may end a field before its time. */
export const plainText = (text: string): string => text.replaceAll(/[^ -~]/g, '?').slice(0, textMax)

/** `20260131-21:00:00.000`: UTC. */
export const utcTimestamp = (at: Date): string => utcTimestampOf(at.getTime())

/** The tags of this room by the names that refusals say. */
const tagNames: Readonly<Record<number, string>> = {
  1: 'Account',
  11: 'ClOrdID',
  18: 'ExecInst',
  21: 'HandlInst',
  37: 'OrderID',
  38: 'OrderQty',
  40: 'OrdType',
  41: 'OrigClOrdID',
  44: 'Price',
  54: 'Side',
  55: 'Symbol',
  59: 'TimeInForce',
  63: 'SettlType',
  99: 'StopPx',
  111: 'MaxFloor',
  126: 'ExpireTime',
  423: 'PriceType',
  432: 'ExpireDate',
  530: 'MassCancelRequestType',
  854: 'QtyType',
}

/** `44 (Price)`. */
export const nameOf = (tag: number): string => (tagNames[tag] === undefined ? `${tag}` : `${tag} (${tagNames[tag]})`)
