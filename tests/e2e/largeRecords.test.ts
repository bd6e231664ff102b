// Proves: a record that unpacks to more than a broker takes in a request is a dead letter that says what it left out, its partition goes on,
// and redrive and verify know what it is; the largest message that is taken is kept like any other.

import { encodeBatch } from '../fuzz/records/batch.ts'
import { openBroker } from '../fuzz/records/broker.ts'
import { expect, test } from '../support/explained.ts'
import { placeOrder } from '../support/placeOrder.ts'
import { runBinary } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld, reportOf, tradeOf, type World } from '../support/world.ts'

/** A broker closes a connection on which a request of 104,857,600 bytes begins. Unpacked, 134,217,728 are read. */
const hugeBytes = 110_000_000
/** What is taken: the bound of 8 MiB with the key. */
const mostBytes = 8_388_608 - 'AAPL'.length
const partition = 1

/** A lawful message of this many bytes. */
const padded = (message: object, bytes: number): Buffer => {
  const text = Buffer.from(JSON.stringify(message))
  return Buffer.concat([text, Buffer.alloc(bytes - text.length, ' ')])
}

const publishPacked = async (world: World, topic: string, values: readonly Buffer[]): Promise<void> => {
  const broker = await openBroker(world.kafka.bootstrap)
  for (const value of values) {
    const headers = [[Buffer.from('eventId'), Buffer.from('e-1')]] as const
    const records = [{ key: Buffer.from('AAPL'), value, headers, timestamp: BigInt(Date.now()) }]
    expect(await broker.produce({ topic, partition }, encodeBatch({ codec: 'gzip', records }))).toMatchObject({
      ok: true,
    })
  }
  broker.close()
}

const committed = (world: World, group: string, topic: string, offset: bigint) =>
  until(async () => (await world.kafka.committed(group, topic))[partition] === offset, {
    what: `${topic} is applied up to ${offset}`,
  })

const letterOf = async (world: World, topic: string) => {
  const [letter, ...more] = await world.kafka.read(topic)
  expect(more).toEqual([])
  const { key, value, headers } = letter!
  return { key, value, headers }
}
const leftOutOf = (topic: string) => ({
  key: 'AAPL',
  value: null,
  headers: expect.objectContaining({
    eventId: 'e-1',
    'x-dead-letter-id': `${topic}-${partition}-0`,
    'x-disposition': 'MALFORMED',
    'x-reason': `is larger than 8 MiB; left out: value (${hugeBytes} bytes)`,
    'x-left-out': 'value',
  }),
})

test('records of 110 MB on the topics of trades and of reports, and trades and reports behind them', async () => {
  await using world = await createWorld({ env: { ENGINE_FEATURES: 'reports' } })
  const { trades, reports, deadLetters, reportLetters } = world.topics
  const service = await world.start()
  const [huge, good] = [await placeOrder(service), await placeOrder(service)]

  await publishPacked(world, trades, [
    padded(tradeOf({ buyOrderId: huge, quantity: 40 }), hugeBytes),
    // The order is of AAPL.
    padded(tradeOf({ buyOrderId: huge, ticker: 'MSFT', quantity: 40 }), mostBytes),
  ])
  const trade = JSON.stringify(tradeOf({ buyOrderId: good, quantity: 40 }))
  await world.kafka.publish([{ topic: trades, key: 'AAPL', partition, value: trade }])
  await committed(world, world.group, trades, 3n)
  expect((await service.http(`/orders/${good}`)).json).toMatchObject({ filledQuantity: 40 })
  expect((await service.http(`/orders/${huge}`)).json).toMatchObject({ filledQuantity: 0 })
  expect(await letterOf(world, deadLetters)).toEqual(leftOutOf(trades))
  expect([...(await world.sql`select disposition, length(message) as bytes from exceptions`)]).toEqual([
    { disposition: 'MISMATCH', bytes: mostBytes },
  ])

  await publishPacked(world, reports, [padded(reportOf({ orderId: huge, cumulativeQuantity: 0 }), hugeBytes)])
  const report = JSON.stringify(reportOf({ orderId: good, cumulativeQuantity: 40 }))
  await world.kafka.publish([{ topic: reports, key: 'AAPL', partition, value: report }])
  await committed(world, `${world.group}.reports`, reports, 2n)
  await until(async () => (await service.http(`/orders/${good}`)).json['status'] === 'CANCELED', {
    what: 'the report behind it is applied',
  })
  expect((await service.http(`/orders/${huge}`)).json).toMatchObject({ status: 'NEW' })
  expect(await letterOf(world, reportLetters)).toEqual(leftOutOf(reports))

  for (const [topic, ...flags] of [[trades], [reports, '--reports']]) {
    const { out, err } = await runBinary(['redrive', '--all', '--dry-run', ...flags], world.env)
    expect(err).toContain(`${topic}-${partition}-0: skipped: the letter does not hold the whole message`)
    expect(out).toEndWith('1 letters, 0 selected, 0 sent\n')
  }
  await world.outboxEmpty()
  const { exitCode, out } = await runBinary(['verify', '--topics'], world.env)
  expect({ exitCode, out: exitCode === 0 ? '' : out }).toEqual({ exitCode: 0, out: '' })
})
