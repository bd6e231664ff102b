// An order of the mix (orderMix.ts) as the fields of a NewOrderSingle.

import type { Random } from '../../support/random.ts'
import { drawBody } from './orderMix.ts'

const soh = '\u0001'
const timeInForceCodes: Readonly<Record<string, string>> = { DAY: '0', GTC: '1', IOC: '3', FOK: '4' }

type Order = { ticker: string; side: string; type: string; timeInForce: string; quantity: number; price?: number }

export const drawOrder = (rng: Random): string => {
  const { ticker, side, type, timeInForce, quantity, price } = JSON.parse(drawBody(rng)) as Order
  const fields = [
    `55=${ticker}`,
    `54=${side === 'BUY' ? 1 : 2}`,
    `38=${quantity}`,
    `40=${type === 'LIMIT' ? 2 : 1}`,
    `59=${timeInForceCodes[timeInForce]!}`,
    ...(price === undefined ? [] : [`44=${price}`]),
  ]
  return fields.map((field) => `${field}${soh}`).join('')
}
