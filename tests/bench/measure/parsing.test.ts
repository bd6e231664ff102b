// Proves: the output of the foreign tools is read correctly, and what cannot be read is refused.

import { describe, expect, test } from 'bun:test'
import { parseStat, sharesOf, startCpuClock, treeTicks } from './cpu.ts'
import { parsePgbench } from './pgbench.ts'
import { parseProducerPerf } from './producerPerf.ts'
import { parseWrk } from './wrk.ts'

describe('wrk', () => {
  const output = `Running 5s test @ http://127.0.0.1:21555
  2 threads and 64 connections
  Non-2xx or 3xx responses: 7
bench {"requests":10007,"refused":7,"connect":1,"read":2,"write":3,"timeout":4,"duration":5002000,"p50":2500,"p99":9100,"p999":20400,"max":31000}
`
  test('ends with a line of its own', () => {
    expect(parseWrk(output)).toEqual({
      requests: 10_007,
      refused: 7,
      broken: 10,
      seconds: 5.002,
      p50Ms: 2.5,
      p99Ms: 9.1,
      p999Ms: 20.4,
    })
  })

  test('without it there is no result', () => {
    expect(() => parseWrk('Requests/sec: 10000')).toThrow('wrk did not end as expected')
  })
})

describe('pgbench', () => {
  const output = `transaction type: limits/L1.sql
number of clients: 16
number of transactions actually processed: 15956
number of failed transactions: 3 (0.019%)
latency average = 8.197 ms
initial connection time = 91.871 ms
tps = 1951.969396 (without initial connection time)
`
  test('tells transactions, failures, rate and latency', () => {
    expect(parsePgbench(output)).toEqual({ transactions: 15_956, failed: 3, perSecond: 1951.969396, meanMs: 8.197 })
  })

  test('a missing line is no zero', () => {
    expect(() => parsePgbench(output.replace(/^tps.*$/m, ''))).toThrow('pgbench did not say')
  })
})

describe('the producer perf tool', () => {
  test('tells the whole run in its last line', () => {
    const output = `211111 records sent, 42222.2 records/sec (24.16 MB/sec), 310.1 ms avg latency, 600.0 ms max latency.
500000 records sent, 61234.5 records/sec (35.04 MB/sec), 401.22 ms avg latency, 901.00 ms max latency, 390 ms 50th, 800 ms 95th, 880 ms 99th, 899 ms 99.9th.
`
    expect(parseProducerPerf(output)).toEqual({
      records: 500_000,
      perSecond: 61_234.5,
      p50Ms: 390,
      p99Ms: 880,
      p999Ms: 899,
    })
  })
})

describe('/proc', () => {
  const stat = (pid: number, parent: number, ticks: readonly number[]): string =>
    `${pid} (a name) with) S ${parent} 1 1 0 -1 4194560 100 200 0 0 ${ticks.join(' ')} 20 0 1 0 12345 1000 200`

  test('a name may hold brackets and spaces', () => {
    expect(parseStat(stat(42, 7, [10, 5, 3, 2]))).toEqual({ pid: 42, parent: 7, own: 15, ended: 5 })
  })

  test('a server is itself, its children, theirs, and those that have ended', () => {
    const processes = [
      parseStat(stat(1, 0, [1, 0, 0, 0])),
      parseStat(stat(2, 1, [10, 10, 100, 0])),
      parseStat(stat(3, 2, [5, 0, 0, 0])),
      parseStat(stat(4, 3, [7, 0, 0, 0])),
      parseStat(stat(5, 1, [1000, 0, 0, 0])),
    ]
    expect(treeTicks(2, processes)).toBe(132)
    expect(treeTicks(99, processes)).toBe(0)
  })

  test('shares are of the time that passed', () => {
    const use = { cpuSeconds: { service: 1.23, postgres: 0 }, wallSeconds: 2 }
    expect(sharesOf(use)).toEqual({ service: 61.5, postgres: 0 })
  })

  test('the clock counts what a process works, not what it waits', async () => {
    const seconds = (since: NodeJS.CpuUsage): number => {
      const { user, system } = process.cpuUsage(since)
      return (user + system) / 1e6
    }
    const outside = process.cpuUsage()
    const clock = startCpuClock({ self: process.pid, nobody: 2 ** 30 })
    const inside = process.cpuUsage()
    await Bun.sleep(100)
    while (seconds(inside) < 0.2);
    const worked = seconds(inside)
    const { cpuSeconds, wallSeconds } = clock.stop()
    expect(cpuSeconds['nobody']).toBe(0)
    expect(wallSeconds).toBeGreaterThanOrEqual(0.1)
    // User and system time are cut to ticks of 10 ms each. Only Linux tells.
    expect(cpuSeconds['self']).toBeGreaterThanOrEqual(process.platform === 'linux' ? worked - 0.021 : 0)
    expect(cpuSeconds['self']).toBeLessThanOrEqual(seconds(outside) + 0.021)
  })
})
