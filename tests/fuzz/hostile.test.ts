// Proves: clients that are slow, huge, many or silent each get an answer or an end, memory stays where it is, and everybody else
// is served as if they were not there.

import { afterAll, afterEach, beforeAll, describe, expect, test } from '../support/explained.ts'
import { orderBody } from '../support/orderBody.ts'
import type { RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld, type World } from '../support/world.ts'
import { closeAll, drip, flood, open, openMany, statusesIn, type Connection } from './connections.ts'
import { openFiles, residentMb, watchMemory } from './process.ts'

const deadlineMs = 3_000
const gib = 1024 ** 3
const growthMbMax = 100

let world: World
let service: RunningService
beforeAll(async () => {
  world = await createWorld({ env: { REQUEST_DEADLINE_MS: String(deadlineMs) } })
  service = await world.start()
  for (let i = 0; i < 5; i++) await Promise.all(Array.from({ length: 100 }, () => service.post(orderBody())))
})
afterAll(() => world[Symbol.asyncDispose]())

const jsonHead = (lines: string, route = 'POST /orders'): string =>
  `${route} HTTP/1.1\r\nHost: orders\r\nContent-Type: application/json\r\n${lines}\r\n\r\n`

const stored = async (): Promise<number> => {
  const [row] = await world.sql<{ count: number }[]>`select count(*)::integer as count from orders`
  return row!.count
}

/**
 * Some ordinary orders are taken, one after the other, while the hostile ones are at it without a pause: who had to wait behind them
 * would wait for ever. How fast depends on the machine, which may also be too slow for the deadline of a request now and then.
 */
const othersAreServed = async (): Promise<void> => {
  for (let i = 0; i < 10; i++) {
    const order = orderBody({ clientOrderId: crypto.randomUUID() })
    await until(async () => (await service.post(order)).status === 202, { what: 'an ordinary order is taken' })
  }
}

/** Begins again whenever it has ended, until the others are served. */
const othersAreServedBeside = async (attack: () => Promise<unknown>): Promise<void> => {
  const over = new AbortController()
  const attacking = (async () => {
    while (!over.signal.aborted) await attack()
  })()
  try {
    await othersAreServed()
  } finally {
    over.abort()
    await attacking
  }
}

afterEach(async () => {
  expect((await service.http('/actuator/health/readiness')).status).toBe(200)
})

describe('a client that sends a byte now and then', () => {
  test('is told that its body came too late; others are served meanwhile, and nothing is stored', async () => {
    const before = await stored()
    const text = JSON.stringify(orderBody())
    await othersAreServedBeside(async () => {
      const connections = await openMany(service.port, 30)
      const dripping = connections.map((connection) => {
        connection.socket.write(jsonHead(`Content-Length: ${text.length}`))
        return drip(connection, text, 200)
      })
      // Long before the last byte is sent, so it was not waited for.
      const answers = await Promise.all(connections.map(({ answer }) => answer))
      expect(answers.map((answer) => statusesIn(answer))).toEqual(answers.map(() => [400]))
      expect(answers[0]).toContain('application/problem+json')
      await Promise.all(dripping)
      await until(() => connections.every(({ isOpen }) => !isOpen()), { what: 'the connections are closed' })
    })
    expect(await stored()).toBe(before + 10)
  })

  test('even in its head, keeps nobody else waiting', async () => {
    const connections = await openMany(service.port, 30)
    const dripping = connections.map((connection) => drip(connection, jsonHead('Content-Length: 2').repeat(9), 100))
    await othersAreServed()
    closeAll(connections)
    await Promise.all(dripping)
  })
})

describe('a body of 1 GiB', () => {
  const part = Buffer.alloc(65_536, 97)
  const chunk = Buffer.concat([Buffer.from('10000\r\n'), part, Buffer.from('\r\n')])
  const unknown = crypto.randomUUID()

  /**
   * Sends `bytes`, and goes on up to a whole GiB until the answer is there, or it is hung up on. Gives the status, whether it came
   * before the last byte, and how far memory rose.
   */
  const attempt = async (head: string, piece: Uint8Array, bytes: number) => {
    const connection = await open(service.port)
    const [before, memory] = [residentMb(service.pid), watchMemory(service.pid, 10)]
    let isAnswered = false
    const answer = connection.answer.then((text) => {
      isAnswered = true
      return text
    })
    connection.socket.write(head)
    const isEnough = (sentBytes: number): boolean => sentBytes >= (isAnswered ? bytes : gib)
    const sent = await flood(connection, { part: piece, isEnough })
    // The answer and the end of the connection may come in one turn.
    const early = isAnswered || sent < gib
    const status = statusesIn(await answer)[0]
    connection.socket.terminate()
    return { status, early, sent, grownMb: memory.stop() - before }
  }

  test.each([
    ['declared', `Content-Length: ${gib}`, part],
    ['in chunks', 'Transfer-Encoding: chunked', chunk],
  ])('%s, is a 413 at once and costs no memory', async (_, line, piece) => {
    const { status, sent, grownMb } = await attempt(jsonHead(line), piece, gib)
    expect(status).toBe(413)
    expect(sent).toBeLessThan(gib / 10)
    expect(grownMb).toBeLessThan(growthMbMax)
  })

  test.each([
    ['a cancel', `POST /orders/${unknown}/cancel`, 404],
    ['a path that is not there', 'POST /nothing', 404],
    ['a method that is not there', 'PUT /orders', 405],
    ['a list', 'GET /orders?limit=1', 200],
  ])(
    'to %s, which reads none, is answered at once and costs no memory however long it goes on',
    async (_, route, statusCode) => {
      for (const [line, piece] of [
        [`Content-Length: ${gib}`, part],
        ['Transfer-Encoding: chunked', chunk],
      ] as const) {
        const { status, early, grownMb } = await attempt(jsonHead(line, route), piece, gib / 8)
        expect({ status, early }).toEqual({ status: statusCode, early: true })
        expect(grownMb).toBeLessThan(growthMbMax)
      }
    },
  )

  test('of another client is its own affair: others are served meanwhile', async () => {
    await othersAreServedBeside(() =>
      Promise.all(
        Array.from({ length: 4 }, () => attempt(jsonHead(`Content-Length: ${gib}`, 'POST /nothing'), part, gib / 8)),
      ),
    )
  })
})

test('10,000 idle connections: the service answers, and has its files back when they are gone', async () => {
  const [files, memory] = [openFiles(service.pid), residentMb(service.pid)]
  // Both ends need a file each; where the limit is lower, as many as it allows.
  const limit = Number(
    /Max open files\s+(\d+)/.exec(
      await Bun.file(`/proc/${service.pid}/limits`)
        .text()
        .catch(() => ''),
    )?.[1] ?? 1_024,
  )
  const count = Math.min(10_000, limit - 500)
  const connections = await openMany(service.port, count)
  await until(() => files === 0 || openFiles(service.pid) >= files + count * 0.99, { what: 'they are all taken' })
  await othersAreServed()
  expect(residentMb(service.pid) - memory).toBeLessThan(growthMbMax)
  closeAll(connections)
  await until(() => openFiles(service.pid) <= files + 10, { what: 'the files are back' })
})

test('heads without end are refused, and cost no memory', async () => {
  const before = residentMb(service.pid)
  for (const head of [`X: ${'x'.repeat(1_000_000)}`, 'X: y\r\n'.repeat(100_000)]) {
    const connection = await open(service.port)
    connection.socket.write(jsonHead(`Content-Length: 0\r\n${head}`))
    const statuses = statusesIn(await connection.answer)
    expect([[], [431]]).toContainEqual(statuses)
    await until(() => !connection.isOpen(), { what: 'the connection is closed' })
  }
  expect(residentMb(service.pid) - before).toBeLessThan(growthMbMax)
})

describe('requests sent ahead of their answers', () => {
  const ahead = async (request: string, count: number): Promise<Connection> => {
    const connection = await open(service.port)
    connection.socket.write(request.repeat(count))
    await until(() => statusesIn(connection.received()).length >= count || !connection.isOpen(), {
      what: 'answers or an end',
    })
    return connection
  }

  test('are answered one by one where the answer needs no database', async () => {
    const connection = await ahead('GET /orders/x HTTP/1.1\r\nHost: orders\r\n\r\n', 500)
    expect(statusesIn(connection.received())).toEqual(Array.from({ length: 500 }, () => 400))
    closeAll([connection])
  })

  // The runtime hangs up on whoever sends the next request while an answer is awaited; no answer may go to the wrong
  // request.
  test('are answered in order or hung up on where it does, and what is stored is stored whole and once', async () => {
    const [user, count] = [crypto.randomUUID(), 20]
    const bodies = Array.from({ length: count }, (_, i) => JSON.stringify(orderBody({ userId: user, quantity: i + 1 })))
    const connection = await open(service.port)
    connection.socket.write(bodies.map((body) => `${jsonHead(`Content-Length: ${body.length}`)}${body}`).join(''))
    await until(() => statusesIn(connection.received()).length >= count || !connection.isOpen(), {
      what: 'answers or an end',
    })
    const answered = [...connection.received().matchAll(/"quantity":(\d+),/g)].map(([, quantity]) => Number(quantity))
    expect(answered).toEqual(answered.map((_, i) => i + 1))
    const rows = await world.sql<
      { quantity: string }[]
    >`select quantity::integer::text as quantity from orders where user_id = ${user} order by id`
    const quantities = rows.map(({ quantity }) => Number(quantity))
    expect(new Set(quantities).size).toBe(quantities.length)
    for (const quantity of answered) expect(quantities).toContain(quantity)
    closeAll([connection])
  })
})

test('clients that ask for much and read nothing keep nobody waiting, and what they held comes back', async () => {
  const [files, before, memory] = [openFiles(service.pid), residentMb(service.pid), watchMemory(service.pid, 20)]
  const connections = await openMany(service.port, 200)
  for (const { socket } of connections) {
    socket.pause()
    socket.write('GET /orders?limit=500 HTTP/1.1\r\nHost: orders\r\n\r\n')
  }
  await othersAreServed()
  expect((await service.http('/orders?limit=1')).status).toBe(200)
  closeAll(connections)
  await until(() => openFiles(service.pid) <= files + 10, { what: 'the files are back' })
  expect(memory.stop() - before).toBeLessThan(3 * growthMbMax)
})
