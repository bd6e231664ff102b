// Proves: liveness looks at nothing outside, readiness says whether requests can be served, and health says which part is not
// well, in every phase.

import { describe, expect, test } from 'bun:test'
import type { Component, Phase } from '../../../src/http/operators/health.ts'
import { createApp } from '../../../src/http/server.ts'
import { bodyOf, callerOf, serverOptions } from '../harness.ts'

type State = { phase?: Phase; db?: Component['status']; kafka?: Component['status']; outbox?: Component['status'] }

const component = (status: Component['status'] = 'UP', detail = 'answers'): Component => ({
  status,
  details: { detail },
})

const healthOf = (state: State, part = '') => {
  const health = {
    phase: () => state.phase ?? 'serving',
    components: () => ({ db: component(state.db), kafka: component(state.kafka), outbox: component(state.outbox) }),
    info: () => ({ name: 'orders', version: '1.2.3', commit: 'none' }),
  }
  return callerOf(createApp(serverOptions({ health })))('GET', `/actuator/health${part}`)
}

const phases = ['starting', 'serving', 'draining'] as const
const states = ['UP', 'DEGRADED', 'DOWN'] as const
const everything = phases.flatMap((phase) =>
  states.flatMap((db) => states.flatMap((kafka) => states.map((outbox) => ({ phase, db, kafka, outbox })))),
)

describe('the whole', () => {
  const whole = async (state: State) => {
    const answer = await healthOf(state)
    return [answer.status, bodyOf(answer)['status']]
  }

  test('is UP while all is well', async () => {
    const answer = await healthOf({})
    expect(answer.text).toBe(
      '{"status":"UP","components":{"db":{"status":"UP","details":{"detail":"answers"}},' +
        '"kafka":{"status":"UP","details":{"detail":"answers"}},"outbox":{"status":"UP","details":{"detail":"answers"}}}}',
    )
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/json'])
    expect(answer.headers.get('cache-control')).toBe('no-store')
  })

  test('is DEGRADED, and still 200, while Kafka is away or the outbox bound is passed', async () => {
    expect(await whole({ kafka: 'DOWN' })).toEqual([200, 'DEGRADED'])
    expect(await whole({ kafka: 'DEGRADED' })).toEqual([200, 'DEGRADED'])
    expect(await whole({ outbox: 'DEGRADED' })).toEqual([200, 'DEGRADED'])
    expect(await whole({ kafka: 'DOWN', outbox: 'DEGRADED' })).toEqual([200, 'DEGRADED'])
  })

  test('is DOWN, and 503, while Postgres is away or the service starts', async () => {
    expect(await whole({ db: 'DOWN' })).toEqual([503, 'DOWN'])
    expect(await whole({ phase: 'starting' })).toEqual([503, 'DOWN'])
  })

  test('names every component as it is, in every phase and state', async () => {
    for (const state of everything) {
      const answer = await healthOf(state)
      const isDown = state.db === 'DOWN' || state.phase === 'starting'
      const isUp = [state.db, state.kafka, state.outbox].every((status) => status === 'UP')
      expect(answer.status).toBe(isDown ? 503 : 200)
      expect(bodyOf(answer)).toMatchObject({
        status: isDown ? 'DOWN' : isUp ? 'UP' : 'DEGRADED',
        components: { db: { status: state.db }, kafka: { status: state.kafka }, outbox: { status: state.outbox } },
      })
    }
  })
})

describe('liveness', () => {
  test('is 200 whatever is away, in every phase', async () => {
    for (const state of everything) {
      const answer = await healthOf(state, '/liveness')
      expect([answer.status, answer.text]).toEqual([200, '{"status":"UP"}'])
    }
  })

  test('looks at no dependency', async () => {
    const look = (): never => {
      throw new Error('looked')
    }
    const health = { phase: look, components: look, info: look }
    expect((await callerOf(createApp(serverOptions({ health })))('GET', '/actuator/health/liveness')).status).toBe(200)
  })
})

describe('readiness', () => {
  test('is 200 exactly while the service serves and Postgres answers', async () => {
    for (const state of everything) {
      const isReady = state.phase === 'serving' && state.db !== 'DOWN'
      expect((await healthOf(state, '/readiness')).status).toBe(isReady ? 200 : 503)
    }
  })

  test('says why it is not', async () => {
    expect((await healthOf({}, '/readiness')).text).toBe('{"status":"UP"}')
    expect((await healthOf({ phase: 'starting' }, '/readiness')).text).toBe(
      '{"status":"OUT_OF_SERVICE","reason":"starting"}',
    )
    expect((await healthOf({ phase: 'draining' }, '/readiness')).text).toBe(
      '{"status":"OUT_OF_SERVICE","reason":"draining"}',
    )
    expect(bodyOf(await healthOf({ db: 'DOWN' }, '/readiness'))).toMatchObject({
      status: 'DOWN',
      components: { db: { status: 'DOWN' } },
    })
  })
})

test('info says what this binary is', async () => {
  const answer = await callerOf(createApp(serverOptions()))('GET', '/actuator/info')
  expect([answer.status, answer.text]).toEqual([200, '{"name":"orders","version":"test","commit":"none"}'])
})

describe('the actuator', () => {
  const springType = 'application/vnd.spring-boot.actuator.v3+json'
  const call = callerOf(createApp(serverOptions()))

  test('lists its links as Spring does', async () => {
    const { status, text } = await call('GET', '/actuator')
    expect([status, text]).toEqual([
      200,
      '{"_links":{"self":{"href":"http://localhost/actuator","templated":false},' +
        '"health":{"href":"http://localhost/actuator/health","templated":false},' +
        '"health-path":{"href":"http://localhost/actuator/health/{*path}","templated":true},' +
        '"info":{"href":"http://localhost/actuator/info","templated":false},' +
        '"prometheus":{"href":"http://localhost/actuator/prometheus","templated":false}}}',
    ])
  })

  test.each(['', '/health', '/health/liveness', '/health/readiness', '/info'])(
    '%s has the media type of Spring for whoever asks for it, and for nobody else',
    async (path) => {
      const typeFor = async (accept: string) =>
        (await call('GET', `/actuator${path}`, { headers: { accept } })).headers.get('content-type')
      for (const accept of [
        springType,
        springType.toUpperCase(),
        `text/plain, ${springType};q=0.5`,
        `${springType},application/json`,
      ])
        expect([accept, await typeFor(accept)]).toEqual([accept, springType])
      for (const accept of ['*/*', 'application/json', `application/json, ${springType};q=0`, `${springType}x`, ''])
        expect([accept, await typeFor(accept)]).toEqual([accept, 'application/json'])
    },
  )
})
