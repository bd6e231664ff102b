// Prints what an operator puts into Grafana and Prometheus. Nothing of it needs configuration.

import { printLine } from '../telemetry/terminal.ts'
import alerts from '../metrics/alerts.yaml' with { type: 'text' }
import { createDashboard } from '../metrics/dashboard.ts'

/** `orders dashboard` */
export const dashboardCommand = async (): Promise<number> => {
  await printLine(JSON.stringify(createDashboard(), null, 2))
  return 0
}

/** `orders alerts` */
export const alertsCommand = async (): Promise<number> => {
  await printLine(alerts.trimEnd())
  return 0
}
