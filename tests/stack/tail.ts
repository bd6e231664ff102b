// `bun run tail <topic>` shows each message as it comes, in full, one line each: its place, its time, its key, headers and value.
// It reads in a group of its own that it removes, so it disturbs nobody.

import { parseArgs } from 'node:util'
import { Consumer, type Message } from '@platformatic/kafka'
import { runCommand } from '../../src/build/command.ts'
import { StackError } from './stackError.ts'
import { findServer } from './state.ts'
import { withAdmin } from './topics.ts'

const refuseUnknownTopic = async (bootstrap: string, topic: string): Promise<void> => {
  const topics = await withAdmin(bootstrap, (admin) => admin.listTopics()).catch(() => {
    throw new StackError('NO_STACK', `Kafka at ${bootstrap} does not answer.`)
  })
  if (topics.includes(topic)) return
  const hint = topics.length === 0 ? 'there is none yet' : `there are ${topics.toSorted().join(', ')}`
  throw new StackError('USAGE', `no topic ${JSON.stringify(topic)}: ${hint}.`)
}

/** A missing key or value is `-`; line breaks and other control characters are escaped, so a message is one line. */
const printable = (bytes: Buffer | null | undefined): string => {
  if (!bytes) return '-'
  return bytes.toString().replaceAll(/\p{Cc}/gu, (control) => JSON.stringify(control).slice(1, -1))
}

/** One line: `3:17 2026-01-02T03:04:05.678Z AAPL eventId=… {"orderId":…}`. */
export const formatMessage = ({ partition, offset, timestamp, key, value, headerEntries }: Shown): string => {
  const time = new Date(Number(timestamp)).toISOString()
  const headers = headerEntries.map(([name, text]) => `${printable(name)}=${printable(text)}`)
  return [`${partition}:${offset}`, time, printable(key), ...headers, printable(value)].join(' ')
}

const tail = async (bootstrap: string, { topic, fromBeginning, countMax }: Tail): Promise<void> => {
  await refuseUnknownTopic(bootstrap, topic)
  const groupId = `tail-${crypto.randomUUID()}`
  const consumer = new Consumer({ clientId: 'tail', groupId, bootstrapBrokers: bootstrap.split(',') })
  const mode = fromBeginning ? 'earliest' : 'latest'
  const stream = await consumer.consume({ topics: [topic], mode, autocommit: false, maxWaitTime: 200 })
  const stop = () => void stream.close()
  process.once('SIGINT', stop).once('SIGTERM', stop)
  // Somebody reads only the first lines (`| head`).
  process.stdout.once('error', stop)
  console.error(`messages of ${topic}, ${fromBeginning ? 'from the oldest on' : 'from now on'}; Ctrl-C ends this`)
  let count = 0
  for await (const message of stream) {
    console.log(formatMessage(message))
    count += 1
    if (count >= countMax) break
  }
  await consumer.close(true)
  await withAdmin(bootstrap, (admin) => admin.deleteGroups({ groups: [groupId] })).catch(() => {})
}

const help = `bun run tail <topic> [--from-beginning] [--count <n>]

Prints the topic's messages as they come: partition:offset, time, key, headers, value. --from-beginning starts with the
oldest, --count ends after so many. Reads the running stack's Kafka, or that of KAFKA_BOOTSTRAP_SERVERS.`

type Tail = {
  topic: string
  fromBeginning: boolean
  countMax: number
}

type Shown = Pick<Message, 'partition' | 'offset' | 'timestamp' | 'key' | 'value' | 'headerEntries'>

const main = async (): Promise<number> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      'from-beginning': { type: 'boolean', default: false },
      count: { type: 'string' },
      help: { type: 'boolean' },
    },
  })
  const [topic] = positionals
  if (values.help || topic === undefined || positionals.length > 1) {
    console.log(help)
    return values.help ? 0 : 1
  }
  const countMax = values.count === undefined ? Number.POSITIVE_INFINITY : Number(values.count)
  if (!(countMax >= 1)) throw new StackError('USAGE', `--count must be a number from 1, not ${values.count}.`)
  const bootstrap = findServer('KAFKA_BOOTSTRAP_SERVERS')
  await tail(bootstrap, { topic, fromBeginning: values['from-beginning'], countMax })
  return 0
}

if (import.meta.main) await runCommand(main)
