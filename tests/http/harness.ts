// The real app over the real service over a real database of its own; a test states what it wants different. Every answer is
// checked for what holds for all: a problem always has the same members, success is JSON, and the published document knows its
// status, its headers and its shape.

import { expect } from 'bun:test'
import { applyTrades } from '../../src/app/fill.ts'
import { applyReports } from '../../src/app/report.ts'
import { createService, type Service, type ServiceOptions } from '../../src/app/service.ts'
import { createStreams } from '../../src/app/streams.ts'
import { amountDigits } from '../../src/domain/decimal.ts'
import type { Trade } from '../../src/domain/trade.ts'
import { openPort, type Address, type Listener } from '../../src/http/listener.ts'
import { tooManyRejected } from '../../src/http/orders/problems.ts'
import { createApp, type ServerOptions } from '../../src/http/server.ts'
import { createOpenStreams } from '../../src/http/stream/openStreams.ts'
import type { Log } from '../../src/telemetry/log.ts'
import { noTracing } from '../../src/telemetry/tracing.ts'
import { asyncApiDocument, ordersProto } from '../contracts/documents.ts'
import { answerFaults, type Paths } from '../contracts/judge.ts'
import { aReport, type ReportChanges } from '../support/builders.ts'
import { createDatabase, servicePools, type TestDatabase } from '../support/database.ts'
import { plainOrder } from '../support/orderBody.ts'
import { createFakeFollow } from './stream/fakeFollow.ts'

export type Answer = { status: number; headers: Headers; text: string }
export type Call = { body?: string | object; headers?: Record<string, string> }

/** A log that keeps its lines. */
export const createTestLog = () => {
  const lines: { level: string; message: string; fields: unknown }[] = []
  const at = (level: string) => (message: string, fields?: unknown) => void lines.push({ level, message, fields })
  const log: Log = {
    debugging: false,
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    rarely: () => undefined,
  }
  return { log, lines }
}

const up = { status: 'UP' as const, details: {} }

/** The options of a server that is up; `service` may be left out where no order is asked for. */
export const serverOptions = (changed: Partial<ServerOptions> = {}): ServerOptions => ({
  service: {} as Service,
  unknownFields: 'refuse',
  javaCompatibility: false,
  bodyMaxBytes: 65_536,
  batchBodyMaxBytes: 1_048_576,
  amountDigits,
  bodyDeadlineMs: 20_000,
  started: () => true,
  draining: () => false,
  corsOrigins: [],
  health: {
    phase: () => 'serving',
    components: () => ({ db: up, kafka: up, outbox: up }),
    info: () => ({ name: 'orders', version: 'test', commit: 'none' }),
  },
  metrics: () => 'orders_outbox_rows 1\n',
  contracts: { version: 'test', asyncApi: asyncApiDocument, proto: ordersProto },
  blotter: () => Promise.resolve({ 'page.js': 'void 0', 'page.css': 'body { margin: 0 }', 'feed.js': '' }),
  log: createTestLog().log,
  observe: () => undefined,
  tracing: noTracing,
  now: () => new Date(),
  idleTimeoutMs: 120_000,
  answerMaxMs: 21_000,
  streams: createStreams({ follow: createFakeFollow({ ends: true }).follow, max: 1_000, perCallerMax: 100 }),
  openStreams: createOpenStreams(),
  observeStream: { onEvents: () => undefined, onReset: () => undefined, onEnd: () => undefined },
  eventsPageMax: 1_000,
  heartbeatMs: 15_000,
  random: () => 0,
  ...changed,
})

const problemMembers = ['type', 'title', 'status', 'detail', 'code', 'message', 'errors', 'timestamp', 'error', 'path']

/** The app on a port of this machine, any free one by default. */
export const startServer = (
  options: ServerOptions,
  { port = 0, hostname = '127.0.0.1', tls }: Partial<Address> = {},
): Listener => openPort(createApp(options), { port, hostname, tls, idleTimeoutMs: options.idleTimeoutMs })

/** The reason phrases that clients of the Java service know. */
const reasons: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  410: 'Gone',
  412: 'Precondition Failed',
  413: 'Payload Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Entity',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
}

/** What holds for every problem, whatever it says. */
const checkProblem = ({ status, headers, text }: Answer): void => {
  expect(headers.get('content-type')).toBe('application/problem+json')
  const body = JSON.parse(text) as Record<string, unknown>
  const own = ['orderStatus', 'reason', 'order'].filter((name) => body[name] !== undefined)
  expect(Object.keys(body)).toEqual([...problemMembers, ...own])
  expect(body).toMatchObject({ status, message: body['detail'] as string })
  expect(body['type']).toMatch(/^urn:orders:problem:[a-z-]+$/)
  expect(body['title']).toMatch(/^[A-Z]/)
  expect(body['timestamp']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  expect(body['error']).toBe(reasons[status])
  for (const fault of body['errors'] as object[]) expect(Object.keys(fault)).toEqual(['pointer', 'detail'])
  const isToRetry = body['code'] === 'OVERLOADED' || body['code'] === 'RATE_LIMITED'
  const wait = body['title'] === 'Too many streams' ? '5' : '1'
  if (body['detail'] === tooManyRejected(1).detail) expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
  else expect(headers.get('retry-after')).toBe(isToRetry ? wait : null)
}

/** Reads an answer and checks what holds for all of them. */
export const readAnswer = async (response: Response): Promise<Answer> => {
  const answer = { status: response.status, headers: response.headers, text: await response.text() }
  if (response.status >= 400 && answer.text.startsWith('{"type"')) checkProblem(answer)
  return answer
}

type Handles = { handle: (request: Request) => Promise<Response> }

/**
 * Calls `app` without a socket. A body that is an object is sent as its JSON, a string as it is. `paths`: of the document that the
 * answers are held against, where it is not the usual one.
 */
export const callerOf =
  (app: Handles, paths?: Paths) =>
  async (method: string, path: string, { body, headers = {} }: Call = {}): Promise<Answer> => {
    const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' }
    const text = typeof body === 'object' ? JSON.stringify(body) : body
    const init = { method, headers: { ...type, ...headers }, ...(text === undefined ? {} : { body: text }) }
    const answer = await readAnswer(await app.handle(new Request(`http://localhost${path}`, init)))
    expect(answerFaults({ method, path, ...answer }, paths)).toEqual([])
    return answer
  }

export type Harness = {
  database: TestDatabase
  service: Service
  call: ReturnType<typeof callerOf>
  /** Places an order, which must be accepted; returns its JSON. */
  place: (changed?: object) => Promise<OrderJson>
  /** Applies trades, one after the other, as the consumer does. */
  trade: (...trades: Partial<Trade>[]) => Promise<string[]>
  /** Applies reports of the engine, as their consumer does. */
  report: (...reports: ReportChanges[]) => Promise<string[]>
  /** Sets the clock of the service; undefined: the real one. */
  setClock: (at: Date | undefined) => void
  count: (table: 'orders' | 'order_keys' | 'outbox' | 'ingested_fills') => Promise<number>
  /** Bugs that the service reported; a test that makes some takes them out. */
  bugs: unknown[]
  log: ReturnType<typeof createTestLog>
  close: () => Promise<void>
}

export type OrderJson = Record<string, unknown> & { id: string; userId: string; status: string; createdAt: string }

export { plainOrder as orderBody }

/** The JSON text of orderBody with members replaced or added by their JSON source. */
export const orderText = (sources: Record<string, string> = {}): string => {
  const own = Object.entries(plainOrder).map(([name, value]) => [name, JSON.stringify(value)])
  const members = Object.entries({ ...Object.fromEntries(own), ...sources } as Record<string, string>)
  return `{${members.map(([name, source]) => `${JSON.stringify(name)}:${source}`).join(',')}}`
}

const limits = { batchMax: 256, lanes: 2, queueMax: 10_000, deadlineMs: 40_000 }
const newId = (at: Date): string => Bun.randomUUIDv7('hex', at.getTime())

/** `service`, `server`: what is different from the usual. */
export const openHarness = async ({
  service: changedService = () => ({}),
  server = {},
}: {
  service?: (database: TestDatabase) => Partial<ServiceOptions>
  server?: Partial<ServerOptions>
} = {}): Promise<Harness> => {
  const database = await createDatabase()
  const pool = database.open()
  const bugs: unknown[] = []
  const log = createTestLog()
  let clock: Date | undefined
  let offset = 0n
  const now = (): Date => clock ?? new Date()
  const service = createService({
    pools: servicePools(database),
    limits,
    now,
    newId,
    expiresAt: () => null,
    accepting: () => true,
    onCommitted: () => undefined,
    onBug: (error) => bugs.push(error),
    log: log.log,
    ...changedService(database),
  })
  const call = callerOf(createApp(serverOptions({ service, log: log.log, ...server })))
  return {
    database,
    service,
    call,
    bugs,
    log,
    async place(changed = {}) {
      const answer = await call('POST', '/orders', { body: { ...plainOrder, ...changed } })
      expect(answer.status).toBe(202)
      return JSON.parse(answer.text) as OrderJson
    },
    async trade(...trades) {
      const received = trades.map((trade) => ({
        trade: {
          tradeId: `T-${offset}`,
          ticker: 'AAPL',
          quantity: 1_00000000n,
          price: 150_00000000n,
          tradedAt: '2026-01-02T03:04:05.678000Z',
          sides: [],
          ...trade,
        },
        source: { topic: 'trade.executed.v1', partition: 0, offset: offset++ },
        key: null,
        message: new Uint8Array([123, 125]),
      }))
      const context = {
        now,
        newId,
        signal: new AbortController().signal,
        onRetry: (error: unknown) => bugs.push(error),
      }
      const outcomes = await applyTrades(pool, received, context)
      return outcomes.map(({ disposition }) => disposition)
    },
    async report(...reports) {
      const context = {
        now,
        newId,
        signal: new AbortController().signal,
        onRetry: (error: unknown) => bugs.push(error),
      }
      const received = reports.map((changes) => aReport(changes))
      return (await applyReports(pool, received, context)).map(({ disposition }) => disposition)
    },
    setClock: (at) => (clock = at),
    async count(table) {
      const [row] = await database.sql<{ n: number }[]>`select count(*)::integer as n from ${database.sql(table)}`
      return row!.n
    },
    async close() {
      service.close()
      await database.drop()
      expect(bugs).toEqual([])
    },
  }
}

/** The body of an answer as JSON. */
export const bodyOf = (answer: Answer): Record<string, unknown> => JSON.parse(answer.text) as Record<string, unknown>

/** What an answer refuses: its status, code and the pointers of its faults. */
export const refusal = (answer: Answer) => {
  const { code, errors } = bodyOf(answer) as { code: string; errors: { pointer: string }[] }
  return { status: answer.status, code, pointers: errors.map((fault) => fault.pointer) }
}

export const badRequest = (...pointers: string[]) => ({ status: 400, code: 'BAD_REQUEST', pointers })
