// Proves: a connection to a broker that ends, whenever that is, ends alone. Neither the process nor the next connection ends with it, and what
// was asked on it gets its error. Version 2.12.1 of the library does this only with our patch.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { joinGroupV9, syncGroupV5 } from '@platformatic/kafka'
import { createAdmin, createFetcher, createMember, type KafkaConfig, type RawConsumer } from '../../src/kafka/client.ts'
import { Admin, ConnectionPool } from '../../src/kafka/library.ts'
import { startKafka, type KafkaServer } from '../stack/kafka.ts'
import { freePort } from '../stack/ports.ts'
import { openBrokerDoor, requests, type BrokerDoor } from '../support/brokerDoor.ts'
import { hangsAfterMs } from '../support/hanging.ts'
import { temporaryDir } from '../support/servers.ts'
import { until } from '../support/until.ts'
import { failureOf } from '../support/waiting.ts'

const login = { mechanism: 'SCRAM-SHA-256', username: 'orders', password: 'secret' } as const
/** A session that has to be renewed while the test waits, and one that is longer than a timer can be. */
const sessionMs = { brief: 1_500, long: 3_000_000_000 }

let kafka: KafkaServer
const ports = { BRIEF: 0, LONG: 0 }
beforeAll(async () => {
  for (const name of ['BRIEF', 'LONG'] as const) ports[name] = await freePort()
  const scram = (name: string, reauthMs: number): Record<string, string> => ({
    [`listener.name.${name}.sasl.enabled.mechanisms`]: 'SCRAM-SHA-256',
    [`listener.name.${name}.scram-sha-256.sasl.jaas.config`]:
      'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    [`listener.name.${name}.connections.max.reauth.ms`]: String(reauthMs),
  })
  kafka = await startKafka({
    dataDir: join(temporaryDir('driver-kafka'), 'data'),
    port: await freePort(),
    listeners: {
      BRIEF: { port: ports.BRIEF, protocol: 'SASL_PLAINTEXT' },
      LONG: { port: ports.LONG, protocol: 'SASL_PLAINTEXT' },
    },
    scramUsers: { [login.username]: login.password },
    settings: { ...scram('brief', sessionMs.brief), ...scram('long', sessionMs.long) },
  })
}, hangsAfterMs)
afterAll(() => kafka.stop())

const openDoor = (listener: keyof typeof ports): Promise<BrokerDoor> =>
  openBrokerDoor({ host: '127.0.0.1', port: ports[listener] })

const openPool = (limits: { connectTimeout?: number; requestTimeout?: number } = {}): ConnectionPool =>
  new ConnectionPool('driver', {
    connectTimeout: 5_000,
    requestTimeout: 5_000,
    ...limits,
    sasl: login,
  })

const brokerAt = ({ host, port }: BrokerDoor) => ({ host, port })

describe('a login', () => {
  const steps: [string, number, number][] = [
    ['the question for versions', requests.apiVersions, 1],
    ['the handshake', requests.saslHandshake, 1],
    ['the first message', requests.saslAuthenticate, 1],
    ['the proof', requests.saslAuthenticate, 2],
  ]
  test.each(steps)(
    'that is reset at %s fails, and the next one succeeds',
    async (_, kind, nth) => {
      await using door = await openDoor('LONG')
      const pool = openPool()
      let seen = 0
      door.before((request) => (request === kind && ++seen === nth ? 'reset' : 'pass'))
      expect(await failureOf(pool.get(brokerAt(door)))).toMatchObject({ code: 'PLT_KFK_NETWORK' })
      const connection = await pool.get(brokerAt(door))
      expect(connection.isConnected()).toBe(true)
      await pool.close()
    },
    hangsAfterMs,
  )

  test(
    'that stands still is given up, and the one that follows at once stays in the pool',
    async () => {
      await using door = await openDoor('LONG')
      const pool = openPool({ connectTimeout: 1_000 })
      door.before((request) => (request === requests.saslHandshake ? 'hold' : 'pass'))
      const again = pool.get(brokerAt(door)).catch(() => {
        door.before(() => 'pass')
        return pool.get(brokerAt(door))
      })
      const connection = await again
      await until(() => door.connected() === 1, { what: 'the connection that stood still is closed' })
      expect((await pool.get(brokerAt(door))) === connection).toBe(true)
      await pool.close()
      await until(() => door.connected() === 0, { what: 'all connections are closed' })
    },
    hangsAfterMs,
  )

  test(
    'is not repeated for a connection that has ended',
    async () => {
      await using door = await openDoor('BRIEF')
      // If a login were asked for on the ended connection, its failure would show within the time that the test waits.
      const pool = openPool({ requestTimeout: 2_000 })
      await pool.get(brokerAt(door))
      door.cut()
      await until(() => [...pool].length === 0, { what: 'the pool knows that the connection has ended' })
      const connection = await pool.get(brokerAt(door))
      const before = door.passed(requests.saslHandshake)
      await until(() => door.passed(requests.saslHandshake) >= before + 4, { what: 'the login was repeated' })
      expect((await pool.get(brokerAt(door))) === connection).toBe(true)
      await pool.close()
    },
    hangsAfterMs,
  )

  test(
    'is not repeated at once where a session lasts longer than a timer can',
    async () => {
      await using door = await openDoor('LONG')
      const pool = openPool()
      await pool.get(brokerAt(door))
      await Bun.sleep(500)
      expect(door.passed(requests.saslHandshake)).toBe(1)
      await pool.close()
    },
    hangsAfterMs,
  )
})

/** A client of the plain listener that bootstraps through the door, and then goes to the broker's own address past it. */
const configOf = (door: BrokerDoor): KafkaConfig => ({
  bootstrapServers: [door.address],
  clientId: 'driver',
  requestTimeoutMs: 10_000,
})

const openPlainDoor = (): Promise<BrokerDoor> => openBrokerDoor({ host: '127.0.0.1', port: kafka.port })

test(
  'an address that answers nothing costs its time once, not at each question',
  async () => {
    await using silent = await openDoor('LONG')
    let tried = 0
    silent.before(() => {
      tried++
      return 'hold'
    })
    const admin = new Admin({
      clientId: 'driver',
      bootstrapBrokers: [silent.address, `127.0.0.1:${ports.LONG}`],
      connectTimeout: 1_000,
      sasl: login,
    })
    for (let questions = 1; questions <= 3; questions++) {
      await admin.metadata({ topics: [], forceUpdate: true })
      expect(tried).toBe(1)
    }
    await admin.close()
  },
  hangsAfterMs,
)

describe('a cluster', () => {
  /** Of a topic that is there. */
  const questionOf = async (): Promise<{ topics: string[]; forceUpdate: true }> => {
    const admin = new Admin({ clientId: 'driver', bootstrapBrokers: [kafka.bootstrap] })
    const topic = `driver-${crypto.randomUUID()}`
    await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 })
    await admin.close()
    return { topics: [topic], forceUpdate: true }
  }

  test(
    'is found by whoever has forgotten it, and by who is new, though the only address that was given is away',
    async () => {
      const question = await questionOf()
      const door = await openPlainDoor()
      const config = configOf(door)
      const [old, stranger] = [createAdmin(config), createAdmin({ ...config })]
      await old.metadata(question)
      await door[Symbol.asyncDispose]()
      old.clearMetadata()
      const young = createAdmin(config)
      for (const admin of [old, young]) expect((await admin.metadata(question)).brokers.size).toBe(1)
      // Who has no part in what the others know.
      expect(await failureOf(stranger.metadata(question))).toMatchObject({ code: 'PLT_KFK_MULTIPLE' })
      await Promise.all([old, young, stranger].map((admin) => admin.close()))
    },
    hangsAfterMs,
  )

  test(
    'of which one broker stands still is asked by another one, by whoever asks next',
    async () => {
      const question = await questionOf()
      await using silent = await openPlainDoor()
      let held = 0
      silent.before(() => {
        held++
        return 'hold'
      })
      const config = {
        ...configOf(silent),
        bootstrapServers: [silent.address, kafka.bootstrap],
        requestTimeoutMs: 2_000,
      }
      const first = createFetcher(config, 'driver')
      expect(await failureOf(first.metadata(question))).toMatchObject({ message: 'Request timed out' })
      const second = createFetcher(config, 'driver')
      for (const fetcher of [first, second]) expect((await fetcher.metadata(question)).brokers.size).toBe(1)
      expect(held).toBe(1)
      await Promise.all([first, second].map((fetcher) => fetcher.close(true)))
    },
    hangsAfterMs,
  )
})

describe('a member of a group', () => {
  const joined = async (door: BrokerDoor) => {
    const admin = createAdmin(configOf(door))
    const topic = `driver-${crypto.randomUUID()}`
    await admin.createTopics({ topics: [topic], partitions: 3, replicas: 1 })
    await admin.close()
    const group = `driver-${crypto.randomUUID()}`
    const member = createMember(configOf(door), group)
    member.topics.track(topic)
    await member.joinGroup({})
    return { member, topic, group }
  }

  test(
    'looks for its coordinator anew when the cluster no longer lists that broker',
    async () => {
      await using door = await openPlainDoor()
      const { member, topic } = await joined(door)
      const asked = door.passed(requests.findCoordinator)
      // As it is when the broker has gone between two requests.
      member.currentMetadata!.brokers.clear()
      await member.commit({ offsets: [{ topic, partition: 0, offset: 0n, leaderEpoch: -1 }] })
      expect(door.passed(requests.findCoordinator)).toBeGreaterThan(asked)
      await member.close(true)
    },
    hangsAfterMs,
  )

  test(
    'that the group does not let go keeps no connection',
    async () => {
      await using door = await openPlainDoor()
      const { member } = await joined(door)
      // A group that no broker accepts.
      member.groupId = ''
      expect(await failureOf(member.close(true))).toMatchObject({ code: 'PLT_KFK_RESPONSE' })
      await until(() => door.connected() === 0, { what: 'its connections are closed' })
    },
    hangsAfterMs,
  )

  /** A member of another program, which has its id and has not joined yet. */
  const foreignMember = async (group: string, subscription: Buffer) => {
    const foreign = new ConnectionPool('foreign', { requestTimeout: 60_000 })
    const connection = await foreign.get({ host: '127.0.0.1', port: kafka.port })
    const join = (memberId: string) =>
      joinGroupV9.api.async(connection, group, 30_000, 30_000, memberId, null, 'consumer', [
        { name: 'range', metadata: subscription },
      ])
    const { response } = (await failureOf(join(''))) as { response: { memberId: string } }
    return { foreign, connection, join, id: response.memberId }
  }

  /** Lets a member of another program join the group, with this subscription; resolves once our member has its partitions again. */
  const joinBeside = async (member: RawConsumer, group: string, subscription: Buffer): Promise<ConnectionPool> => {
    const { foreign, join, id } = await foreignMember(group, subscription)
    const rejoined = new Promise<void>((resolve) => member.once('consumer:group:join', () => resolve()))
    await join(id)
    await rejoined
    return foreign
  }

  /** A subscription as members write it, version 0: the topics by name, and no data of the user. */
  const subscriptionTo = (topic: string): Buffer => {
    const name = Buffer.from(topic)
    const [version, count, length, noData] = [Buffer.alloc(2), Buffer.alloc(4), Buffer.alloc(2), Buffer.alloc(4, 0xff)]
    count.writeInt32BE(1)
    length.writeInt16BE(name.length)
    return Buffer.concat([version, count, length, name, noData])
  }

  test.each([
    ['that cannot be read', Buffer.alloc(0)],
    ['to a topic that is not there', subscriptionTo(`missing-${crypto.randomUUID()}`)],
    ['to a topic of the cluster itself', subscriptionTo('__consumer_offsets')],
    ['to a name that no topic can have', subscriptionTo('no/topic')],
  ])(
    'that leads goes on beside one with a subscription %s',
    async (_, subscription) => {
      await using door = await openPlainDoor()
      const { member, topic, group } = await joined(door)
      const foreign = await joinBeside(member, group, subscription)
      expect(member.assignments).toEqual([{ topic, partitions: [0, 1, 2] }])
      await foreign.close()
      await member.close(true)
    },
    hangsAfterMs,
  )

  test(
    'whose leader writes an assignment that cannot be read says so',
    async () => {
      await using door = await openPlainDoor()
      const { member: other, topic } = await joined(door)
      await other.close(true)
      const group = `driver-${crypto.randomUUID()}`
      const { foreign, connection, join, id } = await foreignMember(group, subscriptionTo(topic))
      await join(id)
      const member = createMember(configOf(door), group)
      member.topics.track(topic)
      const failure = failureOf(member.joinGroup({}))
      let generation = await join(id)
      while (generation.members.length < 2) generation = await join(id)
      const assignments = generation.members.map(({ memberId }) => ({ memberId, assignment: Buffer.from([0]) }))
      await syncGroupV5.api.async(
        connection,
        group,
        generation.generationId,
        id,
        null,
        'consumer',
        'range',
        assignments,
      )
      expect(String(await failure)).toContain('assignment that cannot be read')
      await Promise.all([foreign.close(), member.close(true)])
    },
    hangsAfterMs,
  )
})
