// Proves: a blocked event loop is noticed, once for each block, and the process reports what it uses.

import { expect, test } from 'bun:test'
import { metricsText } from '../../src/metrics/metric.ts'
import { processMetrics, watchEventLoop } from '../../src/metrics/process.ts'
import { parseExposition } from '../support/exposition.ts'
import { until } from '../support/until.ts'

const keepTheLoop = (ms: number): void => {
  const end = performance.now() + ms
  while (performance.now() < end);
}

test('a block of the event loop is one value as long as it', async () => {
  const lag = watchEventLoop()
  const valueOf = (name: string, le?: string): number =>
    parseExposition(metricsText([lag()]))
      .get('orders_event_loop_lag_seconds')!
      .series.find((one) => one.name.endsWith(name) && one.labels['le'] === le)!.value
  const longerThan = (le: string): number => valueOf('_count') - valueOf('_bucket', le)
  await until(() => valueOf('_count') >= 4, { what: 'some looks' })
  const before = longerThan('0.25')
  keepTheLoop(4_000)
  await until(() => longerThan('0.25') > before, { what: 'the block is seen' })
  // Not one for each of the forty looks that it held up; on a busy machine others may hold up some.
  expect(longerThan('0.25')).toBeLessThan(before + 20)
  expect(valueOf('_sum')).toBeGreaterThan(0.25)
})

test('processor time grows with work', async () => {
  const seconds = () =>
    parseExposition(metricsText(processMetrics())).get('process_cpu_seconds_total')!.series[0]!.value
  const before = seconds()
  await until(
    () => {
      keepTheLoop(50)
      return seconds() - before > 0.05
    },
    { what: 'the work is in the figure' },
  )
})
