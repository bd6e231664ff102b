// Settings of the HTTP side: where it listens, what it accepts, how requests share transactions, and how the process stops.

import { amountDigits } from '../domain/decimal.ts'
import { flag, int, ms, oneOf, origins, text, type Reader } from './readers.ts'
import type { Setting, ValuesOf } from './setting.ts'
import { serverTlsSettings } from './transport.ts'

export const serverSettings = {
  SERVER_PORT: { read: int(8085, 0, 65_535), note: 'The port for HTTP. `0` takes a free one.' },
  SERVER_HOST: {
    read: text('0.0.0.0', /^[A-Za-z0-9.:_-]+$/, 'must be an address or a host name'),
    note: 'The address to listen on.',
  },
  SERVER_REUSE_PORT: {
    read: flag(false),
    note: '`true` lets several processes on one Linux machine listen on `SERVER_PORT`, to use more than one core; each needs a `MANAGEMENT_PORT` of its own. See [operating](operating.md#several-processes-on-one-port).',
  },
  ...serverTlsSettings,
  // Bun counts to 255 s.
  SERVER_IDLE_TIMEOUT_MS: {
    read: ms(120_000, 1_000, 255_000),
    note: 'A silent connection is closed after this time, at most 8 s later; at most 255000. Keep it longer than the time-out of proxies in front (most: 60 s).',
  },
  CORS_ALLOWED_ORIGINS: {
    read: origins,
    note: 'Origins whose pages may call from a browser, such as `https://desk.example.com`, comma-separated.',
  },
  BLOTTER: {
    read: flag(true),
    note: 'Whether `/` serves [the blotter](operating.md#the-blotter), the page that shows orders as they change. `false`: `404`.',
  },
  MANAGEMENT_PORT: {
    read: int(0, 0, 65_535),
    note: '`/actuator/*` and `/metrics` move to this port. `0`: they stay on `SERVER_PORT`.',
  },
  MANAGEMENT_HOST: {
    read: text('127.0.0.1', /^[A-Za-z0-9.:_-]+$/, 'must be an address or a host name'),
    note: 'The address of `MANAGEMENT_PORT`. In a container set `0.0.0.0`, and keep the port off the internet.',
  },
} as const satisfies Readonly<Record<string, Setting<unknown>>>

/** What does not fit together: a shared port says nothing of one process, so health and metrics need a port that is not shared. */
export const serverFaults = (values: ValuesOf<typeof serverSettings>): string[] => {
  const { SERVER_PORT, SERVER_REUSE_PORT, MANAGEMENT_PORT } = values
  const faults: string[] = []
  if (MANAGEMENT_PORT !== 0 && MANAGEMENT_PORT === SERVER_PORT)
    faults.push('MANAGEMENT_PORT must differ from SERVER_PORT, or be left out')
  if (SERVER_REUSE_PORT && SERVER_PORT === 0)
    faults.push('SERVER_REUSE_PORT needs a SERVER_PORT that all processes name: 0 is another one in each')
  if (SERVER_REUSE_PORT && MANAGEMENT_PORT === 0)
    faults.push(
      'SERVER_REUSE_PORT needs a MANAGEMENT_PORT, another one in each process: health and metrics are those of one',
    )
  return faults
}

const javaCompatibility = flag(false)

/** The Java service ignored what it did not know; its own key decides where it is set. */
const unknownFields: Reader<'refuse' | 'ignore'> = (key, env, faults) =>
  oneOf(['refuse', 'ignore'], javaCompatibility('JAVA_COMPATIBILITY', env, []) ? 'ignore' : 'refuse')(key, env, faults)

export const requestSettings = {
  JAVA_COMPATIBILITY: {
    read: javaCompatibility,
    note: '`true` answers as the Java service did where its clients may lean on it: [what it changes](java.md#the-switch). It changes the default of the next key to `ignore`.',
  },
  ORDERS_UNKNOWN_FIELDS: {
    read: unknownFields,
    note: '`ignore` takes the extra members and parameters that clients of the Java service may send.',
  },
  AMOUNT_INTEGER_DIGITS_MAX: {
    read: int(amountDigits.integer, 1, amountDigits.integer),
    note: 'How many digits quantity and price of a new order may have before the point, where neighbours keep fewer. Trades are read in full.',
  },
  AMOUNT_FRACTION_DIGITS_MAX: {
    read: int(amountDigits.fraction, 0, amountDigits.fraction),
    note: 'The same behind the point. Trailing zeros do not count.',
  },
  BODY_MAX_BYTES: { read: int(65_536, 1_024, 16_777_216), note: 'A larger body is a `413`.' },
  BATCH_BODY_MAX_BYTES: {
    read: int(1_048_576, 1_024, 16_777_216),
    note: 'The same for the body of `POST /orders/batch`.',
  },
  REQUEST_DEADLINE_MS: {
    read: ms(5_000, 100, 25_000),
    note: 'A request is answered within this time. Reading the body, queueing and retries are included.',
  },
  BATCH_MAX_ORDERS: {
    read: int(256, 1, 5_000),
    note: 'How many requests may share a transaction. The orders of one `POST /orders/batch` share one always.',
  },
  BATCH_LANES: {
    read: int(2, 1, 16),
    note: 'How many transactions of one kind run at a time, at most. A further one that writes starts once the one before has run for 8 ms, or a quarter of `BATCH_MAX_ORDERS` waits.',
  },
  QUEUE_MAX_REQUESTS: {
    read: int(10_000, 1, 1_000_000),
    note: 'How many requests of one kind may wait. One more is a `503`, and so is a whole batch of orders that finds no room: keep it above 256.',
  },
} as const satisfies Readonly<Record<string, Setting<unknown>>>

export const shutdownSettings = {
  SHUTDOWN_READINESS_DELAY_MS: {
    read: ms(1_000, 0, 60_000),
    note: 'The time between readiness going down and the port closing.',
  },
  SHUTDOWN_DEADLINE_MS: {
    read: ms(20_000, 100, 600_000),
    note: 'Draining may take this long. What is not done by then is given up, with exit code 1.',
  },
} as const satisfies Readonly<Record<string, Setting<unknown>>>
