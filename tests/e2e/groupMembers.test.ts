// Members of other kinds in the consumer group, as while the Java service is replaced in place: Kafka's own Java client, by its
// older group protocol and by the newer one. Our share of the partitions is read while such a member stays, and all of them
// once it has left. Through the compiled binary, on the real broker.

import { expect, test } from 'bun:test'
import { hold, release } from '../stack/guard.ts'
import { findJava, kafkaToolsClassPath } from '../stack/kafkaJars.ts'
import { until } from '../support/until.ts'
import { createWorld, orderBody, tradeOf, type World } from '../support/world.ts'

/** A Java client that reads the trade topic in our group, and commits nothing. */
const joinWithJava = async (world: World, protocol: 'classic' | 'consumer') => {
  const settings = { 'group.protocol': protocol, 'enable.auto.commit': 'false' }
  const { bootstrap } = world.kafka
  const options = { '--bootstrap-server': bootstrap, '--topic': world.topics.trades, '--group': world.group }
  const child = Bun.spawn(
    [
      findJava(),
      '-Xmx128m',
      '-cp',
      await kafkaToolsClassPath(),
      'org.apache.kafka.tools.consumer.ConsoleConsumer',
      '--from-beginning',
      ...Object.entries(options).flat(),
      '--property',
      'print.partition=true',
      ...Object.entries(settings).flatMap(([name, value]) => ['--consumer-property', `${name}=${value}`]),
    ],
    { stdin: 'ignore', stdout: 'pipe', stderr: 'ignore' },
  )
  hold(child.pid, 'SIGKILL')
  let text = ''
  const reading = (async () => {
    for await (const chunk of child.stdout) text += Buffer.from(chunk).toString()
  })()
  return {
    /** The numbers of the partitions that it got something of. */
    partitions: () => new Set([...text.matchAll(/Partition:(\d+)/g)].map(([, partition]) => Number(partition))),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await child.exited
      await reading
      release(child.pid)
    },
  }
}

const partitions = [0, 1, 2, 3, 4, 5]

test.each(['classic', 'consumer'] as const)('with a Java client of the %s protocol', async (protocol) => {
  await using world = await createWorld({ partitions: partitions.length })
  const service = await world.start()
  const id = String((await service.post(orderBody({ quantity: 1_000_000 }))).json['id'])
  let sent = 0
  const publishToAll = async (): Promise<void> => {
    await world.kafka.publish(
      partitions.map((partition) => ({
        topic: world.topics.trades,
        key: 'AAPL',
        partition,
        value: JSON.stringify(tradeOf({ buyOrderId: id, quantity: 1 })),
      })),
    )
    sent += partitions.length
  }
  const appliedOn = async (): Promise<Set<number>> =>
    new Set(
      (
        await world.sql<{ partition: number }[]>`
          select kafka_partition as partition from ingested_fills where kafka_offset = ${sent / partitions.length - 1}`
      ).map((row) => row.partition),
    )
  {
    await using java = await joinWithJava(world, protocol)
    // Until it has a share; what it reads it does not apply.
    await until(
      async () => {
        await publishToAll()
        return java.partitions().size > 0
      },
      { what: 'the Java client reads' },
    )
    await publishToAll()
    const ours = await until(
      async () => {
        const applied = await appliedOn()
        return applied.size + java.partitions().size === partitions.length && applied
      },
      { what: 'each partition is read by one of the two' },
    )
    expect(ours.size).toBe(partitions.length / 2)
    expect(java.partitions().intersection(ours).size).toBe(0)
    expect((await service.metrics())['orders_trades_consumer_rebuilds_total']).toBe(0)
  }
  await until(async () => Number((await service.http(`/orders/${id}`)).json['filledQuantity']) === sent, {
    what: 'all that was sent is applied once the other has left',
  })
  await world.tradesConsumed()
})
