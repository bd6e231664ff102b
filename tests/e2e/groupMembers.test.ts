// Proves: our share of the partitions is read while a member of another kind is in the consumer group, and all of them once it
// has left, as while the Java service is replaced in place: Kafka's own Java client, by its older group protocol and by the newer
// one, against the compiled binary on the real broker.

import { hold, release } from '../stack/guard.ts'
import { findJava, kafkaToolsClassPath } from '../stack/kafkaJars.ts'
import { test } from '../support/explained.ts'
import { orderBody } from '../support/orderBody.ts'
import { until } from '../support/until.ts'
import { createWorld, tradeOf, type World } from '../support/world.ts'

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
    /** The partitions of which it got a trade of this round. */
    partitionsOf: (round: number): Set<number> =>
      new Set(
        [...text.matchAll(/^Partition:(\d+)\t.*"tradeId":"(\d+)-/gm)]
          .filter(([, , of]) => Number(of) === round)
          .map(([, partition]) => Number(partition)),
      ),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await child.exited
      await reading
      release(child.pid)
    },
  }
}

const partitions = [0, 1, 2, 3, 4, 5]
/** A round that is not read by then fell into the dealing out; another one is published. */
const roundMs = 10_000
type Components = { kafka: { status: string; details: Record<string, string> } }

test.concurrent.each(['classic', 'consumer'] as const)('with a Java client of the %s protocol', async (protocol) => {
  await using world = await createWorld({ partitions: partitions.length })
  const service = await world.start()
  const id = String((await service.post(orderBody({ quantity: 1_000_000 }))).json['id'])
  let round = 0
  /** A trade on each partition, which says the round that it is of. */
  const publishToAll = async (): Promise<void> => {
    round++
    await world.kafka.publish(
      partitions.map((partition) => ({
        topic: world.topics.trades,
        key: 'AAPL',
        partition,
        value: JSON.stringify(tradeOf({ tradeId: `${round}-${partition}`, buyOrderId: id, quantity: 1 })),
      })),
    )
  }
  const appliedOf = async (of: number): Promise<Set<number>> => {
    const rows = await world.sql<{ partition: number }[]>`
      select kafka_partition as partition from ingested_fills where trade_id like ${`${of}-%`}`
    return new Set(rows.map((row) => row.partition))
  }
  {
    await using java = await joinWithJava(world, protocol)
    const bothOf = async () => ({ ours: await appliedOf(round), theirs: java.partitionsOf(round) })
    // What it reads it does not apply. While the group is dealt out, a round may be read by one of the two alone, or by both, or not to its end.
    await until(
      async () => {
        await publishToAll()
        const isRead = async (): Promise<boolean> => {
          const { ours, theirs } = await bothOf()
          return ours.union(theirs).size === partitions.length
        }
        await until(isRead, { what: `round ${round} is read`, deadlineMs: roundMs })
        const { ours, theirs } = await bothOf()
        return ours.size > 0 && theirs.size > 0 && ours.isDisjointFrom(theirs)
      },
      { what: 'each partition is read by one of the two, and both read some' },
    )
    // It commits nothing, so half of the trades stand still, and whoever looks at us learns of it. While the group is dealt out, health is
    // degraded for that alone.
    await until(
      async () => {
        const { components } = (await service.http('/actuator/health')).json as { components: Components }
        const { status, details } = components.kafka
        const said = /^partition \d: \d+ messages wait for \d+ s: this replica does not read it/
        return status === 'DEGRADED' && said.test(details['tradesStandStill'] ?? '')
      },
      { what: 'health says that partitions are not read here' },
    )
  }
  await until(
    async () => Number((await service.http(`/orders/${id}`)).json['filledQuantity']) === round * partitions.length,
    {
      what: 'all that was sent is applied once the other has left',
    },
  )
  await world.tradesConsumed()
})
