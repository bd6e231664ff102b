// Proves: the environment becomes one frozen object with the defaults of the contract, or one list of every fault, which contains
// no secret.

import { describe, expect, test } from 'bun:test'
import { readConfig, settings, type Config } from '../../src/config/config.ts'
import type { Env } from '../../src/config/env.ts'

const database = { DATABASE_URL: 'postgres://app:hunter2@db:5432/orders' }
const faultsOf = (env: Env): string[] => {
  const result = readConfig({ ...database, ...env })
  return result.ok ? [] : result.faults
}
const configOf = (env: Env = {}): Config => {
  const result = readConfig({ ...database, ...env })
  if (!result.ok) throw new Error(result.faults.join('; '))
  return result.config
}

describe('the defaults', () => {
  test('are those of the contract', () => {
    expect(configOf()).toMatchObject({
      SERVER_PORT: 8085,
      SERVER_IDLE_TIMEOUT_MS: 120_000,
      KAFKA_BOOTSTRAP_SERVERS: ['redpanda:9092'],
      KAFKA_CONSUMER_GROUP: 'orders-exec-consumer',
      KAFKA_TOPIC_ORDER_PLACED: 'order.placed.v1',
      KAFKA_TOPIC_ORDER_CANCELLED: 'order.cancelled.v1',
      KAFKA_TOPIC_TRADE_EXECUTED: 'trade.executed.v1',
      KAFKA_TOPIC_TRADE_DLQ: 'trade.executed.v1.dlq',
      TRADE_UNKNOWN_TO_DLQ: true,
      JAVA_COMPATIBILITY: false,
      ORDERS_UNKNOWN_FIELDS: 'refuse',
      BODY_MAX_BYTES: 64 * 1024,
      BATCH_BODY_MAX_BYTES: 1024 * 1024,
      OUTBOX_MAX_ROWS: 2_000_000,
      OUTBOX_MAX_AGE_MS: 15 * 60_000,
      SESSION_CLOSE: '00:00',
      SESSION_TIME_ZONE: 'UTC',
      SESSION_DAYS: ['MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT', 'SUN'],
      ENGINE_FEATURES: [],
      REJECTED_PER_MINUTE_MAX: 600,
      GTC_MAX_DAYS: 0,
      GTD_MAX_DAYS: 366,
      EXPIRY_SETTLE_MS: 2_000,
      IMMEDIATE_GRACE_MS: 0,
    })
  })

  test('stand for a variable that is empty or blank', () => {
    const blank = Object.fromEntries(Object.keys(settings).map((key, i) => [key, i % 2 === 0 ? '' : ' ']))
    expect(configOf(blank)).toEqual(configOf())
  })

  test('nothing but the address of the database is required', () => {
    expect(readConfig({})).toEqual({
      ok: false,
      faults: ['DATABASE_URL (or SPRING_DATASOURCE_URL) is required: postgres://user:password@host:port/database'],
    })
  })

  test('the object is frozen', () => {
    expect(Object.isFrozen(configOf())).toBeTrue()
  })
})

describe('a value that is given', () => {
  test('is read without the spaces around it', () => {
    expect(
      configOf({
        SERVER_PORT: ' 80 ',
        LOG_LEVEL: 'WARN',
        DB_MIGRATE: 'False',
        TRADE_UNKNOWN_TO_DLQ: 'false',
        ORDERS_UNKNOWN_FIELDS: 'ignore',
        KAFKA_BOOTSTRAP_SERVERS: 'a:9092, b.example:19092 ,[::1]:9092',
        KAFKA_TOPIC_TRADE_EXECUTED: 'trades_2-x.V1',
        KAFKA_CONSUMER_GROUP: 'g',
        CORS_ALLOWED_ORIGINS: 'https://desk.example.com, http://localhost:3000',
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
        OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20x, x-tenant=a.b',
        OTEL_TRACES_SAMPLER_ARG: '0.25',
      }),
    ).toMatchObject({
      SERVER_PORT: 80,
      LOG_LEVEL: 'warn',
      DB_MIGRATE: false,
      TRADE_UNKNOWN_TO_DLQ: false,
      ORDERS_UNKNOWN_FIELDS: 'ignore',
      KAFKA_BOOTSTRAP_SERVERS: ['a:9092', 'b.example:19092', '[::1]:9092'],
      KAFKA_TOPIC_TRADE_EXECUTED: 'trades_2-x.V1',
      KAFKA_CONSUMER_GROUP: 'g',
      CORS_ALLOWED_ORIGINS: ['https://desk.example.com', 'http://localhost:3000'],
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20x, x-tenant=a.b',
      OTEL_TRACES_SAMPLER_ARG: 0.25,
    })
  })

  test('of ENGINE_FEATURES is a list in any order', () => {
    const featuresOf = (list: string) => configOf({ ENGINE_FEATURES: list }).ENGINE_FEATURES
    expect(featuresOf('reports, display,post-only')).toEqual(['reports', 'display', 'post-only'])
    expect(featuresOf('display')).toEqual(['display'])
  })

  test('of KAFKA_TOPICS_CREATE is a list of topics, each with what it says of itself', () => {
    const topicsOf = (list: string) => configOf({ KAFKA_TOPICS_CREATE: list }).KAFKA_TOPICS_CREATE
    expect(topicsOf('order.placed.v1.DLT, transaction.recorded.v1:12,trades.DLT:6:3')).toEqual([
      { name: 'order.placed.v1.DLT', partitions: null, replicas: null },
      { name: 'transaction.recorded.v1', partitions: 12, replicas: null },
      { name: 'trades.DLT', partitions: 6, replicas: 3 },
    ])
    // It is created only with reports, so it may be named without them.
    expect(topicsOf('order.report.v1')).toHaveLength(1)
  })

  test('is ignored if no setting has its name', () => {
    expect(configOf({ PATH: '/bin', KAFKA_TOPIC_OTHER: '?' })).toEqual(configOf())
  })
})

describe('a fault', () => {
  const further = (item: number) =>
    `KAFKA_TOPICS_CREATE must be topics, comma-separated, each as name, name:partitions (to 10000) or name:partitions:replication (to 100): item ${item} is none`
  const port = 'SERVER_PORT must be a whole number from 0 to 65535'
  const servers = 'KAFKA_BOOTSTRAP_SERVERS must be host:port, comma-separated'
  const origin = 'CORS_ALLOWED_ORIGINS must be origins such as https://desk.example.com, comma-separated'
  const headers = 'OTEL_EXPORTER_OTLP_HEADERS must be name=value, comma-separated, values percent-encoded'
  test.each([
    ['SERVER_PORT', 'http', port],
    ['SERVER_PORT', '65536', port],
    ['SERVER_PORT', '-1', port],
    ['SERVER_PORT', '80.5', port],
    ['SERVER_PORT', '1e3', port],
    ['SERVER_PORT', '0x50', port],
    ['BODY_MAX_BYTES', '64k', 'BODY_MAX_BYTES must be a whole number from 1024 to 16777216'],
    ['LOG_LEVEL', 'loud', 'LOG_LEVEL must be one of debug, info, warn, error'],
    ['DB_MIGRATE', 'yes', 'DB_MIGRATE must be one of true, false'],
    ['KAFKA_TOPICS_CREATE', 'a,', further(2)],
    ['KAFKA_TOPICS_CREATE', 'a b', further(1)],
    ['KAFKA_TOPICS_CREATE', 'a,b:0', further(2)],
    ['KAFKA_TOPICS_CREATE', 'a:10001', further(1)],
    ['KAFKA_TOPICS_CREATE', 'a:6:101', further(1)],
    ['KAFKA_TOPICS_CREATE', 'a:6:3:1', further(1)],
    ['KAFKA_TOPICS_CREATE', 'a:6,b,a', 'KAFKA_TOPICS_CREATE names a topic twice'],
    [
      'KAFKA_TOPICS_CREATE',
      'order.placed.v1',
      'KAFKA_TOPICS_CREATE names a topic of this service: leave it out, it is created anyway',
    ],
    ['ORDERS_UNKNOWN_FIELDS', 'drop', 'ORDERS_UNKNOWN_FIELDS must be one of refuse, ignore'],
    ['KAFKA_BOOTSTRAP_SERVERS', 'redpanda', servers],
    ['KAFKA_BOOTSTRAP_SERVERS', 'a:9092,,b:9092', servers],
    ['KAFKA_BOOTSTRAP_SERVERS', 'kafka://a:9092', servers],
    ['KAFKA_BOOTSTRAP_SERVERS', 'a:0', servers],
    ['KAFKA_BOOTSTRAP_SERVERS', 'a,b,c:99999', servers],
    ['CORS_ALLOWED_ORIGINS', '*', origin],
    ['CORS_ALLOWED_ORIGINS', 'https://a.example,https://b.example/', origin],
    ['CORS_ALLOWED_ORIGINS', 'desk.example.com', origin],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318', 'OTEL_EXPORTER_OTLP_ENDPOINT must be an http or https URL'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'token', headers],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'a=b,c', headers],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'a=b%zz', headers],
    ['OTEL_TRACES_SAMPLER_ARG', '1.5', 'OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1'],
    ['OTEL_TRACES_SAMPLER_ARG', '-0', 'OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1'],
    [
      'KAFKA_TOPIC_TRADE_DLQ',
      'trades/dead',
      'KAFKA_TOPIC_TRADE_DLQ must be a topic name: 1 to 249 of A-Z a-z 0-9 . _ -',
    ],
    [
      'KAFKA_TOPIC_TRADE_DLQ',
      'order.placed.v1',
      'KAFKA_TOPIC_ORDER_PLACED and KAFKA_TOPIC_TRADE_DLQ must differ: each topic has one use',
    ],
    ['SESSION_CLOSE', '24:00', 'SESSION_CLOSE must be HH:MM, from 00:00 to 23:59'],
    ['SESSION_CLOSE', '9:30', 'SESSION_CLOSE must be HH:MM, from 00:00 to 23:59'],
    ['SESSION_TIME_ZONE', 'Europe/Atlantis', 'SESSION_TIME_ZONE must be a time zone such as Europe/London'],
    ['SESSION_DAYS', 'MON,Feiertag', 'SESSION_DAYS must be some of MON, TUE, WED, THU, FRI, SAT, SUN, comma-separated'],
    ['ENGINE_FEATURES', 'icebergs', 'ENGINE_FEATURES must be some of display, post-only, reports, comma-separated'],
    ['ENGINE_FEATURES', 'reports,', 'ENGINE_FEATURES must be some of display, post-only, reports, comma-separated'],
    ['ENGINE_FEATURES', 'post-only', 'ENGINE_FEATURES has post-only, which needs reports'],
    ['ENGINE_FEATURES', 'display,post-only', 'ENGINE_FEATURES has post-only, which needs reports'],
    ['REJECTED_PER_MINUTE_MAX', '0', 'REJECTED_PER_MINUTE_MAX must be a whole number from 1 to 1000000'],
    ['GTD_MAX_DAYS', '0', 'GTD_MAX_DAYS must be a whole number from 1 to 36500'],
    ['DB_LOCK_TIMEOUT_MS', '3000', 'DB_LOCK_TIMEOUT_MS must be below DB_STATEMENT_TIMEOUT_MS'],
  ])('%s=%s: %s', (key, value, fault) => {
    expect(faultsOf({ [key]: value })).toEqual([fault])
  })

  test.each<[Env, string[]]>([
    [
      { AUTH_JWKS_FILE: '/k' },
      [
        'AUTH_JWT_ISSUER is required with AUTH_JWKS_URL or AUTH_JWKS_FILE',
        'AUTH_JWT_AUDIENCE is required with AUTH_JWKS_URL or AUTH_JWKS_FILE',
      ],
    ],
    [{ AUTH_JWT_ISSUER: 'x' }, ['AUTH_JWT_ISSUER needs AUTH_JWKS_URL or AUTH_JWKS_FILE']],
    [
      { AUTH_JWKS_FILE: '/k', AUTH_JWKS_URL: 'https://a/k', AUTH_JWT_ISSUER: 'x', AUTH_JWT_AUDIENCE: 'y' },
      ['AUTH_JWKS_URL and AUTH_JWKS_FILE are given: set one of them'],
    ],
    [{ AUTH_JWKS_URL: 'file:///etc/passwd' }, ['AUTH_JWKS_URL must be an http(s) address without user and password']],
    [
      { AUTH_JWKS_URL: 'https://me:hunter2@a/k' },
      ['AUTH_JWKS_URL must be an http(s) address without user and password'],
    ],
    ...['none', 'HS256', 'RS256,none', 'RS256,,ES256', 'rs256'].map((names): [Env, string[]] => [
      { AUTH_JWT_ALGORITHMS: names },
      [
        'AUTH_JWT_ALGORITHMS must be some of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519, comma-separated',
      ],
    ]),
    [{ RATE_LIMIT_TOTAL_BURST: '5' }, ['RATE_LIMIT_TOTAL_BURST needs RATE_LIMIT_TOTAL_PER_SECOND']],
    [
      { RATE_LIMIT_PER_SUBJECT_PER_SECOND: '5' },
      ['RATE_LIMIT_PER_SUBJECT_PER_SECOND needs authentication, or RATE_LIMIT_BY_ADDRESS=true'],
    ],
    [{ RATE_LIMIT_PER_SUBJECT_PER_SECOND: '5', RATE_LIMIT_BY_ADDRESS: 'true' }, []],
    [{ RATE_LIMIT_PER_SUBJECT_PER_SECOND: '5', AUTH_API_KEYS_FILE: '/k' }, []],
    [{ MANAGEMENT_PORT: '8085' }, ['MANAGEMENT_PORT must differ from SERVER_PORT, or be left out']],
    [{ SERVER_REUSE_PORT: 'true', MANAGEMENT_PORT: '9101' }, []],
    [
      { SERVER_REUSE_PORT: 'true', SERVER_PORT: '0' },
      [
        'SERVER_REUSE_PORT needs a SERVER_PORT that all processes name: 0 is another one in each',
        'SERVER_REUSE_PORT needs a MANAGEMENT_PORT, another one in each process: health and metrics are those of one',
      ],
    ],
    [
      {
        AUTH_JWKS_URL: 'https://login.example/keys?v=1',
        AUTH_JWT_ISSUER: 'x',
        AUTH_JWT_AUDIENCE: 'y',
        AUTH_JWT_ALGORITHMS: 'ES384, EdDSA',
      },
      [],
    ],
  ])('of access: %j', (env, faults) => {
    expect(faultsOf(env)).toEqual(faults)
  })

  test('names its key, for every key that there is', () => {
    for (const key of Object.keys(settings)) {
      const faults = faultsOf({ [key]: '\u0001 ?' })
      expect(faults).toHaveLength(1)
      expect(faults[0]).toStartWith(`${key} must be`)
    }
  })

  test('does not hide another one: all are listed at once', () => {
    const wrong = Object.fromEntries(Object.keys(settings).map((key) => [key, `\u0001 ${key}`]))
    const result = readConfig({ ...wrong, SPRING_DATASOURCE_URL: 'jdbc:mysql://db/orders' })
    if (result.ok) throw new Error('accepted')
    expect(result.faults.map((fault) => fault.split(' ')[0]!)).toEqual([
      ...Object.keys(settings),
      'SPRING_DATASOURCE_URL',
    ])
  })

  test('of the database is listed with the others', () => {
    expect(readConfig({ SERVER_PORT: 'x', LOG_LEVEL: 'x' })).toMatchObject({
      ok: false,
      faults: [
        port,
        'LOG_LEVEL must be one of debug, info, warn, error',
        'DATABASE_URL (or SPRING_DATASOURCE_URL) is required: postgres://user:password@host:port/database',
      ],
    })
  })

  test('never holds what was given, which may be a secret put in the wrong place', () => {
    for (const key of Object.keys(settings))
      expect(faultsOf({ [key]: 'hunter2 \u0001' }).join('\n')).not.toContain('hunter2')
  })
})

describe('quotes around a value', () => {
  const words = 'is in quotes, which belong to its value: leave them out'

  test('are named beside the faults that they make', () => {
    expect(faultsOf({ DATABASE_URL: `"${database.DATABASE_URL}"`, LOG_LEVEL: "'info'" })).toEqual([
      'LOG_LEVEL must be one of debug, info, warn, error',
      'DATABASE_URL must have the form postgres://user:password@host:port/database, special characters percent-encoded',
      `DATABASE_URL ${words}`,
      `LOG_LEVEL ${words}`,
    ])
  })

  test('of a value that can be used with them are a warning', () => {
    const { KAFKA_CONSUMER_GROUP, warnings } = configOf({ KAFKA_CONSUMER_GROUP: '"orders-exec-consumer"' })
    expect({ KAFKA_CONSUMER_GROUP, warnings }).toEqual({
      KAFKA_CONSUMER_GROUP: '"orders-exec-consumer"',
      warnings: [`KAFKA_CONSUMER_GROUP ${words}`],
    })
  })

  test('may belong to a password, and one at one end is no pair', () => {
    const env = { KAFKA_SECURITY_PROTOCOL: 'SASL_SSL', KAFKA_SASL_MECHANISM: 'PLAIN', KAFKA_SASL_USERNAME: '"orders' }
    expect(configOf({ ...env, KAFKA_SASL_PASSWORD: '"pw"' }).warnings).toEqual([])
  })
})

test('a port that Kubernetes set to the address of a Service says where that comes from', () => {
  expect(faultsOf({ FIX_PORT: 'tcp://10.0.0.1:9880' })).toEqual([
    'FIX_PORT must be a whole number from 0 to 65535: Kubernetes sets it to the address of a Service of that name; set it yourself, or enableServiceLinks: false',
  ])
})
