// Counts what the FIX door does.

import { createCounter } from './instruments.ts'

/** The types that clients and service speak. A client may send any other text as one: those are counted together. */
const types = new Set(['0', '1', '2', '3', '4', '5', 'A', 'D', 'F', 'G', 'H', 'j', 'q', '8', '9', 'r'])
const otherType = 'other'
const garbled = 'garbled'

/** Reasons are words in capitals. */
const reasonPattern = /^[A-Z_]{1,40}$/

export const createFix = () => {
  const messages = createCounter({
    name: 'orders_fix_messages_total',
    help: 'Messages of FIX by direction (in, out) and type (MsgType; other; garbled: bytes that are none). 3, j and 9 are rejects, 2 asks for what is missing.',
    labels: ['direction', 'type'],
  })
  const ends = createCounter({
    name: 'orders_fix_connection_ends_total',
    help: 'Connections of FIX that ended or were refused, by reason. UNREAD: the client did not read; TOO_MANY: see FIX_CONNECTIONS_MAX.',
    labels: ['reason'],
  })
  const onEnd = (reason: string): void => ends.of(reasonPattern.test(reason) ? reason : 'OTHER').add()
  return {
    onMessage: (direction: 'in' | 'out', type: string): void =>
      messages.of(direction, types.has(type) ? type : otherType).add(),
    onGarbled: (): void => messages.of('in', garbled).add(),
    onEnd,
    instruments: [messages, ends],
  }
}
