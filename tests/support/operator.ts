// The alert rules and the panels as the binary prints them.

import { YAML } from 'bun'
import alertsText from '../../src/metrics/alerts.yaml' with { type: 'text' }
import { createDashboard } from '../../src/metrics/dashboard.ts'

type AlertRule = {
  alert: string
  expr: string
  for?: string
  labels: { severity: string }
  annotations: { summary: string; description: string; runbook_url: string }
}

const { groups } = YAML.parse(alertsText) as { groups: { name: string; rules: AlertRule[] }[] }
export const alertRules = groups.flatMap(({ rules }) => rules)

export const panels = createDashboard().panels.flatMap((panel) => ('targets' in panel ? [panel] : []))
export const expressions: readonly string[] = [
  ...alertRules.map(({ expr }) => expr),
  ...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
]
