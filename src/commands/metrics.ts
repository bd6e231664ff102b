// Prints what an operator puts into Grafana and Prometheus. Needs no configuration.

import { parseArgs } from 'node:util'
import alerts from '../metrics/alerts.yaml' with { type: 'text' }
import { createDashboard } from '../metrics/dashboard.ts'
import { describe } from '../telemetry/log.ts'
import { printLine } from '../telemetry/terminal.ts'

/** The address of the runbook in alerts.yaml: where `up` serves it. */
const defaultRunbook = 'http://localhost:8085/docs/handbook/runbook'

const usage = `orders alerts [--runbook-base <url>]
  --runbook-base   the address of the runbook that the alerts link to: of this service as your operators reach it, or of
                   src/handbook/runbook.md on a git host (default: ${defaultRunbook})
Prints alert rules for Prometheus.
`

/** `orders dashboard` */
export const dashboardCommand = async (): Promise<number> => {
  await printLine(JSON.stringify(createDashboard(), null, 2))
  return 0
}

/**
 * The alert rules with this address of the runbook.
 * @returns null if it is no http(s) address, or has a character that would end the YAML text or the address
 */
export const alertsWithRunbook = (base: string = defaultRunbook): string | null =>
  /^https?:\/\/[^\s'#{}]+$/.test(base) && URL.canParse(base)
    ? alerts.replaceAll(`'${defaultRunbook}#`, () => `'${base}#`)
    : null

const fail = (fault: string): number => {
  process.stderr.write(`orders alerts: ${fault}\n${usage}`)
  return 2
}

/** `orders alerts`. Exit codes: 0, or 2 for bad arguments. */
export const alertsCommand = async (args: readonly string[]): Promise<number> => {
  try {
    const options = { 'runbook-base': { type: 'string' }, help: { type: 'boolean' } } as const
    const { values } = parseArgs({ args: [...args], options })
    const text = values.help === true ? usage : alertsWithRunbook(values['runbook-base'])
    if (text === null) return fail('--runbook-base must be an http or https address without # and quotes')
    await printLine(text.trimEnd())
    return 0
  } catch (error) {
    return fail(describe(error).error)
  }
}
