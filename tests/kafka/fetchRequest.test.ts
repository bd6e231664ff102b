// Proves: every version of the fetch request that is known here is one that a real broker understands, and its answer is read the same; and
// the version is one that the brokers take.

import { expect, test } from 'bun:test'
import { Admin, ConnectionPool, type Connection } from '@platformatic/kafka'
import { faults } from '../../src/kafka/fetching.ts'
import {
  fetchKey,
  fetchVersion,
  isFlexibleFetch,
  readFetched,
  versionFor,
  writeFetch,
  type FetchRequest,
} from '../../src/kafka/fetchRequest.ts'
import { protocolErrorsCodesById } from '../../src/kafka/library.ts'
import { batchesIn, recordsIn } from '../../src/kafka/recordBatches.ts'
import { exchange } from '../../src/kafka/request.ts'
import { openKafka } from '../support/kafka.ts'
import { kafkaServer } from '../support/servers.ts'
import { until } from '../support/until.ts'

const versions = Array.from({ length: 10 }, (_, i) => i + 4)
const room = { records: 100, bytes: 1_000_000 }
const noPartition = 7

test('a broker answers every version, and each is read the same', async () => {
  const { bootstrap } = await kafkaServer()
  const kafka = openKafka(bootstrap)
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: [bootstrap] })
  const pool = new ConnectionPool('test', {})
  const topic = `fetch-${crypto.randomUUID().slice(0, 8)}`
  await kafka.createTopics([topic], { partitions: 2 })
  try {
    await kafka.publish(['a', 'b', 'c'].map((value) => ({ topic, key: 'K', partition: 1, value })))
    const { topics, brokers } = await admin.metadata({ topics: [topic] })
    const { id: topicId, partitions } = topics.get(topic)!
    const node = partitions[1]!.leader
    const leader: Promise<Connection> = pool.get(brokers.get(node)!)
    const connection = await leader
    const places = [0, 1, noPartition].map((partition) => ({ partition, next: partition === 1 ? 1n : 0n, epoch: -1 }))
    const request: FetchRequest = { topic, topicId, node, places, waitMs: 0, partitionBytesMax: 1_000_000 }
    const fetchBy = (version: number) =>
      exchange(connection, {
        key: fetchKey,
        version,
        flexible: isFlexibleFetch(version),
        write: () => writeFetch(version, request),
        read: (reader) => readFetched(version, reader),
      })
    // A broker that is busy names the leader of a new partition before it is one.
    const isLed = async () =>
      (await fetchBy(versions.at(-1)!)).partitions.every(({ fault }) => fault !== faults.notLeader)
    await until(isLed, { what: 'both partitions have a leader' })
    for (const version of versions) {
      const { fault, partitions: found } = await fetchBy(version)
      const read = found
        .toSorted((a, b) => a.partition - b.partition)
        .map(({ records, ...rest }) => ({
          ...rest,
          values: batchesIn(records, rest.end)
            .flatMap((batch) => recordsIn(batch, 1n, room).records)
            .map(({ offset, value }) => `${offset} ${value?.toString()}`),
        }))
      // The first offset is said since version 5.
      const start = version >= 5 ? 0n : -1n
      const whole = { fault: 0, start, aborted: [], diverged: false }
      const unknown = { fault: faults.unknownTopic, start: -1n, stable: -1n, end: -1n, aborted: [], diverged: false }
      expect({ version, fault, read }).toEqual({
        version,
        fault: 0,
        read: [
          { partition: 0, ...whole, stable: 0n, end: 0n, values: [] },
          { partition: 1, ...whole, stable: 3n, end: 3n, values: ['1 b', '2 c'] },
          { partition: noPartition, ...unknown, values: [] },
        ],
      })
    }
  } finally {
    await kafka.deleteTopics([topic])
    await Promise.all([kafka.close(), admin.close(), pool.close()])
  }
})

test('the version is the newest that both sides know', () => {
  const version = (minVersion: number, maxVersion: number) =>
    fetchVersion([{ apiKey: fetchKey, minVersion, maxVersion }])
  expect([version(0, 17), version(0, 11), version(4, 4), version(0, 3), version(14, 17)]).toEqual([
    13,
    11,
    4,
    null,
    null,
  ])
  expect(fetchVersion([])).toBeNull()
})

test('a topic that has no id is asked for by its name', () => {
  const ids = [crypto.randomUUID(), '00000000-0000-0000-0000-000000000000', 'trade.executed.v1']
  expect(ids.map((topicId) => versionFor(13, { topicId }))).toEqual([13, 12, 12])
  expect(ids.map((topicId) => versionFor(11, { topicId }))).toEqual([11, 11, 11])
})

test('the error codes are those of the protocol', () => {
  expect(Object.values(faults).map((code) => protocolErrorsCodesById[code])).toEqual([
    'OFFSET_OUT_OF_RANGE',
    'UNKNOWN_TOPIC_OR_PARTITION',
    'LEADER_NOT_AVAILABLE',
    'NOT_LEADER_OR_FOLLOWER',
    'FENCED_LEADER_EPOCH',
    'UNKNOWN_LEADER_EPOCH',
    'UNKNOWN_TOPIC_ID',
    'INCONSISTENT_TOPIC_ID',
  ])
})
