// The take-over, step by step. Every step before the copy may be repeated; the copy is one transaction; what comes after it only reads.

import { passCrashPoint } from '../app/crashPoint.ts'
import type { Config } from '../config/config.ts'
import { topicsOf } from '../config/kafkaSettings.ts'
import { kafkaOf } from '../config/transport.ts'
import { openTopicReader } from '../kafka/topicReader.ts'
import { adoptedSchema } from '../store/adoptedPlace.ts'
import { migrate, takeLock } from '../store/migrate.ts'
import { migrations } from '../store/migrations.ts'
import { openSession, useOwnSettings, type Sql } from '../store/sql.ts'
import { verifyTables, type Reporter, type Verified } from '../verify/tables.ts'
import { beReader } from '../verify/tablesSql.ts'
import { violationText } from '../verify/violation.ts'
import { goBack } from './back.ts'
import { copyText, dryRunText, readNotice } from './copySql.ts'
import { requireNoMembers } from './group.ts'
import { findJavaTables, type JavaTables } from './javaTables.ts'
import type { AdoptOptions } from './options.ts'
import { AdoptionRefused } from './refusal.ts'
import { runScript } from './script.ts'
import { settleUndecided } from './settle.ts'
import { createSourceTables, indexSources, readTopics } from './sources.ts'
import { printCounts, printRefused, readCounts, readDryCounts } from './summary.ts'
import type { Talk } from './talk.ts'
import { loadTransactions, mentionTransactions } from './transactions.ts'

type Step = { sql: Sql; config: Config; options: AdoptOptions; talk: Talk; java: JavaTables }

const seconds = (sinceMs: number): string => `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`

/** Loads what the topics and the transaction processor know. */
const loadSources = async (step: Step): Promise<void> => {
  const { sql, config, options, talk, java } = step
  const { progress, print } = talk
  const began = performance.now()
  await createSourceTables(sql)
  const reader = openTopicReader(kafkaOf(config, 'orders-adopt'), config.KAFKA_CONSUMER_GROUP)
  try {
    await readTopics({ sql, reader, progress }, { topics: topicsOf(config), java })
  } finally {
    await reader.close().catch(() => undefined)
  }
  if (options.transactions === null) await mentionTransactions(sql, java, talk)
  else await loadTransactions(sql, { config, where: options.transactions, java, progress })
  await indexSources(sql)
  await print(`read the topics${options.transactions === null ? '' : ' and transactions'} in ${seconds(began)}`)
}

/** The schema of the copy with our tables, and no order in it. */
const prepareCopy = async ({ sql, talk }: Step): Promise<void> => {
  await sql`create schema if not exists ${sql(adoptedSchema)}`
  passCrashPoint('after-schema-of-copy')
  await sql`select set_config('search_path', ${adoptedSchema}, false)`
  await migrate(sql, {
    migrations,
    onWait: () => void talk.print('another process migrates; waiting for it'),
    onApplied: (name) => talk.progress.show(`migrations, ${name}`, 0, null),
  })
  const [row] = await sql<{ used: boolean }[]>`select exists (select from orders) as used`
  if (row!.used)
    throw new AdoptionRefused(
      `The schema ${adoptedSchema} has orders that were placed there: what is in it is in use, and nothing is copied over it.`,
    )
}

const copy = async (step: Step): Promise<void> => {
  const { sql, config, options, talk, java } = step
  const began = performance.now()
  await runScript(sql, copyText(java, options, config.KAFKA_TOPIC_TRADE_EXECUTED))
  passCrashPoint('after-copy')
  await runScript(sql, 'analyze orders; analyze ingested_fills; analyze order_changes')
  await talk.print(`copied in ${seconds(began)}`)
}

/** Verifies the copy, on two sessions at a time. */
const verify = async (sql: Sql, config: Config, reporter: Reporter): Promise<Verified> => {
  const beside = openSession(config.database, config.DB_CONNECT_TIMEOUT_MS)
  try {
    await beside`select set_config('search_path', ${adoptedSchema}, false)`
    await Promise.all([beReader(sql), beReader(beside)])
    return await verifyTables(sql, reporter, { beside })
  } finally {
    await beside.end({ timeout: 1 }).catch(() => undefined)
  }
}

/** Verifies the copy, and prints the summary. False: there are violations. */
const conclude = async ({ sql, config, options, talk }: Omit<Step, 'java'>): Promise<boolean> => {
  const { progress, print } = talk
  const began = performance.now()
  let violations = 0
  const verified = await verify(sql, config, {
    onViolations: async (found) => {
      violations += found.length
      if (found.length > 0) await print(found.map(violationText).join('\n'))
    },
    onNote: (note) => print(`note: ${note}`),
    onProgress: progress.show,
  })
  await printCounts((await readCounts(sql)) ?? [], talk)
  await printRefused(sql, { all: options.list, talk })
  await print(
    `verified in ${seconds(began)}: ${verified.orders} orders, ${verified.fills} fills, ${violations} violations`,
  )
  return violations === 0
}

const dryRun = async (step: Step): Promise<boolean> => {
  const { sql, options, talk, java } = step
  await loadSources(step)
  const began = performance.now()
  await runScript(sql, dryRunText(java, options))
  await printCounts(await readDryCounts(sql), talk)
  await printRefused(sql, { all: options.list, talk })
  await talk.print(
    `nothing was written. Judging took ${seconds(began)}; copying takes about ${copyFactor} times as long, and verifying up to that again`,
  )
  return true
}

/** How much longer it takes to copy than to judge: 100,000 orders took 6.7 s of Postgres' processor time, and 3.4 s. */
const copyFactor = 2

const isDone = async (sql: Sql): Promise<boolean> => {
  const [row] = await sql<{ there: boolean }[]>`select to_regclass('orders.adoption') is not null as there`
  return row!.there && (await readCounts(sql)) !== null
}

/** What is left to do in a database that was taken over already. */
const resume = async ({ sql, config, options, talk }: Omit<Step, 'java'>): Promise<boolean> => {
  if (options.back) {
    await goBack(sql, { config, list: options.list, talk })
    return true
  }
  await talk.print(`this database was taken over already: what follows is of the copy in the schema ${adoptedSchema}`)
  await sql`select set_config('search_path', ${adoptedSchema}, false)`
  if (options.publishUndecided || options.olderThanMs !== null) await settleUndecided(sql, options, talk)
  return conclude({ sql, config, options, talk })
}

/** Returns whether all is well: false if verify found violations. Throws AdoptionRefused before any order was copied. */
export const takeOver = async (config: Config, options: AdoptOptions, talk: Talk): Promise<boolean> => {
  const sql = openSession(config.database, config.DB_CONNECT_TIMEOUT_MS, (message) => {
    const heard = readNotice(message)
    if (heard !== null) talk.progress.show(heard.what, heard.done, heard.total)
  })
  try {
    await useOwnSettings(sql)
    if (await isDone(sql)) return await resume({ sql, config, options, talk })
    if (options.back) throw new AdoptionRefused('Nothing was taken over in this database: there is no way to go back.')
    const java = await findJavaTables(sql)
    await talk.print(`the Java service's tables are in the schema ${java.name}, at migration ${java.version}`)
    const step: Step = { sql, config, options, talk, java }
    if (options.dryRun) return await dryRun(step)
    await requireNoMembers(config)
    await takeLock(sql, () => void talk.print('another process migrates or takes over; waiting for it'))
    // The server completes the copy of a command that was killed near its end.
    if (await isDone(sql)) return await resume({ sql, config, options, talk })
    passCrashPoint('before-sources')
    await loadSources(step)
    await prepareCopy(step)
    passCrashPoint('before-copy')
    await copy(step)
    return await conclude(step)
  } finally {
    await sql.end({ timeout: 1 }).catch(() => undefined)
  }
}
