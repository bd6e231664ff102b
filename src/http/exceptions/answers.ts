// The answers about exceptions: their schemas, and the functions that write them.

import { Type, type Static } from '@sinclair/typebox'
import { exceptionDispositions } from '../../domain/leg.ts'
import type { TradeException as StoredException } from '../../store/exceptions.ts'
import { exactAmount } from '../../wire/exactAmount.ts'
import { ExactAmount, Instant, oneOf, orNull, Side, Ticker, TradeId, Uuid } from '../../wire/shapes.ts'
import { NextCursor } from '../exchange/cursor.ts'

export const Resolution = Type.Object(
  { resolvedBy: Type.String(), note: Type.String(), resolvedAt: Instant },
  { component: 'Resolution' },
)

/** Where the message stands. */
export const Source = Type.Object({
  topic: Type.String(),
  partition: Type.Integer({ minimum: 0 }),
  offset: Type.Integer({ minimum: 0, format: 'int64' }),
})

export const TradeException = Type.Object(
  {
    id: Uuid,
    disposition: oneOf(exceptionDispositions),
    reason: Type.String(),
    orderId: Uuid,
    tradeId: TradeId,
    side: Side,
    ticker: Ticker,
    tradedAt: Instant,
    recordedAt: Instant,
    quantity: ExactAmount,
    price: ExactAmount,
    source: Source,
    keyBase64: orNull(Type.String({ contentEncoding: 'base64' })),
    message: Type.String({ description: 'The message as received.' }),
    resolution: orNull(Resolution),
  },
  { component: 'TradeException', description: 'A leg of a trade that was not applied though its order is here.' },
)

export const ExceptionPage = Type.Object({ exceptions: Type.Array(TradeException), nextCursor: NextCursor })

/** An exception as an object for JSON.stringify. */
const exceptionAnswer = (exception: StoredException): Static<typeof TradeException> => {
  const { key, topic, partition, offset } = exception
  return {
    id: exception.id,
    disposition: exception.disposition,
    reason: exception.reason,
    orderId: exception.orderId,
    tradeId: exception.tradeId,
    side: exception.side,
    ticker: exception.ticker,
    tradedAt: exception.tradedAt,
    recordedAt: exception.recordedAt,
    quantity: exactAmount(exception.quantity),
    price: exactAmount(exception.price),
    source: { topic, partition, offset },
    keyBase64: key === null ? null : Buffer.from(key).toString('base64'),
    message: exception.message,
    resolution: exception.resolution,
  }
}

export const exceptionJson = (exception: StoredException): string => JSON.stringify(exceptionAnswer(exception))

/** `nextCursor`: null on the last page. */
export const exceptionPageJson = (exceptions: readonly StoredException[], nextCursor: string | null): string =>
  JSON.stringify({ exceptions: exceptions.map(exceptionAnswer), nextCursor } satisfies Static<typeof ExceptionPage>)
