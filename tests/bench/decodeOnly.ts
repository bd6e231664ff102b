// L7: how many trades one core can decode, from the bytes of the topic to what the service works on, and nothing else. A process of its
// own, as the service is: `decodeOnly` runs this file.

import { decodeTrade } from '../../src/kafka/schema.ts'
import { runCommand } from './measure/command.ts'
import { tickerOf } from './mix/orderMix.ts'
import { drawTrades } from './mix/tradeMix.ts'

export type DecodeResult = { perSecond: number; malformed: number; cpuSeconds: number }

const books = Array.from({ length: 200 }, (_, i) => ({
  ticker: tickerOf(i + 1),
  buys: ['01901000-1001-7000-8000-000000000000', '01901000-1003-7000-8000-000000000000'],
  sells: ['01901000-1002-7000-8000-000000000000', '01901000-1004-7000-8000-000000000000'],
}))
const messageCount = 50_000

const decodeFor = (seconds: number, messages: readonly Buffer[]): { decoded: number; malformed: number } => {
  const until = performance.now() + seconds * 1000
  let [decoded, malformed] = [0, 0]
  while (performance.now() < until) {
    for (const bytes of messages) if ('malformed' in decodeTrade(bytes)) malformed++
    decoded += messages.length
  }
  return { decoded, malformed }
}

const main = (seconds: number): void => {
  const messages = drawTrades(books, messageCount, 'decode').messages.map(({ value }) => Buffer.from(value))
  decodeFor(1, messages)
  const startedAt = performance.now()
  const { decoded, malformed } = decodeFor(seconds, messages)
  const perSecond = (decoded / (performance.now() - startedAt)) * 1000
  process.stdout.write(`${JSON.stringify({ perSecond, malformed })}\n`, () => process.exit(0))
}

export const decodeOnly = async (seconds: number): Promise<DecodeResult> => {
  const { output, cpuSeconds } = await runCommand([process.execPath, import.meta.path, `${seconds}`])
  return { ...(JSON.parse(output) as DecodeResult), cpuSeconds }
}

if (import.meta.main) main(Number(process.argv[2]))
