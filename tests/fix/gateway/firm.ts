// A firm as FIX sees it, in memory: it numbers what it sends and can send it again, asks for what it missed, and keeps what it was told. It shares
// only the codec with the service.

import type { Conversation, Gateway, Peer } from '../../../src/fix/gateway/types.ts'
import { decode, encode, utcTimestamp, valueOf, type Field, type Message } from '../../../src/fix/protocol/codec.ts'
import { createReader } from '../../../src/fix/protocol/reader.ts'
import { until } from '../../support/until.ts'

/** What a firm was told, without what differs from one sending to the next. */
export type Told = { number: number; type: string; body: Record<number, string> }

const ofSession = new Set(['0', '1', '2', '4', '5', 'A'])
const header = new Set([34, 43, 49, 52, 56, 97, 122])

const bodyOf = ({ fields }: Message): Record<number, string> =>
  Object.fromEntries(fields.filter(([tag]) => !header.has(tag)))

export type FirmOptions = { sender: string; target: string; password: string }

export const createFirm = ({ sender, target, password }: FirmOptions) => {
  const out = new Map<number, { type: string; body: readonly Field[] }>()
  const told = new Map<number, Told>()
  const faults: string[] = []
  let [nextOut, nextIn] = [1, 1]
  let asked = false
  let line: { conversation: Conversation; isOpen: boolean } | null = null
  let loggedOn = false
  let reason: string | null = null

  const bytesOf = (number: number, type: string, body: readonly Field[], possDup = false): Uint8Array => {
    const time = utcTimestamp(Date.now())
    const again: Field[] = possDup ? [[43, 'Y']] : []
    const original: Field[] = possDup ? [[122, time]] : []
    return encode(type, [[34, String(number)], ...again, [49, sender], [52, time], [56, target], ...original], body)
  }
  const put = (bytes: Uint8Array): void => {
    if (line?.isOpen) line.conversation.received(decode(bytes)!)
  }
  const send = (type: string, body: readonly Field[] = []): number => {
    const number = nextOut++
    out.set(number, { type, body })
    put(bytesOf(number, type, body))
    return number
  }

  const resend = (from: number, to: number): void => {
    for (let number = from; number <= (to === 0 ? nextOut - 1 : to); number++) {
      const { type, body } = out.get(number)!
      if (ofSession.has(type))
        put(
          bytesOf(
            number,
            '4',
            [
              [123, 'Y'],
              [36, String(number + 1)],
            ],
            true,
          ),
        )
      else put(bytesOf(number, type, body, true))
    }
  }

  const keep = (number: number, message: Message): void => {
    if (ofSession.has(message.type)) return
    const one = { number, type: message.type, body: bodyOf(message) }
    const before = told.get(number)
    if (before !== undefined && JSON.stringify(before) !== JSON.stringify(one))
      faults.push(`number ${number} says something else when it is sent again`)
    told.set(number, one)
  }

  const act = (message: Message): void => {
    switch (message.type) {
      case 'A':
        loggedOn = true
        return
      case '1':
        return void send('0', [[112, valueOf(message.fields, 112)!]])
      case '2':
        return resend(Number(valueOf(message.fields, 7)), Number(valueOf(message.fields, 16)))
      case '5':
        if (line?.isOpen) send('5')
    }
  }

  const hear = (message: Message): void => {
    const number = Number(valueOf(message.fields, 34))
    const isAgain = valueOf(message.fields, 43) === 'Y'
    if (number > nextIn) {
      // What has to be done whatever its number is.
      if (message.type === '2' || message.type === 'A') act(message)
      if (!asked)
        send('2', [
          [7, String(nextIn)],
          [16, '0'],
        ])
      asked = true
      return
    }
    if (number < nextIn) {
      if (!isAgain) faults.push(`number ${number} came although ${nextIn} was next`)
      if (message.type !== '4') keep(number, message)
      return
    }
    asked = false
    nextIn = message.type === '4' ? Number(valueOf(message.fields, 36)) : number + 1
    keep(number, message)
    act(message)
  }

  return {
    send,
    faults,
    told: (): Told[] => [...told.values()].toSorted((a, b) => a.number - b.number),
    isOpen: () => line?.isOpen ?? false,
    reason: () => reason,
    isLoggedOn: () => loggedOn && (line?.isOpen ?? false),
    /** Nothing is missing of what the service sent. */
    isComplete: () => !asked,
    /** Connects and logs on; resolves once that is answered, or refused. `onWrite`: called before bytes arrive; false: they never do. */
    async logOn(gateway: Gateway, onWrite: () => boolean = () => true, more: readonly Field[] = []): Promise<boolean> {
      const own: NonNullable<typeof line> = { conversation: null as never, isOpen: true }
      const reader = createReader()
      const peer: Peer = {
        address: '127.0.0.1',
        certificate: null,
        write(bytes) {
          if (!own.isOpen || !onWrite()) return
          for (const read of reader.push(bytes)) if (read.kind === 'message' && line === own) hear(read.message)
        },
        unsent: () => 0,
        close(why) {
          reason = why
          own.isOpen = false
        },
        pause: () => undefined,
        resume: () => undefined,
      }
      line = own
      loggedOn = false
      asked = false
      own.conversation = gateway.open(peer)
      send('A', [[98, '0'], [108, '30'], [554, password], ...more])
      await until(() => loggedOn || !own.isOpen, { what: 'the logon is answered' })
      return loggedOn
    },
    tick: () => line?.conversation.tick(),
    /** The connection breaks. */
    cut(): void {
      if (line?.isOpen) line.conversation.closed()
      if (line !== null) line.isOpen = false
    },
    /** The process at the other end is gone: it hears nothing, and nothing of it is heard. */
    vanish(): void {
      if (line !== null) line.isOpen = false
    },
  }
}
export type Firm = ReturnType<typeof createFirm>
