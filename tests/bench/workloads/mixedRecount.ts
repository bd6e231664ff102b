// The recount of W5: besides every order, every cancellation that a client was told of, and every leg that the engine published.

import type { Bench } from '../bench.ts'
import type { OpenLoopResult } from '../measure/openLoop.ts'
import { tradeLag, untilPublished } from '../recount/evidence.ts'
import { judgeTrades, mergeRecounts, type Recount } from '../recount/recount.ts'
import type { Trial } from '../world/trial.ts'
import { recountOrders } from './closedLoop.ts'
import type { ClientRecord } from './paced.ts'

const restLimitMs = 300_000
const quietMs = 3_000
const pollMs = 250
const page = 50_000

const total = (numbers: readonly number[]): number => numbers.reduce((sum, n) => sum + n, 0)

/** Until the outbox is empty, the engine publishes nothing more, and the service has been through what it published. */
const untilAtRest = async (bench: Bench, trial: Trial): Promise<void> => {
  await untilPublished(trial)
  const limit = performance.now() + restLimitMs
  let [ends, since] = [-1, performance.now()]
  while (performance.now() < limit && performance.now() - since < quietMs) {
    const now = total(await bench.reader.ends(trial.topics.trades))
    if (now !== ends || (await tradeLag(trial, bench.reader)) > 0) since = performance.now()
    ends = now
    await Bun.sleep(pollMs)
  }
}

type PublishedTrade = { tradeId: string; buyOrderId: string; sellOrderId: string }

const recountLegs = async (bench: Bench, trial: Trial): Promise<Recount> => {
  const expectedLegs = new Set<string>()
  await bench.reader.scan(trial.topics.trades, ({ value }) => {
    const { tradeId, buyOrderId, sellOrderId } = JSON.parse(value!.toString()) as PublishedTrade
    expectedLegs.add(`${buyOrderId} ${tradeId}`).add(`${sellOrderId} ${tradeId}`)
  })
  const ledgerLegs: string[] = []
  const rows = trial.sql<{ leg: string }[]>`select order_id || ' ' || trade_id as leg from ingested_fills`
  await rows.cursor(page, (some) => {
    for (const { leg } of some) ledgerLegs.push(leg)
  })
  const [row] = await trial.sql<{ exceptions: number }[]>`select count(*)::integer as exceptions from exceptions`
  const lag = await tradeLag(trial, bench.reader)
  const letters = total(await bench.reader.ends(trial.topics.letters))
  // The engine repeats nothing and knows every order, so its trades can only become fills.
  const none = { expectedExceptions: 0, expectedLetters: 0, expectedDuplicates: 0, duplicates: 0 }
  return judgeTrades({ ...none, expectedLegs, ledgerLegs, exceptions: row!.exceptions, letters, lag })
}

const recountCancels = async (bench: Bench, trial: Trial, result: OpenLoopResult): Promise<Recount> => {
  const acks = result.answers['cancel 200'] ?? 0
  const doubtful = total(
    Object.entries(result.answers).flatMap(([name, count]) => (/^cancel (5\d\d|lost)$/.test(name) ? [count] : [])),
  )
  // By the log, and by order: a fill that comes late may end a canceled order as FILLED, and has its cancellation published again.
  const [row] = await trial.sql<{ orders: number }[]>`
    select count(distinct order_id)::integer as orders from order_changes where kind = 'CANCELED'`
  const canceled = row!.orders
  const published = new Set<string>()
  await bench.reader.scan(trial.topics.cancelled, ({ value }) =>
    published.add((JSON.parse(value!.toString()) as { orderId: string }).orderId),
  )
  const faults = [
    ...(canceled < acks ? [`${acks - canceled} acknowledged cancellations are not stored`] : []),
    ...(canceled > acks + doubtful + result.unanswered
      ? [`${canceled} orders are canceled, ${acks} were asked for`]
      : []),
    ...(published.size === canceled
      ? []
      : [`the cancellations of ${published.size} orders were published, not ${canceled}`]),
  ]
  return { ok: faults.length === 0, faults, facts: { canceled } }
}

export const recountMixed = async (
  bench: Bench,
  trial: Trial,
  { result, record }: { result: OpenLoopResult; record: ClientRecord },
): Promise<Recount> => {
  await untilAtRest(bench, trial)
  const orders = await recountOrders(bench, trial, record, 'topics')
  return mergeRecounts(orders, await recountLegs(bench, trial), await recountCancels(bench, trial, result))
}
