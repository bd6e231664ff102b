// Proves: a standard output that nobody reads any more stops nothing: orders, fills and the end of the process go on without it.

import { join } from 'node:path'
import { binary } from '../support/binary.ts'
import { expect, test } from '../support/explained.ts'
import { orderBody } from '../support/orderBody.ts'
import { temporaryDir } from '../support/servers.ts'
import { until } from '../support/until.ts'
import { createWorld, tradeOf } from '../support/world.ts'

/** Each is a line of more than 200 bytes at the level `debug`; a pipe holds 64 kB. */
const requests = 600

test('orders are taken and filled, and a signal ends the service', async () => {
  await using world = await createWorld()
  // The shell keeps the pipe open and never reads.
  const unread = ['sh', '-c', 'mkfifo "$1"; exec 3<>"$1"; exec "$0" serve >&3 2>&3', await binary()]
  const service = await world.start({
    command: [...unread, join(temporaryDir('unread'), 'pipe')],
    env: { LOG_LEVEL: 'debug' },
  })
  const id = String((await service.post(orderBody({ quantity: 10 }))).json['id'])
  for (let i = 0; i < requests; i++) expect((await service.http('/orders/none')).status).toBe(400)
  await world.publishTrades(tradeOf({ buyOrderId: id, quantity: 10 }))
  await until(async () => (await service.http(`/orders/${id}`)).json['status'] === 'FILLED', { what: 'it is filled' })
  expect(await service.stop()).toBe(0)
})
