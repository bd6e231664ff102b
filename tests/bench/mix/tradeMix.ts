// The trades of W2: two-legged, between open orders of one ticker; a tenth repeat an earlier one, one in a hundred names nobody's
// orders, one in a hundred asks for more than the orders have. A seed draws them, together with the results that they must have.

import { randomStream, type Random } from '../../support/random.ts'

export type TradeMessage = { key: string; value: string }

/** Open orders of one ticker. */
export type Book = { ticker: string; buys: readonly string[]; sells: readonly string[] }

export type TradeSet = {
  messages: TradeMessage[]
  /** `order trade` of each leg that has to be applied. */
  legs: Set<string>
  duplicateLegs: number
  unknownMessages: number
  overfillLegs: number
}

const shares = { duplicate: 0.1, unknown: 0.01, overfill: 0.01 } as const
/** More than any order of the loader has room for, and less than an amount may be. */
const tooMuch = 100_000_000
/** A repeat comes soon after. */
const repeatWithin = 2_000

const legKey = (orderId: string, tradeId: string): string => `${orderId} ${tradeId}`

/** Books by how many orders they have, so that every order is as likely as any other. */
const createPick = (books: readonly Book[]): ((rng: Random) => Book) => {
  const upTo: number[] = []
  let sum = 0
  for (const { buys, sells } of books) upTo.push((sum += buys.length + sells.length))
  return (rng) => {
    const target = rng.next() * sum
    return books[upTo.findIndex((bound) => bound > target)]!
  }
}

type Drawn = { tradeId: string; ticker: string; buy: string; sell: string; quantity: number; cents: number }

const encode = ({ tradeId, ticker, buy, sell, quantity, cents }: Drawn): string =>
  `{"tradeId":"${tradeId}","buyOrderId":"${buy}","sellOrderId":"${sell}","ticker":"${ticker}","price":${cents / 100},` +
  `"quantity":${quantity},"timestamp":"2026-01-02T03:04:05.678Z"}`

/** `count` messages in the order to send them. Every book has orders on both sides. */
export const drawTrades = (books: readonly Book[], count: number, seed: string): TradeSet => {
  const rng = randomStream('trades', seed)
  const pickBook = createPick(books)
  const set: TradeSet = { messages: [], legs: new Set(), duplicateLegs: 0, unknownMessages: 0, overfillLegs: 0 }
  const recent: TradeMessage[] = []

  const draw = (i: number): Drawn => {
    const { ticker, buys, sells } = pickBook(rng)
    const tradeId = `${seed}-${i}`
    return {
      tradeId,
      ticker,
      buy: rng.pick(buys),
      sell: rng.pick(sells),
      quantity: rng.int(1, 9),
      cents: rng.int(9_900, 10_100),
    }
  }
  const next = (i: number): TradeMessage => {
    const kind = rng.next()
    if (kind < shares.duplicate && recent.length > 0) {
      set.duplicateLegs += 2
      return rng.pick(recent)
    }
    const trade = draw(i)
    if (kind > 1 - shares.unknown) {
      set.unknownMessages++
      return { key: trade.ticker, value: encode({ ...trade, buy: rng.uuid(), sell: rng.uuid() }) }
    }
    if (kind > 1 - shares.unknown - shares.overfill) {
      set.overfillLegs += 2
      return { key: trade.ticker, value: encode({ ...trade, quantity: tooMuch }) }
    }
    set.legs.add(legKey(trade.buy, trade.tradeId)).add(legKey(trade.sell, trade.tradeId))
    const message = { key: trade.ticker, value: encode(trade) }
    recent[(set.legs.size / 2 - 1) % repeatWithin] = message
    return message
  }
  for (let i = 0; i < count; i++) set.messages.push(next(i))
  return set
}
