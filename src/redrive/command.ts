// `orders redrive`: sends dead letters to the topic of trades or of reports again, once their cause is mended. It needs Kafka only.
// Sending them again is always safe: send.ts says why.

import { parseArgs } from 'node:util'
import { readSettings } from '../config/config.ts'
import type { Env } from '../config/env.ts'
import { redriveTopicsOf } from '../config/kafkaSettings.ts'
import { kafkaOf } from '../config/transport.ts'
import { canonicalUuid } from '../domain/ids.ts'
import { letterDispositions } from '../domain/leg.ts'
import { createProducer } from '../kafka/client.ts'
import { refusalOf } from '../kafka/refusal.ts'
import { openTopicReader } from '../kafka/topicReader.ts'
import { printFaults } from '../serve/schemaStart.ts'
import { describe } from '../telemetry/log.ts'
import { createProgress, printLine } from '../telemetry/terminal.ts'
import { parseCoordinates } from '../wire/coordinates.ts'
import { instantFromJson } from '../wire/instant.ts'
import type { Selector } from './letterBook.ts'
import { describeSelected, readLetters, sendSelected, type RedriveOptions } from './send.ts'

/** `reports`: letters of reports instead of trades. */
type Options = { selector: Selector; limit: number; dryRun: boolean; reports: boolean }

export const usage = `orders redrive [--reports] [--dry-run] [--limit <n>] and at least one of
  --all                                        every dead letter
  --disposition ${letterDispositions.join('|')}
  --order <uuid>                               letters that name this order (may be repeated)
  --id <topic-partition-offset>                (may be repeated)
  --since <time> --until <time>                by when the letter was written, such as 2026-01-02T03:04:05Z
  --reports: the dead letters of reports, instead of those of trades
`

const parse = (args: readonly string[]) =>
  parseArgs({
    args: [...args],
    options: {
      'dry-run': { type: 'boolean', default: false },
      reports: { type: 'boolean', default: false },
      all: { type: 'boolean', default: false },
      disposition: { type: 'string' },
      order: { type: 'string', multiple: true, default: [] },
      id: { type: 'string', multiple: true, default: [] },
      since: { type: 'string' },
      until: { type: 'string' },
      limit: { type: 'string' },
    },
  }).values
type Flags = ReturnType<typeof parse>

/** In ms since 1970; undefined if the flag is absent. Pushes a fault if the text is not a time. */
const timeOf = (text: string | undefined, name: string, faults: string[]): number | undefined => {
  if (text === undefined) return undefined
  const instant = instantFromJson(text)
  if (instant === null) faults.push(`--${name} must be an ISO-8601 time with a zone, such as 2026-01-02T03:04:05Z`)
  return instant === null ? undefined : Date.parse(instant)
}

const faultsOf = (flags: Flags): string[] => {
  const faults: string[] = []
  if (flags.disposition !== undefined && !letterDispositions.some((disposition) => disposition === flags.disposition))
    faults.push(`--disposition must be one of ${letterDispositions.join(', ')}`)
  for (const order of flags.order) if (canonicalUuid(order) === null) faults.push('--order must be a UUID')
  for (const id of flags.id)
    if (parseCoordinates(id) === null) faults.push('--id must have the form topic-partition-offset')
  if (flags.limit !== undefined && !/^[1-9]\d{0,8}$/.test(flags.limit))
    faults.push('--limit must be a whole number from 1')
  const narrowed = [flags.disposition, flags.since, flags.until].some((value) => value !== undefined)
  if (!flags.all && !narrowed && flags.order.length === 0 && flags.id.length === 0)
    faults.push('say which letters: --all, --disposition, --order, --id, --since or --until')
  return faults
}

const readOptions = (args: readonly string[]): Options | string[] => {
  try {
    const flags = parse(args)
    const faults = faultsOf(flags)
    const selector: Selector = {
      disposition: flags.disposition,
      orderIds: flags.order.map((order) => canonicalUuid(order) ?? order),
      ids: flags.id,
      sinceMs: timeOf(flags.since, 'since', faults),
      untilMs: timeOf(flags.until, 'until', faults),
    }
    const limit = flags.limit === undefined ? Infinity : Number(flags.limit)
    return faults.length > 0 ? faults : { selector, limit, dryRun: flags['dry-run'], reports: flags.reports }
  } catch (error) {
    return [describe(error).error]
  }
}

const redrive = async (options: RedriveOptions, { selector, limit, dryRun }: Options): Promise<void> => {
  const book = await readLetters(options, selector)
  const { selected, leftOut } = book.select(limit)
  for (const id of book.notFound()) options.onFault(id, 'no such letter')
  for (const id of leftOut)
    options.onFault(id, 'skipped: the letter does not hold the whole message; read it at x-original-*')
  let sent = 0
  if (dryRun)
    await describeSelected(options, selected, (rootId, { disposition, reason, legs }) =>
      printLine(`${rootId}  ${disposition}  ${reason}  ${legs.join(' ')}`.trimEnd()),
    )
  else sent = await sendSelected(options, selected)
  await printLine(`${book.count()} letters, ${selected.length} selected, ${sent} sent`)
}

/** Exit codes: 0 all sent (or a dry run), 1 some could not be sent, 2 could not run (bad arguments or configuration, no Kafka). */
export const redriveCommand = async (env: Env, args: readonly string[]): Promise<number> => {
  const options = readOptions(args)
  if (Array.isArray(options)) {
    process.stderr.write(`${options.map((fault) => `orders: ${fault}\n`).join('')}${usage}`)
    return 2
  }
  const result = readSettings(env)
  if (!result.ok) {
    printFaults(result.faults)
    return 2
  }
  const { settings } = result
  const kafka = kafkaOf(settings, 'orders-redrive')
  const reader = openTopicReader(kafka, settings.KAFKA_CONSUMER_GROUP)
  const producer = createProducer(kafka)
  const progress = createProgress(process.stderr)
  let faults = 0
  try {
    const topics = redriveTopicsOf(settings)[options.reports ? 'reports' : 'trades']
    const say = (id: string, reason: string): void => {
      progress.clear()
      process.stderr.write(`${id}: ${reason}\n`)
    }
    const onFault = (id: string, reason: string): void => {
      faults++
      say(id, reason)
    }
    const onForeign = (id: string): void => say(id, 'is not a dead letter of this service, and is left alone')
    await redrive({ reader, producer, ...topics, onProgress: progress.show, onFault, onForeign }, options)
    return faults === 0 || options.dryRun ? 0 : 1
  } catch (error) {
    progress.clear()
    process.stderr.write(`orders: could not redrive: ${refusalOf(error) ?? describe(error).error}\n`)
    return 2
  } finally {
    await Promise.allSettled([reader.close(), producer.close()])
  }
}
