// Bodies for the routes that take one: lawful ones in every notation that the contract allows, and hostile ones.

import type { Random } from '../support/random.ts'
import { hostileObject, renderObject, secret, type Member } from './mutate.ts'

/** Users whose keys are used again and again. */
const keyUsers = 20
const keysEach = 10

const digits = (rng: Random, count: number): string => Array.from({ length: count }, () => rng.below(10)).join('')
const whole = (rng: Random): string => (rng.chance(0.1) ? '0' : `${1 + rng.below(9)}${digits(rng, rng.below(12))}`)

/** Mostly within the limits; now and then on or past their edge. */
export const amountSource = (rng: Random): string =>
  rng.weighted<() => string>([
    [4, () => `${1 + rng.below(1_000)}`],
    [3, () => `${whole(rng)}.${digits(rng, 1 + rng.below(8))}`],
    [1, () => `${whole(rng)}.${digits(rng, 1 + rng.below(10))}${'0'.repeat(rng.below(20))}`],
    [1, () => `${1 + rng.below(9)}${digits(rng, 11)}.${digits(rng, 8)}`],
    [
      1,
      () => `${1 + rng.below(99)}.${digits(rng, 3)}${rng.pick(['e', 'E'])}${rng.pick(['', '+', '-'])}${rng.below(9)}`,
    ],
    [1, () => `${1 + rng.below(9)}e-${rng.below(10)}`],
  ])()

const amount = (rng: Random): string => {
  const source = amountSource(rng)
  return rng.chance(0.25) && !/e/i.test(source) ? `"${source}"` : source
}

const ticker = (rng: Random): string =>
  rng.pick([
    'AAPL',
    'aapl',
    'BRK.B',
    'x-1',
    'A',
    '0123456789ABCDEF',
    'zZ9.-',
    'MSFT',
    'btc/usd',
    '^GSPC',
    'EUR=X',
    '_:+&@#',
  ])
const anyCase = (rng: Random, text: string): string => (rng.chance(0.2) ? text.toUpperCase() : text)
const shuffled = <T>(rng: Random, items: T[]): T[] => items.toSorted(() => rng.next() - 0.5)

/** An order that repeats: same key, mostly the same order, so that replays and mismatches both come up. */
const keyMembers = (rng: Random): Member[] => {
  const user = rng.below(keyUsers)
  const plain = rng.chance(0.8)
  return [
    ['"userId"', `"00000000-0000-4000-8000-${String(user).padStart(12, '0')}"`],
    ['"ticker"', rng.pick(['"KEYS"', '"keys"'])],
    ['"side"', '"BUY"'],
    ['"type"', '"LIMIT"'],
    ['"timeInForce"', '"GTC"'],
    ['"quantity"', plain ? rng.pick(['100', '"100.00"', '1e2', '100.0']) : amount(rng)],
    ['"price"', rng.pick(['150.5', '"150.50"', '1.505e2'])],
    ['"clientOrderId"', `"key-${rng.below(keysEach)}"`],
  ]
}

/** Hardly any is within a year of now, whenever that is. */
const instantSource = (rng: Random): string => {
  const two = (below: number): string => String(1 + rng.below(below)).padStart(2, '0')
  const day = `${2024 + rng.below(9)}-${two(12)}-${two(rng.chance(0.1) ? 31 : 28)}`
  const fraction = rng.pick(['', '', '.5', '.123456789', '.1234567890'])
  const zone = rng.pick(['Z', 'Z', 'z', '+00:00', '+05:30', '-23:59', '', '+0530'])
  return `"${day}${rng.pick(['T', 'T', 't', ' '])}${two(23)}:${two(59)}:${two(59)}${fraction}${zone}"`
}

/** What an order may have beside its type and its price. */
const lifeMembers = (rng: Random, { stop, timeInForce }: { stop: boolean; timeInForce: string }): Member[] => {
  const members: Member[] = []
  if (stop || rng.chance(0.02)) members.push(['"stopPrice"', rng.chance(0.97) ? amount(rng) : 'null'])
  if (timeInForce === 'GTD' || rng.chance(0.02))
    members.push(['"expiresAt"', rng.pick([instantSource(rng), instantSource(rng), 'null', '1'])])
  if (rng.chance(0.15)) members.push(['"displayQuantity"', rng.pick(['0.00000001', '1', amount(rng), 'null'])])
  if (rng.chance(0.1)) members.push(['"postOnly"', rng.pick(['true', 'true', 'false', 'null', '"true"', '1'])])
  return members
}

const fresh = (rng: Random): Member[] => {
  const stop = rng.chance(0.2)
  const timeInForce = rng.pick(['GTC', 'GTC', 'IOC', 'FOK', 'DAY', 'DAY', 'GTD'])
  const market = rng.chance(0.3)
  const members: Member[] = [
    ['"userId"', `"${anyCase(rng, rng.uuid())}"`],
    ['"ticker"', `"${ticker(rng)}"`],
    ['"side"', rng.pick(['"BUY"', '"SELL"'])],
    ['"type"', `"${stop ? (market ? 'STOP' : 'STOP_LIMIT') : market ? 'MARKET' : 'LIMIT'}"`],
    ['"timeInForce"', `"${timeInForce}"`],
    ['"quantity"', amount(rng)],
    ...lifeMembers(rng, { stop, timeInForce }),
  ]
  if (!market || rng.chance(0.05)) members.push(['"price"', market ? 'null' : amount(rng)])
  if (rng.chance(0.15))
    members.push(['"clientOrderId"', rng.pick(['null', '"a b~!"', '"\\"\\\\/"', `"${'k'.repeat(64)}"`])])
  return members
}

const orderMembers = (rng: Random): Member[] => shuffled(rng, rng.chance(0.15) ? keyMembers(rng) : fresh(rng))

export const orderBody = (rng: Random): Buffer => {
  const members = orderMembers(rng)
  return rng.chance(0.4) ? Buffer.from(renderObject(rng, members)) : hostileObject(rng, members)
}

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Nested as deep as the contract does not speak of: beside it nobody could say what becomes of the others. */
const isDeep = (text: string): boolean => /\[{300}|(\{"a":){300}/.test(text)

/** An order of a batch: one that is no JSON would spoil the whole batch, so most are. */
const batchItem = (rng: Random): string => {
  const text = orderBody(rng).toString()
  return !isDeep(text) && (isJson(text) || rng.chance(0.02)) ? text : rng.pick(['null', '1', '"order"', '[]', '{}'])
}

/** A list of orders, sometimes of none or too many, now and then in a body that is no such list. */
export const batchBody = (rng: Random): Buffer => {
  const count = rng.weighted([
    [20, 1 + rng.below(8)],
    [0.2, 256],
    [0.2, 257],
    [0.2, 0],
  ] as const)
  const items = Array.from({ length: count }, () => (count > 8 ? '{}' : batchItem(rng)))
  const members: Member[] = [['"orders"', `[${items.join(',')}]`]]
  return rng.chance(0.93) ? Buffer.from(renderObject(rng, members)) : hostileObject(rng, members)
}

/** A lawful order of a new user: a correct service stores it. */
export const lawfulOrder = (rng: Random): { userId: string; body: Buffer } => {
  const userId = rng.uuid()
  const order = {
    userId,
    ticker: 'LAWFUL',
    side: 'BUY',
    type: 'LIMIT',
    timeInForce: 'GTC',
    quantity: 1 + rng.below(1_000),
    price: 1.5,
  }
  return { userId, body: Buffer.from(JSON.stringify(order)) }
}

/** The key of an order that was or may be placed, or of none. */
export const voidBody = (rng: Random): Buffer => {
  const members = keyMembers(rng).filter(([name]) => name === '"userId"' || name === '"clientOrderId"')
  if (rng.chance(0.3)) members[1] = ['"clientOrderId"', rng.pick(['"never"', '"a b~!"', 'null', '""', '1'])]
  return rng.chance(0.7) ? Buffer.from(renderObject(rng, members)) : hostileObject(rng, members)
}

export const resolutionBody = (rng: Random): Buffer => {
  const members: Member[] = [
    ['"resolvedBy"', rng.pick(['"ops@desk"', '"a"', `"${'b'.repeat(200)}"`, '"\u00e9\ud83d\ude00"'])],
    ['"note"', rng.pick(['"engine replayed an old log"', '"-"', `"${'n'.repeat(2_000)}"`, `"\\u2028 ${secret}"`])],
  ]
  return rng.chance(0.3) ? Buffer.from(renderObject(rng, members)) : hostileObject(rng, members)
}
