// Writes records of every kind to the trade topic, beside good trades on all partitions, while replicas are killed and a broker
// is restarted. The consumer must get past each record, apply every good trade once, leave everything else where the oracle of
// trades says, and report it in health. A fault is shown with the place and the kind of the record.

import { randomStream, type Random } from '../support/random.ts'
import type { RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'
import type { World } from '../support/world.ts'
import { createExpectation, type KnownOrder } from './expectedLedger.ts'
import type { Side } from './expectedTrade.ts'
import { entriesByPlace, recordLetterFaults, unreadableFaults } from './recordLetters.ts'
import { makeHoles } from './records/compaction.ts'
import { asMessage, createJournal, placeOf, type Entry, type Journal } from './records/journal.ts'
import { kinds } from './records/kinds.ts'
import { createPen, type Pen } from './records/pen.ts'
import { createSender, type Sender } from './records/sender.ts'
import { damageNames, damageOnDisk } from './records/surgery.ts'
import { tableFaults, type TradeComplaint } from './tradeTables.ts'
import { shown, type Violation } from './violation.ts'

export type RecordOptions = {
  seed: string
  /** Names of kinds; all kinds if absent. */
  only?: readonly string[]
  rounds: { atLeast: number; minutes: number }
  replicas: number
  /** Silence at the end, in ms: it exposes a consumer that takes a marker for a stall. */
  quietMs: number
  /** Whether the topic has holes from compaction before anybody reads it. */
  compacted?: boolean
  /** Null: the broker is left alone. */
  broker: OwnBroker | null
  drainMs: number
  say: (line: string) => void
}

export type OwnBroker = {
  /** The folder with the log files of its topics. */
  logsDir: string
  restart: () => Promise<void>
  stop: () => Promise<void>
  start: () => Promise<void>
}

export type RecordReport = {
  records: number
  good: number
  rounds: number
  restarts: number
  refused: Record<string, string>
  dispositions: Record<string, number>
  violations: Violation[]
}

type Run = {
  world: World
  options: RecordOptions
  services: RunningService[]
  groups: KnownOrder[][]
  journal: Journal
  sender: Sender
  unique: () => string
  violations: Violation[]
  restarts: number
}

const goodKind = 'good'
const ordersPerPartition = 4
const orderQuantity = 900_000_000_000n
const violationsMax = 20
const suspectsMax = 8
const farthest = '9223372036854775807'
const topicSettings = {
  'message.timestamp.before.max.ms': farthest,
  'message.timestamp.after.max.ms': farthest,
  'max.message.bytes': '20000000',
  'cleanup.policy': 'delete',
  // A record of the year 1 is no reason to delete anything.
  'retention.ms': '-1',
  'segment.ms': farthest,
}

const bugLines = ['a batch failed', 'a trade could not be stored', 'a bug stopped the service']
const rebuilt = 'the consumer of trades is built again'

const note = (run: Run, what: string, entry?: Entry): void => {
  const { seed } = run.options
  if (run.violations.length >= violationsMax) return
  if (entry === undefined) return void run.violations.push({ what, seed, number: -1, input: '(the whole run)' })
  const { key, value, headers, timestamp } = entry.record
  const look = `kind ${entry.kind}, record ${placeOf(entry)}, ${headers.length} headers, timestamp ${timestamp}, key ${key === null ? 'null' : shown(key.subarray(0, 100))}`
  const input = `${look}\n${value === null ? '(no value)' : shown(value.subarray(0, 500))}`
  run.violations.push({ what, seed, number: run.journal.entries.indexOf(entry), input })
}

const placeOrders = async (service: RunningService, seed: string, partitions: number): Promise<KnownOrder[][]> => {
  const place = async (partition: number, number: number): Promise<KnownOrder> => {
    const rng = randomStream(`${seed}:record-order:${partition}:${number}`)
    const [side, ticker] = [rng.pick<Side>(['BUY', 'SELL']), rng.pick(['AAPL', 'MSFT'])]
    const terms = { userId: rng.uuid(), ticker, side, type: 'LIMIT', timeInForce: 'GTC', price: 101 }
    const reply = await service.post({ ...terms, quantity: String(orderQuantity) })
    return { id: String(reply.json['id']), ticker, side, quantity: orderQuantity * 100_000_000n, canceled: false }
  }
  return Promise.all(
    Array.from({ length: partitions }, (_, partition) =>
      Promise.all(Array.from({ length: ordersPerPartition }, (_, number) => place(partition, number))),
    ),
  )
}

const goodTrades = async ({ sender, groups, unique }: Run, rng: Random): Promise<void> => {
  for (const partition of groups.keys()) {
    const pen: Pen = createPen({ rng, partition, groups, unique })
    await sender.take(goodKind, pen.send(Array.from({ length: 1 + rng.below(3) }, () => pen.record())))
  }
}

const shuffled = <T>(rng: Random, items: readonly T[]): T[] =>
  items
    .map((item) => ({ item, at: rng.next() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item)

/** The kinds of records behind the offset at which the group stopped: the first to look at. */
const suspects = ({ journal }: Run, partition: number, from: bigint): Entry[] => {
  const unread = journal.entries.filter((entry) => entry.partition === partition && entry.offset >= from)
  const odd = unread.filter(({ kind }) => kind !== goodKind).toSorted((a, b) => Number(a.offset - b.offset))
  const byKind = Map.groupBy(odd, ({ kind }) => kind).values()
  return [...byKind].map((own) => own[0]!).slice(0, suspectsMax)
}

/** False when a partition stands still: then nothing after it can be judged. */
const drained = async (run: Run, when: string): Promise<boolean> => {
  const { world, journal, sender, options } = run
  const ends = journal.stableEnds(sender.ends())
  // A broker that has just come back may not know the group yet.
  const committed = () =>
    until(() => world.kafka.committed(world.group, world.topics.trades), { what: 'the group answers' })
  try {
    await until(async () => (await committed()).every((offset, i) => ends[i] === 0n || offset >= ends[i]!), {
      what: 'every partition is consumed',
      deadlineMs: options.drainMs,
    })
    return true
  } catch {
    for (const [partition, offset] of (await committed()).entries()) {
      if (ends[partition] === 0n || offset >= ends[partition]!) continue
      const from = offset < 0n ? 0n : offset
      const found = suspects(run, partition, from)
      const kindsFound = found.map((entry) => `${entry.kind} at ${placeOf(entry)}`).join(', ')
      const what = `${when}: partition ${partition} stands at ${offset} of ${ends[partition]}; next in it: ${kindsFound || 'good trades only'}`
      note(run, what, found[0])
    }
    return false
  }
}

const well = async (run: Run, when: string): Promise<void> => {
  for (const service of run.services) {
    let last = 'no answer'
    const isUp = async (): Promise<boolean> => {
      const health = await service.http('/actuator/health')
      last = health.text
      return health.json['status'] === 'UP'
    }
    await until(isUp, { what: 'it is well', deadlineMs: run.options.drainMs }).catch(() =>
      note(run, `${when}: health is not UP though everything is consumed: ${last}`),
    )
  }
}

const judgeLog = (run: Run, service: RunningService): void => {
  for (const { message, error } of service.log)
    if (bugLines.includes(message)) note(run, `the log says "${message}": ${JSON.stringify(error)}`)
  if (service.noise() !== '') note(run, `it wrote what is no log line: ${service.noise().slice(0, 500)}`)
}

const stopReplica = async (run: Run, service: RunningService): Promise<void> => {
  if ((await service.stop()) !== 0) note(run, 'a replica did not end with 0')
  judgeLog(run, service)
}

const restartReplica = async (run: Run, rng: Random): Promise<void> => {
  const at = rng.below(run.services.length)
  const old = run.services[at]!
  if (rng.chance(0.5)) {
    await old.kill()
    judgeLog(run, old)
  } else await stopReplica(run, old)
  run.services[at] = await run.world.start()
  run.restarts++
}

const rebuilds = async ({ services }: Run): Promise<number> => {
  const figures = await Promise.all(services.map((service) => service.metrics()))
  return figures.reduce((sum, figures) => sum + figures['orders_trades_consumer_rebuilds_total']!, 0)
}

/** Sends each kind once in random order, with trades between them; after the first round, replicas and broker restart meanwhile. */
const sendRound = async (run: Run, round: number): Promise<void> => {
  const { options, groups, sender, unique } = run
  const { seed, only, broker } = options
  const rng = randomStream(`${seed}:round:${round}`)
  const names = shuffled(
    rng,
    Object.keys(kinds).filter((name) => only === undefined || only.includes(name)),
  )
  const troubles: Promise<void>[] = []
  for (const [i, name] of names.entries()) {
    if (round > 0 && i === names.length >> 1) {
      troubles.push(restartReplica(run, randomStream(`${seed}:replica:${round}`)))
      if (broker !== null && round % 2 === 0) troubles.push(broker.restart().then(() => void run.restarts++))
    }
    const pen = createPen({ rng, partition: rng.below(groups.length), groups, unique })
    for (const step of kinds[name]!(pen)) await sender.take(name, step)
    await goodTrades(run, rng)
  }
  await Promise.all(troubles)
}

const playRound = async (run: Run, round: number): Promise<boolean> => {
  const { world, sender, options } = run
  const when = `round ${round}`
  // First with the producers' timestamps, then with the broker's.
  const byBroker = round % 2 === 1
  await world.kafka.alterTopic(world.topics.trades, {
    'message.timestamp.type': byBroker ? 'LogAppendTime' : 'CreateTime',
  })
  await sendRound(run, round)
  if (!(await drained(run, `${when}, while transactions hang`))) return false
  if ((await sender.endHanging()) > 0 && !(await drained(run, when))) return false
  await well(run, when)
  if (round === 0 && (await rebuilds(run)) > 0) {
    const line = run.services.flatMap(({ log }) => log).find(({ message }) => message === rebuilt)
    note(run, `${when}: the consumer was built again though nothing was restarted: ${JSON.stringify(line)}`)
  }
  options.say(`${round + 1} rounds, ${run.journal.entries.length} records, ${run.restarts} restarts`)
  return true
}

/** Sends nothing for a while: a marker at the end of some partitions is no reason to build a consumer again. */
const restQuietly = async (run: Run): Promise<void> => {
  if (run.options.quietMs === 0) return
  const before = await rebuilds(run)
  await Bun.sleep(run.options.quietMs)
  if ((await rebuilds(run)) > before) note(run, 'the consumer was built again in silence')
  await well(run, 'after a silence')
}

const judge = async (run: Run): Promise<Record<string, number>> => {
  const { world, journal, groups } = run
  const orders = new Map(groups.flat().map((order) => [order.id, order]))
  const { expected, take } = createExpectation(orders)
  const readable = journal.entries.filter(({ state }) => state === 'visible')
  for (const entry of readable.toSorted((a, b) => a.partition - b.partition || Number(a.offset - b.offset)))
    take(entry.record.value, placeOf(entry))
  const entries = entriesByPlace(journal.entries)
  const sent = new Map(journal.entries.map((entry) => [placeOf(entry), asMessage(entry)]))
  const letters = await world.kafka.read(world.topics.deadLetters)
  const complaints: TradeComplaint[] = [
    ...(await tableFaults(world.sql, { expected, orders, sent, before: [] })),
    ...recordLetterFaults(letters, expected.letters, entries),
    ...unreadableFaults(letters, journal.entries),
  ]
  for (const { what, at } of complaints) note(run, what, at === null ? undefined : entries.get(at))
  return expected.dispositions
}

const pensOf = ({ options, groups, unique }: Run, what: string): Pen[] => {
  const rng = randomStream(`${options.seed}:${what}`)
  return [...groups.keys()].map((partition) => createPen({ rng, partition, groups, unique }))
}

/** This comes last: a broker that is killed afterwards would truncate its log where it cannot read it. */
const damageLast = async (run: Run): Promise<boolean> => {
  const { world, options, services, journal, sender } = run
  const only = damageNames.filter((name) => options.only === undefined || options.only.includes(name))
  if (options.broker === null || only.length === 0) return true
  for (const service of services) await stopReplica(run, service)
  const { logsDir, stop, start } = options.broker
  const pens = pensOf(run, 'damage')
  const broker = { logsDir, stopBroker: stop, startBroker: start }
  await damageOnDisk({ sender, journal, pens, only, topic: world.topics.trades, ...broker })
  run.services = await Promise.all(services.map(() => world.start()))
  if (!(await drained(run, 'with damaged batches'))) return false
  await well(run, 'with damaged batches')
  return true
}

/** No consumer reads meanwhile. */
const compactFirst = async (run: Run): Promise<void> => {
  const { world, services, journal, sender } = run
  for (const service of services) await stopReplica(run, service)
  const pens = pensOf(run, 'compaction')
  const topic = world.topics.trades
  await makeHoles({ kafka: world.kafka, topic, journal, sender, pens }, topicSettings)
  run.services = await Promise.all(services.map(() => world.start()))
}

const begin = async (world: World, options: RecordOptions): Promise<Run> => {
  const { topics, kafka } = world
  await kafka.alterTopic(topics.trades, topicSettings)
  await kafka.alterTopic(topics.deadLetters, { 'retention.ms': '-1', 'segment.ms': farthest })
  const services = await Promise.all(Array.from({ length: options.replicas }, () => world.start()))
  const partitions = await kafka.partitionsOf(topics.trades)
  const groups = await placeOrders(services[0]!, options.seed, partitions)
  const journal = createJournal()
  const common = { bootstrap: kafka.bootstrap, topic: topics.trades, partitions, journal }
  const sender = await createSender({ ...common, name: world.name })
  let count = 0
  const unique = (): string => `r-${++count}`
  const run: Run = { world, options, services, groups, journal, sender, unique, violations: [], restarts: 0 }
  if (options.compacted === true) await compactFirst(run)
  return run
}

export const fuzzRecords = async (world: World, options: RecordOptions): Promise<RecordReport> => {
  const run = await begin(world, options)
  const endsAt = performance.now() + options.rounds.minutes * 60_000
  let round = 0
  let moving = true
  while (moving && (round < options.rounds.atLeast || performance.now() < endsAt))
    moving = await playRound(run, round++)
  if (moving) await restQuietly(run)
  if (moving) moving = await damageLast(run)
  // If a partition stands still, everything behind the place is missing too: that would hide the record that caused it.
  const dispositions = moving ? await judge(run) : {}
  run.sender.close()
  for (const service of run.services) await stopReplica(run, service)
  const { journal, violations, restarts } = run
  return {
    records: journal.entries.length,
    good: journal.entries.filter(({ kind }) => kind === goodKind).length,
    rounds: round,
    restarts,
    refused: Object.fromEntries(journal.refused),
    dispositions,
    violations,
  }
}
