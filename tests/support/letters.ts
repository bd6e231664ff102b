// Dead letters as the service writes them, made by hand: for orders that the test's own database has.

import type { Outgoing } from './kafka.ts'
import type { Trade, World } from './world.ts'

export type LetterOf = {
  world: World
  /** The message: a trade, a text that is no trade (the letter is MALFORMED), or null (the letter lacks the message). */
  trade: Trade | string | null
  partition: number
  offset: number
  headers?: Record<string, string | null>
  key?: string
}

export const letterFor = ({ world, trade, partition, offset, headers = {}, key = 'AAPL' }: LetterOf): Outgoing => {
  const legs = typeof trade === 'object' && trade !== null ? `BUY:${String(trade['buyOrderId'])}` : ''
  return {
    topic: world.topics.deadLetters,
    key,
    value: typeof trade === 'object' && trade !== null ? JSON.stringify(trade) : trade,
    headers: {
      'x-dead-letter-id': `${world.topics.trades}-${partition}-${offset}`,
      'x-disposition': legs === '' ? 'MALFORMED' : 'UNKNOWN_ORDER',
      'x-reason': legs === '' ? 'is no JSON in UTF-8' : 'no such order here',
      'x-legs': legs,
      'x-original-topic': world.topics.trades,
      'x-original-partition': String(partition),
      'x-original-offset': String(offset),
      ...headers,
    },
  }
}
