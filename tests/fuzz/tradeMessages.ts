// One message for each (seed, number), always the same one: lawful trades of existing orders, repeated ones, wrong ones, and
// bytes that are no trade. All messages that name an order go to the partition of its group, so that the oracle knows their
// order.

import { randomStream, type Random } from '../support/random.ts'
import type { KnownOrder } from './expectedLedger.ts'
import { expectTrade, type Side } from './expectedTrade.ts'
import { hostileObject, mutateBytes, renderObject, secret, type Member } from './mutate.ts'
import { amountSource } from './orderBodies.ts'

export type TradeMessage = {
  partition: number
  key: Buffer | null
  value: Buffer | null
  headers: readonly (readonly [Buffer, Buffer])[]
}

/** The orders of each partition, in a fixed order. */
export type Groups = readonly (readonly KnownOrder[])[]

/** So many messages share a trade id, mostly with the same content. */
const sharing = 2
const bigBytes = [70_000, 900_000, 10_000_000] as const

const quoted = (text: string): string => JSON.stringify(text)

export const timestamp = (rng: Random): string => {
  const seconds = 1_767_000_000 + rng.below(1_000_000)
  const second = new Date(seconds * 1_000).toISOString().slice(0, 19)
  const micros = String(rng.below(1_000_000)).padStart(6, '0')
  return rng.weighted<() => string>([
    [4, () => `"${second}.${micros}${rng.pick(['', '123', '999'])}${rng.pick(['Z', 'Z', '+02:00', '-23:59'])}"`],
    [2, () => `${seconds}.${micros}`],
    [1, () => `${seconds}`],
    [2, () => `${seconds}${micros.slice(0, 3)}`],
    [1, () => `${seconds}${micros.slice(0, 3)}.${micros}`],
    [0.2, () => rng.pick(['1767e6', '0', '1.767323045678901e9', '99999999999', '100000000000', '9e15', '-1'])],
  ])()
}

const legId = (rng: Random, order: KnownOrder | undefined): string =>
  rng.weighted<() => string>([
    [20, () => quoted(order?.id ?? rng.uuid())],
    [1, () => quoted((order?.id ?? rng.uuid()).toUpperCase())],
    [1.5, () => quoted(rng.uuid())],
    [0.5, () => rng.pick(['"not-a-uuid"', '""', '42', '1e400', quoted(secret), '"\\u0000"', '"\\ud800"', 'null'])],
  ])()

const opposite = (side: Side): Side => (side === 'BUY' ? 'SELL' : 'BUY')
const memberOf: Record<Side, string> = { BUY: '"buyOrderId"', SELL: '"sellOrderId"' }

const legs = (rng: Random, order: KnownOrder | undefined, group: readonly KnownOrder[]): Member[] => {
  const side = order?.side ?? 'BUY'
  const counter = group.filter((other) => other.side !== side)
  return rng.weighted<() => Member[]>([
    [
      6,
      () => [
        [memberOf[side], legId(rng, order)],
        [memberOf[opposite(side)], counter.length > 0 && rng.chance(0.7) ? legId(rng, rng.pick(counter)) : 'null'],
      ],
    ],
    [2, () => [['"orderId"', legId(rng, order)]]],
    [0.3, () => [[memberOf[opposite(side)], legId(rng, order)]]],
    [
      0.3,
      () => [
        ['"buyOrderId"', legId(rng, order)],
        ['"sellOrderId"', legId(rng, order)],
      ],
    ],
    [0.1, () => [['"buyOrderId"', 'null']]],
  ])()
}

const tradeMembers = (
  rng: Random,
  group: readonly KnownOrder[],
  messages: number,
  seed: string,
  partition: number,
): Member[] => {
  const shared = rng.below(Math.ceil(messages / sharing))
  const own = randomStream(`${seed}:trade:${partition}:${shared}`)
  const from = rng.chance(0.9) ? own : rng
  const order = group.length === 0 ? undefined : from.pick(group)
  const quantity = from.chance(0.9) ? rng.pick([`${1 + from.below(9)}`]) : amountSource(from)
  const ticker = rng.chance(0.97) ? (order?.ticker ?? 'NONE') : rng.pick(['WRONG', 'wrong'])
  return [
    [
      '"tradeId"',
      quoted(
        rng.chance(0.97)
          ? `t-${partition}-${shared}`
          : rng.pick(['\u00e9-1', 'x'.repeat(64), 'a b', '\ud83d\ude00'.repeat(20)]),
      ),
    ],
    ...legs(from, order, group),
    ['"ticker"', quoted(rng.chance(0.8) ? ticker : ticker.toLowerCase())],
    ['"price"', `${100 + (rng.chance(0.9) ? from : rng).below(5)}${rng.pick(['', '.0', '.00000000'])}`],
    ['"quantity"', rng.chance(0.8) ? quantity : /e/i.test(quantity) ? quantity : `"${quantity}"`],
    ['"timestamp"', timestamp(rng)],
    ...(rng.chance(0.1) ? [['"venue"', '{"name":"X","tags":[1,2,{}]}'] as const] : []),
  ]
}

const garbage = (rng: Random): Buffer | null =>
  rng.weighted<() => Buffer | null>([
    [2, () => null],
    [2, () => Buffer.alloc(0)],
    [4, () => mutateBytes(rng, Buffer.from('{"tradeId":"t","orderId":null}'))],
    [2, () => Buffer.from(rng.pick(['null', '[]', '{}', '""', '0', '{"tradeId":', secret, '\ufeff{}', 'tradeId=1']))],
    [1, () => Buffer.from(Array.from({ length: rng.below(300) }, () => rng.below(256)))],
    [0.02, () => Buffer.concat([Buffer.from('{"tradeId":"'), Buffer.alloc(rng.pick(bigBytes), 65), Buffer.from('"}')])],
    [0.05, () => Buffer.from('['.repeat(rng.pick([1_000, 200_000])))],
  ])()

const value = (rng: Random, members: () => Member[]): Buffer | null =>
  rng.weighted<() => Buffer | null>([
    [10, () => Buffer.from(renderObject(rng, members()))],
    [8, () => hostileObject(rng, members())],
    [1, () => garbage(rng)],
  ])()

const keyOf = (rng: Random): Buffer | null =>
  rng.weighted([
    [6, Buffer.from('AAPL')],
    [1, null],
    [1, Buffer.alloc(0)],
    [1, Buffer.from([0, 255, 128])],
    [0.1, Buffer.alloc(5_000, 66)],
  ] as const)

const headersOf = (rng: Random): TradeMessage['headers'] =>
  rng.chance(0.8)
    ? []
    : [
        [
          Buffer.from(
            rng.pick(['traceparent', 'x-reason', 'x-disposition', 'x-dead-letter-id', '__proto__', 'a b\n', '']),
          ),
          Buffer.from(rng.pick([secret, '', '\u0000', 'x'.repeat(2_000)])),
        ],
      ]

/** If the contract leaves the reading open, the message must not name an order of ours. */
const isDecided = (bytes: Buffer | null, group: readonly KnownOrder[]): boolean => {
  if (bytes === null || expectTrade(bytes) !== 'UNCLEAR') return true
  const text = bytes.toString('latin1').toLowerCase()
  return !group.some(({ id }) => text.includes(id))
}

export const messageOf = (
  seed: string,
  number: number,
  { groups, messages }: { groups: Groups; messages: number },
): TradeMessage => {
  for (let attempt = 0; ; attempt++) {
    const rng = randomStream(`${seed}:kafka:${number}:${attempt}`)
    const partition = rng.below(groups.length)
    const group = attempt < 5 ? groups[partition]! : []
    const bytes = value(rng, () => tradeMembers(rng, group, messages, seed, partition))
    if (isDecided(bytes, groups[partition]!))
      return { partition, key: keyOf(rng), value: bytes, headers: headersOf(rng) }
  }
}
