// Proves: however an operator has set the formats of a database for other programs, times, amounts and nulls are read and written as they are.

import { expect, test } from '../support/explained.ts'
import { orderBody } from '../support/orderBody.ts'
import { runBinary } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld, tradeOf } from '../support/world.ts'

const formats = {
  datestyle: 'SQL, DMY',
  intervalstyle: 'sql_standard',
  timezone: 'America/St_Johns',
  bytea_output: 'escape',
  extra_float_digits: '-10',
  array_nulls: 'off',
  standard_conforming_strings: 'off',
  transform_null_equals: 'on',
}

test('orders of every form, fills, histories and verify', async () => {
  await using world = await createWorld()
  const name = new URL(world.databaseUrl).pathname.slice(1)
  for (const [setting, value] of Object.entries(formats))
    await world.sql.unsafe(`alter database ${name} set ${setting} = '${value}'`)
  const service = await world.start()
  const expiresAt = new Date(Date.now() + 86_400_000).toISOString()
  const { json } = await service.post(orderBody({ quantity: 10, timeInForce: 'GTD', expiresAt }))
  expect(json).toMatchObject({ expiresAt })
  const stop = orderBody({ type: 'STOP', price: undefined, stopPrice: 1 })
  const batch = await service.http('/orders/batch', { body: { orders: [orderBody(), stop] } })
  expect((batch.json['results'] as { status: number }[]).map(({ status }) => status)).toEqual([202, 202])
  await world.publishTrades(tradeOf({ buyOrderId: json['id'], quantity: 4 }), tradeOf({ buyOrderId: 'no such order' }))
  const path = `/orders/${String(json['id'])}`
  await until(async () => (await service.http(path)).json['filledQuantity'] === 4, { what: 'it is filled in part' })
  expect((await service.http(path)).json).toMatchObject({ expiresAt, createdAt: json['createdAt'] })
  expect((await service.http(`${path}/events`)).json['events']).toHaveLength(2)
  await Promise.all([world.outboxEmpty(), world.tradesConsumed()])
  const { exitCode, out } = await runBinary(['verify', '--topics'], world.env)
  expect([exitCode, out.trim().split(', ').at(-1)]).toEqual([0, '0 violations'])
})
