// Proves: the alert rules and the dashboard are what Prometheus and Grafana take, and every alert leads an operator to its own
// section of the runbook. (That they ask for metrics that exist is checked on the running binary: tests/e2e.)

import { describe, expect, test } from 'bun:test'
import { inRepo } from '../../src/build/repository.ts'
import { alertsWithRunbook } from '../../src/commands/metrics.ts'
import { createDashboard } from '../../src/metrics/dashboard.ts'
import { anchorsOf } from '../support/markdown.ts'
import { alertRules, panels } from '../support/operator.ts'
import { selectionsOf } from '../support/promql.ts'

const anchors = anchorsOf(await Bun.file(inRepo('src', 'handbook', 'runbook.md')).text())

describe('alerts', () => {
  test('have names of their own', () => {
    expect(alertRules.length).toBeGreaterThan(15)
    expect(new Set(alertRules.map(({ alert }) => alert)).size).toBe(alertRules.length)
  })

  describe.each(alertRules.map((rule) => [rule.alert, rule] as const))(
    '%s',
    (name, { expr, labels, annotations, ...rest }) => {
      test('is named and graded', () => {
        expect(name).toMatch(/^Orders[A-Z]\w+$/)
        expect(['critical', 'warning', 'info']).toContain(labels.severity)
        expect(rest.for ?? '1m').toMatch(/^[1-9]\d*[smhd]$/)
      })

      test('is PromQL', () => {
        expect(selectionsOf(expr).length).toBeGreaterThan(0)
      })

      // Prometheus 2 keeps `1` as it was scraped, 3 makes it `1.0`.
      test('takes no bound of a bucket for a text', () => {
        const bounds = selectionsOf(expr).flatMap(({ matchers }) => matchers.filter(({ label }) => label === 'le'))
        for (const { op, value } of bounds) {
          expect(op).toBe('=~')
          expect(value).toMatch(/^(\d+)\|\1\[[.]\]0$/)
        }
      })

      test('says what is wrong and where to read on', () => {
        expect(Object.keys(annotations).toSorted()).toEqual(['description', 'runbook_url', 'summary'])
        const [base, anchor] = annotations.runbook_url.split('#')
        expect(base).toBe('http://localhost:8085/docs/handbook/runbook')
        expect(anchor).toBe(name.toLowerCase())
        expect(anchors.filter((one) => one === anchor)).toHaveLength(1)
      })

      test('names in its words only labels that the expression keeps', () => {
        const named = [...`${annotations.summary}${annotations.description}`.matchAll(/\$labels\.(\w+)/g)].map(
          ([, label]) => label!,
        )
        const aggregated = /^\s*(?:sum|max|min|count|histogram_quantile)\b/.test(expr)
        const labels = selectionsOf(expr).flatMap(({ grouped }) => grouped)
        if (aggregated) for (const label of named) expect(labels).toContain(label)
      })
    },
  )
})

describe('another address of the runbook', () => {
  test('replaces the one of every alert, and nothing else', () => {
    const base = 'https://git.example/orders/blob/main/src/handbook/runbook.md?plain=0'
    const text = alertsWithRunbook(base)!
    expect([...text.matchAll(/runbook_url: .*/g)].map(([line]) => line)).toEqual(
      alertRules.map(({ alert }) => `runbook_url: '${base}#${alert.toLowerCase()}'`),
    )
    const rest = (yaml: string): string => yaml.replace(/runbook_url: .*/g, '')
    expect(rest(text)).toBe(rest(alertsWithRunbook()!))
  })

  test.each([
    '',
    'runbook.md',
    'ftp://a/b',
    "https://a/b'c",
    'https://a/b#c',
    'https://a/b c',
    'https://a/{{ $value }}',
  ])('%j is refused', (base) => {
    expect(alertsWithRunbook(base)).toBeNull()
  })
})

describe('the dashboard', () => {
  test('is plain JSON with panels that have ids of their own', () => {
    const dashboard = createDashboard()
    expect(JSON.parse(JSON.stringify(dashboard))).toEqual(dashboard)
    const ids = dashboard.panels.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('lays no panel over another, and all within the width of the page', () => {
    const names = new Set<string>()
    for (const { gridPos } of createDashboard().panels)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(x).toBeLessThan(24)
          expect(names.has(`${x} ${y}`)).toBe(false)
          names.add(`${x} ${y}`)
        }
  })

  test('asks Prometheus in PromQL, and its legends name labels that are there', () => {
    expect(panels.length).toBeGreaterThan(20)
    for (const { targets } of panels)
      for (const { expr, legendFormat } of targets) {
        const labels = selectionsOf(expr).flatMap(({ grouped }) => grouped)
        const named = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label!)
        const aggregated = /^(?:sum|max|min|count|histogram_quantile)\b/.test(expr)
        for (const label of named) expect(aggregated ? labels : ['instance']).toContain(label)
      }
  })
})
