// Proves: the topics of KAFKA_TOPICS_CREATE are there after the start, with the partitions that were asked for; existing ones stay as they
// are; and where the broker refuses one, the service serves, says which and why in health and log, creates the others, and takes up the
// refused one as soon as it is allowed.

import {
  AclOperations,
  AclPermissionTypes,
  Admin,
  ResourcePatternTypes,
  ResourceTypes,
  type ResourceTypeValue,
} from '@platformatic/kafka'
import { startKafka, type KafkaServer } from '../stack/kafka.ts'
import { freePort } from '../stack/ports.ts'
import { afterAll, beforeAll, describe, expect, test } from '../support/explained.ts'
import { placeOrder } from '../support/placeOrder.ts'
import { temporaryDir } from '../support/servers.ts'
import type { RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld, type World } from '../support/world.ts'

type Health = { status: string; components: Record<string, { status: string; details: Record<string, unknown> }> }
const kafkaOf = async (service: RunningService) =>
  ((await service.http('/actuator/health')).json as unknown as Health).components['kafka']!
const becomes = (service: RunningService, status: string) =>
  until(async () => (await kafkaOf(service)).status === status, { what: `kafka is ${status} in health` })

/** A broker knows a new topic a little after its controller. */
const exists = (world: World, topic: string) =>
  until(async () => (await world.kafka.topicNames()).includes(topic), { what: `${topic} exists` })

describe('where topics may be created', () => {
  test('those that are missing are created, with their own number of partitions or that of all', async () => {
    await using world = await createWorld()
    const [plain, sized, there] = ['DLT', 'recorded', 'there'].map((end) => `${world.name}.${end}`) as [
      string,
      string,
      string,
    ]
    await world.kafka.createTopics([there], { partitions: 2 })
    await using service = await world.start({ env: { KAFKA_TOPICS_CREATE: `${plain},${sized}:5:1,${there}:9` } })
    const { topics } = await service.logged('further topics created')
    expect(topics).toEqual([plain, sized])
    await Promise.all([plain, sized].map((name) => exists(world, name)))
    const partitions = await Promise.all([plain, sized, there].map((name) => world.kafka.partitionsOf(name)))
    expect(partitions).toEqual([3, 5, 2])
    await becomes(service, 'UP')
    expect((await kafkaOf(service)).details['furtherTopics']).toBeUndefined()
    await world.kafka.deleteTopics([plain, sized, there])
  })

  test('one that is asked for on more brokers than there are is named, and the other one is created', async () => {
    await using world = await createWorld()
    const [wide, plain] = [`${world.name}.wide`, `${world.name}.plain`]
    await using service = await world.start({ env: { KAFKA_TOPICS_CREATE: `${wide}:3:7,${plain}` } })
    const { reason } = await service.logged('further topics are missing')
    expect(reason).toStartWith(`${wide} is missing, and there are not so many brokers:`)
    await exists(world, plain)
    await becomes(service, 'DEGRADED')
    await world.kafka.deleteTopics([plain])
  })
})

describe('where an ACL forbids it', () => {
  const user = 'orders'
  const password = 'orders-secret'
  let server: KafkaServer
  let port: number
  let admin: Admin
  beforeAll(async () => {
    port = await freePort()
    server = await startKafka({
      dataDir: temporaryDir('acl-kafka'),
      port: await freePort(),
      listeners: { LOGIN: { port, protocol: 'SASL_PLAINTEXT' } },
      settings: {
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        // The test's own way in, and the broker itself, come without a login.
        'super.users': 'User:ANONYMOUS',
        'listener.name.login.sasl.enabled.mechanisms': 'PLAIN',
        'listener.name.login.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required user_${user}="${password}";`,
      },
    })
    admin = new Admin({ clientId: 'test', bootstrapBrokers: [server.bootstrap] })
  })
  afterAll(async () => {
    await admin.close()
    await server.stop()
  })

  const { TOPIC, GROUP } = ResourceTypes
  const allow = (resourceType: ResourceTypeValue, resourceName: string) =>
    admin.createAcls({
      creations: [
        {
          resourceType,
          resourceName,
          resourcePatternType: ResourcePatternTypes.PREFIXED,
          principal: `User:${user}`,
          host: '*',
          operation: AclOperations.ALL,
          permissionType: AclPermissionTypes.ALLOW,
        },
      ],
    })

  test('the service serves, degraded, and creates the topic once it is allowed', async () => {
    await using world = await createWorld({
      kafkaAt: server.bootstrap,
      bootstrap: `127.0.0.1:${port}`,
      env: {
        KAFKA_SECURITY_PROTOCOL: 'SASL_PLAINTEXT',
        KAFKA_SASL_MECHANISM: 'PLAIN',
        KAFKA_SASL_USERNAME: user,
        KAFKA_SASL_PASSWORD: password,
      },
    })
    await allow(TOPIC, world.name)
    await allow(GROUP, world.name)
    const [refused, own] = ['forbidden.DLT', `${world.name}.DLT`]
    await using service = await world.start({ env: { KAFKA_TOPICS_CREATE: `${refused},${own}` } })
    const { reason } = await service.logged('further topics are missing')
    expect(reason).toBe(
      `${refused} is missing, or hidden from this client, which may not create it: create it, or let this client create it (KAFKA_TOPICS_CREATE)`,
    )
    await becomes(service, 'DEGRADED')
    expect((await kafkaOf(service)).details).toMatchObject({ detail: 'brokers answer', furtherTopics: reason })
    expect((await service.http('/actuator/health/readiness')).status).toBe(200)
    await exists(world, own)
    await placeOrder(service)
    await world.outboxEmpty()

    await allow(TOPIC, refused)
    await becomes(service, 'UP')
    await exists(world, refused)
  })

  test('one that is there but hidden from the service may be so: it says that too', async () => {
    await using world = await createWorld({ kafkaAt: server.bootstrap })
    await world.kafka.createTopics(['hidden.DLT'], { partitions: 1 })
    const env = {
      KAFKA_BOOTSTRAP_SERVERS: `127.0.0.1:${port}`,
      KAFKA_SECURITY_PROTOCOL: 'SASL_PLAINTEXT',
      KAFKA_SASL_MECHANISM: 'PLAIN',
      KAFKA_SASL_USERNAME: user,
      KAFKA_SASL_PASSWORD: password,
      KAFKA_TOPICS_CREATE: 'hidden.DLT',
    }
    await allow(TOPIC, world.name)
    await allow(GROUP, world.name)
    await using service = await world.start({ env })
    const { reason } = await service.logged('further topics are missing')
    expect(reason).toStartWith('hidden.DLT is missing, or hidden from this client, which may not create it:')
  })
})
