// Proves: whatever bytes come as a report, the decoder reads of them exactly what an independent oracle does, or calls them malformed where
// the oracle does.

import { expect, test } from 'bun:test'
import { formatAmount } from '../../src/domain/decimal.ts'
import { decodeReport } from '../../src/kafka/reportSchema.ts'
import { expectReport } from './expectedReport.ts'
import { reportBytes } from './reportMessages.ts'

const messages = 30_000

/** What is no UUID names no order of ours, however it is kept. */
const ourId = (id: string): string => (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id) ? id : 'no order of ours')

test('the decoder of reports agrees with the oracle', () => {
  const counts = { report: 0, malformed: 0, unclear: 0, zero: 0 }
  for (let number = 0; number < messages; number++) {
    const bytes = reportBytes('reports-1', number)
    const [decoded, expected] = [decodeReport(bytes), expectReport(bytes)]
    const shown = `message ${number}: ${bytes?.toString('latin1').slice(0, 500)}`
    if (expected === 'UNCLEAR') {
      counts.unclear++
      continue
    }
    if ('malformed' in decoded || expected === 'MALFORMED') {
      expect([shown, 'malformed' in decoded]).toEqual([shown, expected === 'MALFORMED'])
      counts.malformed++
      continue
    }
    const { reason, cumulativeQuantity, ...rest } = decoded
    const cumulative = cumulativeQuantity === null ? null : formatAmount(cumulativeQuantity)
    const found: typeof expected = { ...rest, orderId: ourId(rest.orderId), cumulative }
    expect([shown, found]).toEqual([shown, { ...expected, orderId: ourId(expected.orderId) }])
    expect(reason === null || (reason.length > 0 && Array.from(reason).length <= 500)).toBeTrue()
    counts.report++
    if (cumulative === '0') counts.zero++
  }
  expect(counts.report).toBeGreaterThan(3_000)
  expect(counts.malformed).toBeGreaterThan(3_000)
  expect(counts.zero).toBeGreaterThan(300)
  expect(counts.unclear).toBeLessThan(messages / 10)
})
