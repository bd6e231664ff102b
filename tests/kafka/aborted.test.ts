// Proves: a reader of a topic gets the records of committed transactions only, and nothing of an aborted one: also where one
// producer aborts again, where the marker is not in the same answer, and where the transaction fills several answers.

import { expect, test } from 'bun:test'
import { openTopicReader } from '../../src/kafka/topicReader.ts'
import { createJournal } from '../fuzz/records/journal.ts'
import { createSender, type Step } from '../fuzz/records/sender.ts'
import { ownTopics } from '../support/kafkaTopic.ts'

const largeBytes = 300_000

const send = (text: string, producer?: string, bytes = 0): Step => ({
  do: 'send',
  partition: 0,
  ...(producer === undefined ? {} : { producer }),
  batch: {
    records: [{ key: null, value: Buffer.from(text.padEnd(bytes)), headers: [], timestamp: BigInt(Date.now()) }],
  },
})
const commit = (producer: string): Step => ({ do: 'end', producer, committed: true })
const abort = (producer: string): Step => ({ do: 'end', producer, committed: false })
const many = (text: string, producer: string): Step[] =>
  Array.from({ length: 20 }, () => send(text, producer, largeBytes))

test.each<[string, Step[], string[]]>([
  ['aborted once', [send('no', 'p'), abort('p'), send('yes')], ['yes']],
  ['aborted twice', [send('no', 'p'), abort('p'), send('no', 'p'), abort('p'), send('yes')], ['yes']],
  [
    'aborted between two commits',
    [send('1', 'p'), commit('p'), send('no', 'p'), abort('p'), send('2', 'p'), commit('p')],
    ['1', '2'],
  ],
  [
    'committed between two aborts',
    [send('no', 'p'), abort('p'), send('1', 'p'), commit('p'), send('no', 'p'), abort('p')],
    ['1'],
  ],
  [
    'side by side',
    [send('no', 'p'), send('1', 'q'), send('no', 'p'), abort('p'), send('2', 'q'), commit('q')],
    ['1', '2'],
  ],
  ['with its marker behind an open one', [send('no', 'p'), send('open', 'q'), abort('p')], []],
  ['larger than an answer', [send('1'), ...many('no', 'p'), abort('p'), send('2')], ['1', '2']],
])('a transaction %s', async (_, steps, wanted) => {
  await using own = await ownTopics(1)
  const [topic = ''] = own.names
  const { bootstrap } = own.kafka
  const partitions = 3
  const sender = await createSender({ bootstrap, topic, partitions, journal: createJournal(), name: topic })
  for (const step of steps) await sender.take('test', step)
  const reader = openTopicReader(own.config, topic)
  const found: string[] = []
  await reader.read(topic, await reader.spans(topic), (records) => {
    found.push(...records.map(({ value }) => value!.toString().trim()))
    return Promise.resolve()
  })
  expect(found).toEqual(wanted)
  await reader.close()
  sender.close()
})
