// Proves: the matrix says what ran, what passed and how long it took; the handbook keeps the last result of each combination with its
// date, and everything around it.

import { describe, expect, test } from 'bun:test'
import { withTable } from '../../src/build/docs.ts'
import { inRepo } from '../../src/build/repository.ts'
import { readOptions } from './options.ts'
import { createProgress } from './progress.ts'
import { resultLines, total, withResults, type Result } from './table.ts'

const result = (postgres: string, kafka: string, passed: number, failed = 0): Result => ({
  postgres,
  kafka,
  counts: { passed, failed, skipped: 0 },
  seconds: 61.4,
})

test('the table has a line for each combination, in columns', () => {
  expect(resultLines([result('15.18', '4.1.1', 1040), result('18.4', '3.9.2', 9, 12)])).toEqual([
    'PostgreSQL  Kafka  passed  failed  seconds',
    '15.18       4.1.1    1040       0       61',
    '18.4        3.9.2       9      12       61',
  ])
  expect(resultLines([])).toEqual(['PostgreSQL  Kafka  passed  failed  seconds'])
})

test('the sum counts what was skipped too', () => {
  const skipped = { ...result('16.1', '4.1.1', 1), counts: { passed: 1, failed: 2, skipped: 3 } }
  expect(total([skipped, result('15.1', '4.1.1', 10, 20)])).toEqual({ passed: 11, failed: 22, skipped: 3 })
  expect(total([])).toEqual({ passed: 0, failed: 0, skipped: 0 })
})

const on = (day: string) => ({ version: '1.5.0', on: day })

describe('the table of the handbook', () => {
  const empty = '# Page\n\nbefore\n\n<!-- measured: matrix -->\n<!-- end -->\n\nafter\n'
  const rowsOf = (page: string): string[] => page.split('\n').filter((line) => /^\| \d/.test(line))

  test('has the results with the day, and the text around it stays', () => {
    const page = withResults(empty, [result('15.18', '4.1.1', 100, 1)], on('2026-01-31'))
    expect(page).toBe(
      '# Page\n\nbefore\n\n<!-- measured: matrix -->\n\n' +
        '| PostgreSQL | Kafka | passed | failed | version | on |\n| --- | --- | --- | --- | --- | --- |\n' +
        '| 15.18 | 4.1.1 | 100 | 1 | 1.5.0 | 2026-01-31 |\n\n<!-- end -->\n\nafter\n',
    )
  })

  test('keeps the last result of each combination, whatever its exact versions were', () => {
    const first = withResults(empty, [result('18.3', '4.1.1', 1), result('16.14', '4.1.1', 2)], on('2026-01-01'))
    const second = withResults(first, [result('18.4', '4.1.2', 3), result('18.4', '3.9.2', 4)], on('2026-02-02'))
    expect(rowsOf(second)).toEqual([
      '| 16.14 | 4.1.1 | 2 | 0 | 1.5.0 | 2026-01-01 |',
      '| 18.4 | 4.1.2 | 3 | 0 | 1.5.0 | 2026-02-02 |',
      '| 18.4 | 3.9.2 | 4 | 0 | 1.5.0 | 2026-02-02 |',
    ])
    expect(withResults(second, [], on('2026-03-03'))).toBe(second)
  })

  test('says nothing of servers that did not start', () => {
    expect(rowsOf(withResults(empty, [result('15', '4.1.1', 0, 1)], on('2026-01-01')))).toEqual([])
  })

  test('forgets servers that nobody runs any more', () => {
    const old = empty.replace('-->\n<!-- end', '-->\n\n| 14.2 | 4.1.1 | 5 | 0 | 1.5.0 | 2020-01-01 |\n\n<!-- end')
    expect(rowsOf(withResults(old, [result('17.1', '4.1.1', 1)], on('2026-01-01')))).toEqual([
      '| 17.1 | 4.1.1 | 1 | 0 | 1.5.0 | 2026-01-01 |',
    ])
  })

  test.each(['no marks', '<!-- measured: matrix -->\n', '<!-- end -->'])('is refused a place in %j', (page) => {
    expect(() => withResults(page, [], on('2026-01-01'))).toThrow('has no <!-- measured: matrix -->')
  })

  test('is not lost where a table that the code writes is on the same page', () => {
    const both = `${withResults(empty, [result('15.18', '4.1.1', 7)], on('2026-01-01'))}<!-- generated: metrics -->\n<!-- end -->\n`
    expect(rowsOf(withTable(both, 'metrics'))).toEqual(['| 15.18 | 4.1.1 | 7 | 0 | 1.5.0 | 2026-01-01 |'])
  })

  test('stands in the handbook', async () => {
    const page = await Bun.file(inRepo('src', 'handbook', 'operating.md')).text()
    expect(withResults(page, [], on('2026-01-01'))).toBe(page)
    // A row for each combination that `bun run matrix` runs, without a failure.
    const options = readOptions([])
    const expected = options === 'help' ? [] : options.combinations
    expect(expected.length).toBeGreaterThan(4)
    const rows = rowsOf(page)
    for (const { postgres, kafka } of expected) {
      const row = new RegExp(String.raw`^\| ${postgres}\.\d+ \| ${kafka}\.\d+ \| \d{4} \| 0 \| \d+\.\d+\.\d+ \| 20`)
      expect([postgres, kafka, rows.filter((each) => row.test(each)).length]).toEqual([postgres, kafka, 1])
    }
  })
})

test('of the output of the tests, the files and what failed are shown', () => {
  const progress = createProgress(12)
  const shown = (line: string, seconds = 5) => progress(line, seconds)
  expect(shown('bun test v1.4.5')).toEqual([])
  expect(shown('tests/store/orders.test.ts:')).toEqual(['    1/12    0:05  tests/store/orders.test.ts'])
  expect(shown('(pass) inserts [1.00ms]')).toEqual([])
  expect(shown('{"message":"(fail) in a log"}')).toEqual([])
  expect(shown('(fail) a batch > is halved [3.00ms]')).toEqual(['           FAILED  a batch > is halved [3.00ms]'])
  expect(shown('tests/e2e/race.test.ts:', 754.9)).toEqual(['    2/12   12:34  tests/e2e/race.test.ts'])
})
