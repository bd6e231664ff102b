// The dashboard in Grafana's own JSON. Whoever imports it chooses the Prometheus that scrapes the service.

import type { Panel } from './panel.ts'
import { rows } from './panels.ts'

const columns = 24
const perLine = 3
const height = 8
const width = columns / perLine

const source = { type: 'prometheus', uid: '${datasource}' }

const panelJson = ({ title, unit, queries }: Panel, place: { id: number; x: number; y: number }) => ({
  id: place.id,
  type: 'timeseries',
  title,
  datasource: source,
  gridPos: { h: height, w: width, x: place.x, y: place.y },
  fieldConfig: { defaults: { unit, min: 0, custom: { fillOpacity: 8, showPoints: 'never' } }, overrides: [] },
  options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
  targets: queries.map(([expr, legendFormat], i) => ({
    refId: String.fromCharCode(65 + i),
    datasource: source,
    expr,
    legendFormat,
  })),
})

/** Each row becomes a line with its title, and its panels below that line. */
const layOutPanels = () => {
  let y = 0
  let id = 0
  return rows.flatMap(({ title, panels }) => {
    const top = y++
    const line = {
      id: ++id,
      type: 'row',
      title,
      collapsed: false,
      gridPos: { h: 1, w: columns, x: 0, y: top },
      panels: [],
    }
    const below = panels.map((panel, i) =>
      panelJson(panel, { id: ++id, x: (i % perLine) * width, y: y + Math.floor(i / perLine) * height }),
    )
    y += Math.ceil(panels.length / perLine) * height
    return [line, ...below]
  })
}

const choice = (name: string, query: string) => ({
  name,
  type: 'query',
  datasource: source,
  query: { query, refId: name },
  refresh: 2,
  multi: true,
  includeAll: true,
  current: { text: 'All', value: '$__all' },
})

export const createDashboard = () => ({
  title: 'orders',
  uid: 'orders',
  tags: ['orders'],
  schemaVersion: 39,
  timezone: 'browser',
  time: { from: 'now-1h', to: 'now' },
  refresh: '10s',
  templating: {
    list: [
      { name: 'datasource', type: 'datasource', query: 'prometheus' },
      choice('job', 'label_values(orders_build_info, job)'),
      choice('instance', 'label_values(orders_build_info{job=~"$job"}, instance)'),
    ],
  },
  panels: layOutPanels(),
})
