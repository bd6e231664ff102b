// The trade topic against the ledger: below the group's committed offsets every leg has left its trace. The offsets are read
// first, then the dead letters, then the trades and the tables; each trace was there before the offset that passed its leg.

import { canonicalUuid } from '../domain/ids.ts'
import { legOf } from '../domain/trade.ts'
import { decodeTrade } from '../kafka/schema.ts'
import type { TopicReader, TopicRecord } from '../kafka/topicReader.ts'
import type { Sql } from '../store/sql.ts'
import { coordinatesText } from '../wire/coordinates.ts'
import { passedSpans, readLetters, type Run } from './inboundTopic.ts'
import { readUntraced, type TopicLeg, type Untraced } from './legsSql.ts'
import type { VerifyTopicsOptions } from './topics.ts'
import type { Violation } from './violation.ts'

type Leg = TopicLeg & { name: string; publishedAtMs: number }

const batchMax = 2_500

/** The legs of a message. A message that cannot be decoded, or an id that cannot be an order's, leaves a letter or nothing. */
const legsOf = (record: TopicRecord): Leg[] => {
  const from = { letterId: coordinatesText(record), publishedAtMs: record.publishedAtMs }
  const trade = decodeTrade(record.value)
  if ('malformed' in trade) {
    const none = { letterLeg: null, orderId: null, tradeId: '', side: null, ticker: '', quantity: 0n, price: 0n }
    return [{ ...from, ...none, name: `MALFORMED (${trade.malformed})`, needsLetter: true }]
  }
  return trade.sides.map((side) => {
    const { tradeId, ticker, quantity, price } = trade
    const leg = legOf(trade, side)
    const orderId = canonicalUuid(leg.orderId)
    const name = `${side.side ?? 'ORDER'} leg of order ${leg.orderId.slice(0, 64)}, trade ${tradeId}`
    // As kafka/trades/batch.ts names it.
    const letterLeg = orderId === null ? null : `${side.side ?? 'ORDER'}:${orderId}`
    return { ...from, letterLeg, orderId, tradeId, side: side.side, ticker, quantity, price, name, needsLetter: false }
  })
}

const untraced = (leg: Leg, { orderExists, recorded }: Omit<Untraced, 'index'>): Violation => ({
  subject: 'trade',
  id: leg.letterId,
  rule: leg.name,
  expected: orderExists ? 'a ledger row or an exception with its content, or a dead letter' : 'a dead letter',
  found: recorded === null ? null : `a ledger row of ${recorded}`,
})

export const verifyLegs = async (sql: Sql, reader: TopicReader, options: VerifyTopicsOptions): Promise<void> => {
  const run: Run = { sql, reader, options, group: options.group }
  const { topics, reporter, slackMs, unknownToDeadLetters } = options
  const spans = await passedSpans(run, { topic: topics.trades, subject: 'trade' })
  const lettersSinceMs = (await readLetters(run, topics.deadLetters)) + slackMs
  const total = spans.reduce((sum, { start, end }) => sum + Math.max(0, Number(end - start)), 0)
  let legs = 0
  let done = 0
  let unjudged = 0
  await reader.read(topics.trades, spans, async (records) => {
    for (let i = 0; i < records.length; i += batchMax) {
      const batch = records.slice(i, i + batchMax).flatMap(legsOf)
      const missing = await readUntraced(sql, batch, unknownToDeadLetters)
      // The letter of a leg that is older may have been deleted already; nobody can say.
      const judged = missing.filter(
        ({ index, recorded }) => recorded !== null || batch[index]!.publishedAtMs >= lettersSinceMs,
      )
      unjudged += missing.length - judged.length
      legs += batch.length
      await reporter.onViolations(judged.map((row) => untraced(batch[row.index]!, row)))
    }
    done += records.length
    reporter.onProgress(`messages of ${topics.trades}`, done, total)
  })
  await reporter.onNote(`${topics.trades}: ${legs} legs below the committed offsets of ${options.group}`)
  if (unjudged > 0)
    await reporter.onNote(`${unjudged} legs are older than the dead letters that are still kept: not judged`)
}
