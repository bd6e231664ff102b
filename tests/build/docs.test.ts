// Proves: the tables of the handbook say what the code says: every setting with its default, unit and note, every metric with
// type, labels and help; and the text around them stays as its author wrote it.

import { describe, expect, test } from 'bun:test'
import { generatedPages, withTable } from '../../src/build/docs.ts'
import { inRepo } from '../../src/build/repository.ts'
import { settingGroups } from '../../src/config/config.ts'
import { declaredMetrics } from '../../src/metrics/metrics.ts'

const page = (path: string): Promise<string> => Bun.file(inRepo(path)).text()

test.each(Object.entries(generatedPages))('%s is fresh (if not: run `bun run docs`)', async (path, name) => {
  const text = await page(path)
  expect(text).toBe(withTable(text, name))
})

/** The rows below a head that begins with `first`, as cells without their marks. */
const rowsOf = (text: string, first: string): string[][] => {
  const rows: string[][] = []
  let isInside = false
  for (const line of text.split('\n')) {
    if (!line.startsWith('| ')) isInside = false
    else if (line.startsWith(`| ${first} |`)) isInside = true
    else if (isInside && !line.startsWith('| ---'))
      rows.push(
        line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.replaceAll('`', '').trim()),
      )
  }
  return rows
}

describe('the tables', () => {
  test('have a row for every setting, with default, unit and secrecy', async () => {
    const rows = rowsOf(await page('src/handbook/configuration.md'), 'key')
    expect(rows.map(([key]) => key!)).toEqual(settingGroups.flatMap(({ settings }) => Object.keys(settings)))
    const of = (key: string) => rows.find(([name]) => name === key)!
    expect(of('REQUEST_DEADLINE_MS').slice(1, 3)).toEqual(['5000', 'ms'])
    expect(of('AUTH_JWT_SCOPE_CLAIM').slice(1, 3)).toEqual(['scope,scp,scopes', ''])
    expect(of('KAFKA_TLS_CA_FILE')[1]).toBe('–')
    expect(of('KAFKA_SASL_PASSWORD')[3]).toEndWith('**Secret.**')
  })

  test('have a row for every metric', async () => {
    const rows = rowsOf(await page('src/handbook/metrics.md'), 'metric')
    expect(rows.map(([name]) => name!)).toEqual(declaredMetrics().map(({ name }) => name))
    expect(rows.find(([name]) => name === 'orders_trades_lag_seconds')!.slice(1, 3)).toEqual([
      'gauge',
      'topic, partition',
    ])
  })
})

describe('writing a table', () => {
  test('changes nothing outside the marks, and nothing when done again', () => {
    const once = withTable('# M\n\nbefore\n\n<!-- generated: metrics -->\nold\n<!-- end -->\n\nafter\n', 'metrics')
    expect(once).toMatch(
      /^# M\n\nbefore\n\n<!-- generated: metrics -->\n\n\| metric \|[\s\S]*\|\n\n<!-- end -->\n\nafter\n$/,
    )
    expect(withTable(once, 'metrics')).toBe(once)
  })

  test.each(['no marks', '<!-- generated: settings -->\n<!-- end -->', '<!-- generated: metrics -->\n'])(
    'refuses %j',
    (text) => {
      expect(() => withTable(text, 'metrics')).toThrow('has no <!-- generated: metrics -->')
    },
  )
})
