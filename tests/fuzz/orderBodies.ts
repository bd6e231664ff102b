// Bodies for the two routes that take one: lawful ones in every notation that the contract allows, and hostile ones.

import { hostileObject, renderObject, secret, type Member } from './mutate.ts'
import { uuidOf, type Rng } from './prng.ts'

/** Users whose keys are used again and again. */
const keyUsers = 20
const keysEach = 10

const digits = (rng: Rng, count: number): string => Array.from({ length: count }, () => rng.int(10)).join('')
const whole = (rng: Rng): string => (rng.chance(0.1) ? '0' : `${1 + rng.int(9)}${digits(rng, rng.int(12))}`)

/** Mostly within the limits; now and then on or past their edge. */
export const amountSource = (rng: Rng): string =>
  rng.weighted<() => string>([
    [4, () => `${1 + rng.int(1_000)}`],
    [3, () => `${whole(rng)}.${digits(rng, 1 + rng.int(8))}`],
    [1, () => `${whole(rng)}.${digits(rng, 1 + rng.int(10))}${'0'.repeat(rng.int(20))}`],
    [1, () => `${1 + rng.int(9)}${digits(rng, 11)}.${digits(rng, 8)}`],
    [1, () => `${1 + rng.int(99)}.${digits(rng, 3)}${rng.pick(['e', 'E'])}${rng.pick(['', '+', '-'])}${rng.int(9)}`],
    [1, () => `${1 + rng.int(9)}e-${rng.int(10)}`],
  ])()

const amount = (rng: Rng): string => {
  const source = amountSource(rng)
  return rng.chance(0.25) && !/e/i.test(source) ? `"${source}"` : source
}

const ticker = (rng: Rng): string =>
  rng.pick(['AAPL', 'aapl', 'BRK.B', 'x-1', 'A', '0123456789ABCDEF', 'zZ9.-', 'MSFT'])
const cased = (rng: Rng, text: string): string => (rng.chance(0.2) ? text.toUpperCase() : text)
const shuffled = <T>(rng: Rng, items: T[]): T[] => items.toSorted(() => rng.next() - 0.5)

/** An order that repeats: same key, mostly the same order, so that replays and mismatches both come up. */
const keyed = (rng: Rng): Member[] => {
  const user = rng.int(keyUsers)
  const plain = rng.chance(0.8)
  return [
    ['"userId"', `"00000000-0000-4000-8000-${String(user).padStart(12, '0')}"`],
    ['"ticker"', rng.pick(['"KEYS"', '"keys"'])],
    ['"side"', '"BUY"'],
    ['"type"', '"LIMIT"'],
    ['"timeInForce"', '"GTC"'],
    ['"quantity"', plain ? rng.pick(['100', '"100.00"', '1e2', '100.0']) : amount(rng)],
    ['"price"', rng.pick(['150.5', '"150.50"', '1.505e2'])],
    ['"clientOrderId"', `"key-${rng.int(keysEach)}"`],
  ]
}

const fresh = (rng: Rng): Member[] => {
  const market = rng.chance(0.3)
  const members: Member[] = [
    ['"userId"', `"${cased(rng, uuidOf(rng))}"`],
    ['"ticker"', `"${ticker(rng)}"`],
    ['"side"', rng.pick(['"BUY"', '"SELL"'])],
    ['"type"', market ? '"MARKET"' : '"LIMIT"'],
    ['"timeInForce"', rng.pick(['"GTC"', '"IOC"', '"FOK"', '"DAY"'])],
    ['"quantity"', amount(rng)],
  ]
  if (!market || rng.chance(0.05)) members.push(['"price"', market ? 'null' : amount(rng)])
  if (rng.chance(0.15))
    members.push(['"clientOrderId"', rng.pick(['null', '"a b~!"', '"\\"\\\\/"', `"${'k'.repeat(64)}"`])])
  return members
}

const orderMembers = (rng: Rng): Member[] => shuffled(rng, rng.chance(0.15) ? keyed(rng) : fresh(rng))

export const orderBody = (rng: Rng): Buffer => {
  const members = orderMembers(rng)
  return rng.chance(0.4) ? Buffer.from(renderObject(rng, members)) : hostileObject(rng, members)
}

/** One that is stored for sure unless something is wrong, for a user nobody else has. */
export const lawfulOrder = (rng: Rng): { userId: string; body: Buffer } => {
  const userId = uuidOf(rng)
  const order = {
    userId,
    ticker: 'LAWFUL',
    side: 'BUY',
    type: 'LIMIT',
    timeInForce: 'GTC',
    quantity: 1 + rng.int(1_000),
    price: 1.5,
  }
  return { userId, body: Buffer.from(JSON.stringify(order)) }
}

export const resolutionBody = (rng: Rng): Buffer => {
  const members: Member[] = [
    ['"resolvedBy"', rng.pick(['"ops@desk"', '"a"', `"${'b'.repeat(200)}"`, '"\u00e9\ud83d\ude00"'])],
    ['"note"', rng.pick(['"engine replayed an old log"', '"-"', `"${'n'.repeat(2_000)}"`, `"\\u2028 ${secret}"`])],
  ]
  return rng.chance(0.3) ? Buffer.from(renderObject(rng, members)) : hostileObject(rng, members)
}
