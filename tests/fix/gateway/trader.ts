// A client of FIX that a test drives over no socket: it keeps what it sent and what it heard by number, as an engine does over all its connections,
// and writes down every fault of the other side.

import type { Conversation, Gateway, Peer } from '../../../src/fix/gateway/types.ts'
import { decode, encode, utcTimestamp, valueOf, type Field, type Message } from '../../../src/fix/protocol/codec.ts'

export type Said = { number: number; type: string; body: readonly Field[]; at: number }

/** What every sending of a message may say otherwise. */
const ofSending = new Set([8, 9, 10, 34, 35, 43, 49, 52, 56, 122])
/** Messages of the session itself: nobody sends them again. */
const ofSession = new Set(['0', '1', '2', '4', '5', 'A'])

const contentOf = ({ type, fields }: Message): string =>
  [`35=${type}`, ...fields.filter(([tag]) => !ofSending.has(tag)).map(([tag, value]) => `${tag}=${value}`)].join('|')

export type TraderOptions = {
  sender: string
  target: string
  password: string
  heartbeatS?: number
  address?: string
}

export const createTrader = ({ sender, target, password, heartbeatS = 30, address = '127.0.0.1' }: TraderOptions) => {
  /** What it said, by number; null: a message of the session. */
  const said = new Map<number, Said | null>()
  /** What it heard, by number. Null: the number was filled. */
  const heard = new Map<number, Message | null>()
  const faults: string[] = []
  let [nextIn, nextOut] = [1, 1]
  let connection: { conversation: Conversation; isOpen: boolean; isLoggedOn: boolean; closed: string | null } | null =
    null
  /** It asked for what it misses, and waits for it. */
  let isAsking = false
  let isMute = false
  /** What it wants to hear again, to compare: up to this number. */
  let [again, checked] = [0, 0]

  const bytesOf = (type: string, number: number, body: readonly Field[], original?: number): Message =>
    decode(
      encode(
        type,
        [
          [34, String(number)],
          ...(original === undefined ? [] : ([[43, 'Y']] as const)),
          [49, sender],
          [52, utcTimestamp(Date.now())],
          [56, target],
          ...(original === undefined ? [] : ([[122, utcTimestamp(original)]] as const)),
        ],
        body,
      ),
    )!

  const say = (type: string, body: readonly Field[] = []): number => {
    const number = nextOut++
    said.set(number, ofSession.has(type) ? null : { number, type, body, at: Date.now() })
    if (connection?.isOpen === true && !isMute) connection.conversation.received(bytesOf(type, number, body))
    return number
  }

  const sayAgain = (from: number, to: number): void => {
    const last = to === 0 ? nextOut - 1 : Math.min(to, nextOut - 1)
    const { conversation } = connection!
    for (let number = from; number <= last; number++) {
      const one = said.get(number)!
      if (one !== null) conversation.received(bytesOf(one.type, number, one.body, one.at))
      else {
        let next = number + 1
        while (next <= last && said.get(next) === null) next++
        const filling = [[123, 'Y'] as const, [36, String(next)] as const]
        conversation.received(bytesOf('4', number, filling, Date.now()))
        number = next - 1
      }
    }
  }

  const compare = (number: number, message: Message | null): void => {
    const before = heard.get(number)
    if (before === undefined) faults.push(`number ${number} came again before it came`)
    const isRepeated = before !== null && before !== undefined && !ofSession.has(before.type)
    if (message === null ? isRepeated : isRepeated ? contentOf(before) !== contentOf(message) : true)
      faults.push(
        `number ${number} came again as something else: ${before ? contentOf(before) : 'nothing'} → ${message === null ? 'a gap' : contentOf(message)}`,
      )
    checked = Math.max(checked, number)
  }

  const take = (number: number, message: Message | null): void => {
    if (number < nextIn) return compare(number, message)
    if (number > nextIn) faults.push(`number ${number} was taken in place of ${nextIn}`)
    heard.set(number, message)
    nextIn = number + 1
    isAsking = false
  }

  const serve = (message: Message): void => {
    const value = (tag: number): string => valueOf(message.fields, tag) ?? ''
    switch (message.type) {
      case 'A':
        connection!.isLoggedOn = true
        if (value(141) === 'Y') {
          heard.clear()
          nextIn = 1
        }
        return
      case '1':
        return void say('0', [[112, value(112)]])
      case '2':
        return sayAgain(Number(value(7)), Number(value(16)))
      case '5':
        if (connection!.isLoggedOn) say('5')
        connection!.isLoggedOn = false
    }
  }

  const hear = (message: Message): void => {
    const number = Number(valueOf(message.fields, 34))
    const isRepetition = valueOf(message.fields, 43) === 'Y'
    if (message.type === 'A' || message.type === '2' || message.type === '5') serve(message)
    if (number > nextIn) {
      if (!isAsking) {
        isAsking = true
        say('2', [
          [7, String(nextIn)],
          [16, '0'],
        ])
      }
      return
    }
    if (number < nextIn && !isRepetition)
      return void faults.push(`number ${number} was used twice: ${contentOf(message)}`)
    if (message.type === '4') {
      const next = Number(valueOf(message.fields, 36))
      for (let filled = number; filled < next; filled++) take(filled, null)
      return
    }
    take(number, message)
    if (!isRepetition && message.type === '1') serve(message)
  }

  const trader = {
    sender,
    faults,
    heard,
    said,
    say,
    nextIn: () => nextIn,
    nextOut: () => nextOut,
    isOpen: () => connection?.isOpen === true,
    isLoggedOn: () => connection?.isLoggedOn === true,
    closed: () => connection?.closed ?? null,
    conversation: () => connection!.conversation,
    /** Opens a connection and logs on. What came of it: `isLoggedOn`, `closed`. */
    connect(
      gateway: Gateway,
      { unsent = (): number => 0, logon = [] as readonly Field[], certificate = null as string | null } = {},
    ) {
      isAsking = false
      const mine: NonNullable<typeof connection> = {
        conversation: null!,
        isOpen: true,
        isLoggedOn: false,
        closed: null,
      }
      const peer: Peer = {
        address,
        certificate,
        write(bytes) {
          if (connection !== mine || !mine.isOpen) return
          const message = decode(bytes)
          if (message === null) faults.push('bytes came that are no message')
          else hear(message)
        },
        unsent,
        close(reason) {
          mine.isOpen = false
          mine.isLoggedOn = false
          mine.closed = reason
        },
        pause: () => undefined,
        resume: () => undefined,
      }
      mine.conversation = gateway.open(peer)
      connection = mine
      say('A', [[98, '0'], [108, String(heartbeatS)], [554, password], ...logon])
    },
    /** The connection is gone without a word. */
    cut(): void {
      const cutOff = connection
      connection = null
      if (cutOff?.isOpen === true) cutOff.conversation.closed()
    },
    /** From now on nothing reaches the gateway. */
    mute: (): void => void (isMute = true),
    /** The gateway is gone, so nobody hears that the connection is. */
    forget(): void {
      connection = null
    },
    /** Asks for everything again; each number has to say what it said before. */
    askAgain(): void {
      again = nextIn - 1
      checked = 0
      say('2', [
        [7, '1'],
        [16, '0'],
      ])
    },
    hasCompared: () => checked >= again,
    /** Begins at 1 again both ways, as ResetSeqNumFlag does. */
    reset(): void {
      said.clear()
      nextOut = 1
    },
    /** Application messages that it heard, in order, as objects of their fields by tag. */
    told: (type?: string): Record<string, string>[] =>
      [...heard]
        .toSorted(([a], [b]) => a - b)
        .flatMap(([number, message]) =>
          message === null || ofSession.has(message.type) || (type !== undefined && message.type !== type)
            ? []
            : [{ ...Object.fromEntries(message.fields), 34: String(number), 35: message.type }],
        ),
  }
  return trader
}
export type Trader = ReturnType<typeof createTrader>
