// L4: what Elysia on one core can answer at all. It reads and validates a body exactly as the service does and sends it back, or reads
// an id and answers with one order that it always has at hand: no database, no Kafka. A process of its own: `startEcho` runs this file.

import { Elysia } from 'elysia'
import { amountDigits } from '../../src/domain/decimal.ts'
import { canonicalUuid } from '../../src/domain/ids.ts'
import { decodePlaceOrder } from '../../src/http/orders/decode.ts'
import { freePort } from '../stack/ports.ts'
import { startServer } from '../stack/server.ts'

const headers = { 'content-type': 'application/json' }

/** As long as the answer of the service. */
const order = JSON.stringify({
  id: '01901000-1001-7000-8000-000000000000',
  userId: '0b5e0000-0000-4000-8000-000000001000',
  clientOrderId: null,
  ticker: 'T100',
  side: 'BUY',
  type: 'LIMIT',
  timeInForce: 'GTC',
  quantity: 1_000_000,
  price: 100.25,
  status: 'PARTIALLY_FILLED',
  filledQuantity: 40,
  remainingQuantity: 999_960,
  lastFillPrice: 100.25,
  averageFillPrice: 100.25,
  createdAt: '2024-06-10T09:46:29.633Z',
  updatedAt: '2024-06-10T09:46:29.633Z',
  version: 1,
})

const serveEcho = (port: number): void => {
  new Elysia({ normalize: false })
    .post(
      '/orders',
      async ({ request }) => {
        const body = await request.text()
        const decoded = decodePlaceOrder(body, {
          key: request.headers.get('idempotency-key'),
          unknownFields: 'refuse',
          callerId: null,
          amountDigits,
        })
        return new Response(body, { status: decoded.ok ? 202 : 400, headers })
      },
      { parse: 'none' },
    )
    .get('/orders/:id', ({ params }) =>
      canonicalUuid(params.id) === null ? new Response(null, { status: 400 }) : new Response(order, { headers }),
    )
    .listen({ port, hostname: '127.0.0.1' })
}

export const startEcho = async (logFile: string): Promise<AsyncDisposable & { pid: number; url: string }> => {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const server = await startServer({
    name: 'the echo server',
    command: [process.execPath, import.meta.path, `${port}`],
    env: { NODE_ENV: 'production' },
    output: { file: logFile },
    askToStop: 'SIGKILL',
    stopLimitMs: 5_000,
    readyLimitMs: 10_000,
    isReady: async () => (await fetch(`${url}/orders/01901000-1001-7000-8000-000000000000`)).ok,
  })
  return { pid: server.pid, url, [Symbol.asyncDispose]: () => server.stop() }
}

if (import.meta.main) serveEcho(Number(process.argv[2]))
