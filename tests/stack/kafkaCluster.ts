// Three real brokers on this machine, each of them a controller too: every partition has three replicas, two of which must be in sync.

import { join } from 'node:path'
import { Admin } from '@platformatic/kafka'
import { newClusterId, startKafka, type KafkaServer } from './kafka.ts'
import { freePort } from './ports.ts'

const nodes = [1, 2, 3] as const
type Node = (typeof nodes)[number]

export type KafkaCluster = AsyncDisposable & {
  /** All addresses, that of node 1 first. */
  bootstrap: string
  broker: (node: Node) => KafkaServer
  /** Creates a topic; `replicas`: for each partition its nodes, of which the first one leads. `inSyncMin`: as many must have a record. */
  createTopic: (name: string, replicas: readonly (readonly Node[])[], inSyncMin?: number) => Promise<void>
  /** The nodes that are in sync, by partition. Node 1 is asked last: where it stands still, the answer would be too late for `sessionTimeoutMs`. */
  inSync: (topic: string) => Promise<number[][]>
  /** The node that leads each partition; -1: none does. */
  leaders: (topic: string) => Promise<number[]>
}

/** Long enough for a test to look at a broker that stands still before the others take its place. */
const sessionTimeoutMs = 8_000

const settings = {
  'default.replication.factor': '3',
  'min.insync.replicas': '2',
  'offsets.topic.replication.factor': '3',
  'transaction.state.log.replication.factor': '3',
  'broker.session.timeout.ms': `${sessionTimeoutMs}`,
}

const withAdmin = async <T>(bootstrapBrokers: string[], ask: (admin: Admin) => Promise<T>): Promise<T> => {
  const admin = new Admin({
    clientId: 'stack',
    bootstrapBrokers,
    timeout: 5_000,
    requestTimeout: 5_000,
  })
  try {
    return await ask(admin)
  } finally {
    await admin.close()
  }
}

export const startKafkaCluster = async (dir: string): Promise<KafkaCluster> => {
  const ports = await Promise.all(nodes.map(() => freePort()))
  const controllers = await Promise.all(nodes.map(() => freePort()))
  const clusterId = newClusterId()
  // None of them answers before most of them are there.
  const servers = await Promise.all(
    nodes.map((node) =>
      startKafka({
        dataDir: join(dir, `${node}`),
        port: ports[node - 1]!,
        settings,
        member: { clusterId, node, controllers },
      }),
    ),
  )
  const addresses = servers.map(({ bootstrap }) => bootstrap)
  const partitionsOf = (topic: string) =>
    withAdmin(addresses.toReversed(), async (admin) => {
      const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true })
      return topics.get(topic)!.partitions
    })
  return {
    bootstrap: addresses.join(','),
    broker: (node) => servers[node - 1]!,
    createTopic: (name, replicas, inSyncMin = 2) =>
      withAdmin(addresses, async (admin) => {
        const assignments = replicas.map((brokers, partition) => ({ partition, brokers: [...brokers] }))
        const configs = [{ name: 'min.insync.replicas', value: `${inSyncMin}` }]
        await admin.createTopics({ topics: [name], partitions: -1, replicas: -1, assignments, configs })
      }),
    inSync: async (topic) => (await partitionsOf(topic)).map(({ isr }) => isr),
    leaders: async (topic) => (await partitionsOf(topic)).map(({ leader }) => leader),
    async [Symbol.asyncDispose]() {
      await Promise.all(servers.map((server) => server.kill()))
    },
  }
}
