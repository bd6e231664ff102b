// `orders verify`: says whether the tables, and with --topics the topics, keep the promises of the service. It only reads.

import { parseArgs } from 'node:util'
import { readConfig, type Config } from '../config/config.ts'
import type { Env } from '../config/env.ts'
import { reportGroup, topicsOf } from '../config/kafkaSettings.ts'
import { kafkaOf } from '../config/transport.ts'
import { refusalOf } from '../kafka/refusal.ts'
import { printFaults, requirePlace } from '../serve/schemaStart.ts'
import { requireSchema } from '../store/migrate.ts'
import { migrations } from '../store/migrations.ts'
import { openSession, useOwnSettings, type Sql } from '../store/sql.ts'
import { describe } from '../telemetry/log.ts'
import { createProgress, printLine } from '../telemetry/terminal.ts'
import { verifyTables, type Reporter, type Verified } from './tables.ts'
import { beReader } from './tablesSql.ts'
import { violationText, type Violation } from './violation.ts'

type Options = { topics: boolean; json: boolean; slackMs: number }

const defaultSlackMs = 10_000
export const usage = 'orders verify [--topics [--slack-ms <n>]] [--json]\n'

const readOptions = (args: readonly string[]): Options | string => {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        topics: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        'slack-ms': { type: 'string', default: String(defaultSlackMs) },
      },
    })
    const slackMs = values['slack-ms']
    if (!/^\d{1,9}$/.test(slackMs)) return '--slack-ms must be a whole number of milliseconds'
    return { topics: values.topics, json: values.json, slackMs: Number(slackMs) }
  } catch (error) {
    return describe(error).error
  }
}

/** One object a line for --json, else a sentence; counts the violations. */
const createPrinter = (json: boolean) => {
  const progress = createProgress(process.stderr)
  let violations = 0
  const print = async (line: string): Promise<void> => {
    progress.clear()
    await printLine(line)
  }
  const onViolations: Reporter['onViolations'] = async (found: readonly Violation[]) => {
    violations += found.length
    if (found.length > 0) await print(found.map((one) => (json ? JSON.stringify(one) : violationText(one))).join('\n'))
  }
  return {
    onViolations,
    onProgress: progress.show,
    onNote: (note: string): Promise<void> => print(json ? JSON.stringify({ note }) : `note: ${note}`),
    total: () => violations,
    async end({ orders, fills }: Verified): Promise<void> {
      const text = `${orders} orders, ${fills} fills, ${violations} violations`
      await print(json ? JSON.stringify({ orders, fills, violations }) : text)
    },
  }
}
type Printer = ReturnType<typeof createPrinter>

const verify = async (sql: Sql, config: Config, { printer, options }: { printer: Printer; options: Options }) => {
  await useOwnSettings(sql)
  await requirePlace(sql, config)
  await requireSchema(sql, migrations)
  if (!options.topics) {
    await beReader(sql)
    return verifyTables(sql, printer)
  }
  const { verifyTopics } = await import('./topics.ts')
  const { createVerifyTables } = await import('./eventsSql.ts')
  const { createLogTable } = await import('./logEventsSql.ts')
  await createVerifyTables(sql)
  await createLogTable(sql)
  await beReader(sql)
  const verified = await verifyTables(sql, printer)
  await verifyTopics(sql, {
    kafka: kafkaOf(config, 'orders-verify'),
    group: config.KAFKA_CONSUMER_GROUP,
    reportGroup: reportGroup(config),
    topics: topicsOf(config),
    unknownToDeadLetters: config.TRADE_UNKNOWN_TO_DLQ,
    slackMs: options.slackMs,
    reporter: printer,
  })
  return verified
}

/** Exit codes: 0 clean, 1 violations, 2 could not run (bad arguments or configuration, unreachable, not our schema). */
export const verifyCommand = async (env: Env, args: readonly string[]): Promise<number> => {
  const options = readOptions(args)
  if (typeof options === 'string') {
    process.stderr.write(`orders: ${options}\n${usage}`)
    return 2
  }
  const result = readConfig(env)
  if (!result.ok) {
    printFaults(result.faults)
    return 2
  }
  for (const warning of result.config.warnings) process.stderr.write(`orders: ${warning}\n`)
  const printer = createPrinter(options.json)
  const sql = openSession(result.config.database, result.config.DB_CONNECT_TIMEOUT_MS)
  try {
    await printer.end(await verify(sql, result.config, { printer, options }))
    return printer.total() === 0 ? 0 : 1
  } catch (error) {
    process.stderr.write(`orders: could not verify: ${refusalOf(error) ?? describe(error).error}\n`)
    return 2
  } finally {
    await sql.end({ timeout: 1 }).catch(() => undefined)
  }
}
