// Proves: connections that are silent are closed, and no request is cut off without an answer where that can be helped.

import { connect } from 'node:net'
import { freePort } from '../stack/ports.ts'
import { expect, test } from '../support/explained.ts'
import { orderBody } from '../support/orderBody.ts'
import { until } from '../support/until.ts'
import { createWorld } from '../support/world.ts'

const probe = 'GET /actuator/health/liveness HTTP/1.1\r\nHost: localhost\r\n\r\n'

/** One connection that is kept, with whatever came back on it so far. */
const keepOpen = (port: number) => {
  let text = ''
  let closedAt: number | null = null
  const socket = connect(port, '127.0.0.1')
  socket.on('data', (data) => (text += data.toString()))
  socket.on('error', () => undefined)
  socket.on('close', () => (closedAt = performance.now()))
  return {
    send: (bytes: string) => void socket.write(bytes),
    text: () => text,
    answers: () => text.split('HTTP/1.1 ').length - 1,
    closedAt: () => closedAt,
    [Symbol.dispose]: () => void socket.destroy(),
  }
}

test('a connection outlives the silence that proxies allow theirs, on both ports', async () => {
  await using world = await createWorld()
  const management = await freePort()
  const service = await world.start({ env: { MANAGEMENT_PORT: String(management) }, wait: 'nothing' })
  await service.logged('serving')
  using orders = keepOpen(service.port)
  using operators = keepOpen(management)
  for (const connection of [orders, operators]) connection.send(probe)
  await until(() => orders.answers() === 1 && operators.answers() === 1, { what: 'the first answers' })
  // 30 s was the limit, and Bun looks every 4 s.
  await Bun.sleep(35_000)
  for (const connection of [orders, operators]) connection.send(probe)
  const isOver = ({ answers, closedAt }: typeof orders): boolean => answers() === 2 || closedAt() !== null
  await until(() => isOver(orders) && isOver(operators), { what: 'an answer after the silence, or an end' })
  expect([orders.answers(), operators.answers()]).toEqual([2, 2])
}, 180_000)

test('SERVER_IDLE_TIMEOUT_MS closes a silent connection, never earlier than it says', async () => {
  await using world = await createWorld()
  const service = await world.start({ env: { SERVER_IDLE_TIMEOUT_MS: '2000' } })
  const silences = await Promise.all(
    [0, 700, 1_400, 2_100, 2_800].map(async (delayMs) => {
      await Bun.sleep(delayMs)
      using connection = keepOpen(service.port)
      // From before the silence begins: when its answer is seen here hangs on the machine.
      const sentAt = performance.now()
      connection.send(probe)
      await until(() => connection.answers() === 1, { what: 'an answer' })
      return (await until(connection.closedAt, { what: 'the service closes it' })) - sentAt
    }),
  )
  expect(Math.min(...silences)).toBeGreaterThan(1_900)
})

test('an answer that takes longer than the silence that is allowed still comes; a slow body ends with its own deadline', async () => {
  await using world = await createWorld()
  const service = await world.start({ env: { SERVER_IDLE_TIMEOUT_MS: '1000', REQUEST_DEADLINE_MS: '13000' } })
  using slow = keepOpen(service.port)
  const head =
    'POST /orders HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n'
  slow.send(`${head}{"user`)
  await until(slow.closedAt, { what: 'the connection ends' })
  expect(slow.text()).toStartWith('HTTP/1.1 400 ')
  expect(slow.text()).toContain('the body did not arrive within 13000 ms')
})

test('while the service drains, every answer asks the client to leave', async () => {
  await using world = await createWorld({ env: { SHUTDOWN_READINESS_DELAY_MS: '60000' } })
  const service = await world.start()
  using connection = keepOpen(service.port)
  connection.send(probe)
  await until(() => connection.answers() === 1, { what: 'an answer' })
  expect(connection.text()).not.toMatch(/^connection: close/im)
  service.signal('SIGTERM')
  await service.logged('stopping')
  expect((await service.post(orderBody())).headers.get('connection')).toBe('close')
  connection.send(probe)
  await until(connection.closedAt, { what: 'the connection ends after its answer' })
  expect(connection.answers()).toBe(2)
  expect(connection.text()).toMatch(/^connection: close/im)
})
