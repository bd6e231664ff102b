// All parts of a run: Postgres, Kafka, the engine and the replicas as processes of their own, each replica behind its own
// proxies, and the harness's own connections past them.

import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sessionLines } from '../fix/client/sessions.ts'
import { startKafka, type KafkaServer } from '../stack/kafka.ts'
import { createDatabase, startPostgres, type PostgresServer } from '../stack/postgres.ts'
import { runTool, startServer, type Server } from '../stack/server.ts'
import { engineMain } from '../stack/service.ts'
import { StackError } from '../stack/stackError.ts'
import { createTopics } from '../stack/topics.ts'
import { crashingBinary } from '../support/binary.ts'
import { createTcpProxy, type TcpProxy } from '../support/tcpProxy.ts'
import { sessionRows } from './fix/sessions.ts'
import { group, openKafkaSide, partitions, topics, type KafkaSide } from './kafkaSide.ts'
import { createReplica, type Replica } from './replica.ts'
import type { Ports } from './runState.ts'
import { openTables, type Tables } from './tables.ts'

export type World = {
  dir: string
  databaseUrl: string
  postgres: PostgresServer
  kafka: KafkaServer
  engine: Server
  /** The two permanent replicas; `proxies` are theirs. */
  replicas: readonly [Replica, Replica]
  /** Joins and leaves; reaches the servers directly. */
  third: Replica
  proxies: readonly [Proxies, Proxies]
  tables: Tables
  side: KafkaSide
  /** How often Postgres had to break a deadlock; the order of locks should make it never. */
  deadlocks: () => number
  /** The file to which a named crash point writes that it fired. */
  crashLog: string
  close: () => Promise<void>
}
type Proxies = { postgres: TcpProxy; kafka: TcpProxy }

const host = '127.0.0.1'
/** What the engine can do beyond the first one, and what the replicas therefore ask of it. */
const features = 'display,post-only,reports'

/** Short, so that being frozen past it takes seconds. */
const leaseMs = 2_000

/** One listener for us and one for each replica: a broker advertises an address to its clients, which must be their proxy's. */
const kafkaSettings = (ports: Ports): Record<string, string> => ({
  'controller.quorum.voters': `1@${host}:${ports.controller}`,
  listeners: `PLAINTEXT://${host}:${ports.kafka},CONTROLLER://${host}:${ports.controller},A://${host}:${ports.kafkaA},B://${host}:${ports.kafkaB}`,
  'advertised.listeners': `PLAINTEXT://${host}:${ports.kafka},A://${host}:${ports.kafkaProxyA},B://${host}:${ports.kafkaProxyB}`,
  'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,A:PLAINTEXT,B:PLAINTEXT',
  'inter.broker.listener.name': 'PLAINTEXT',
  // The checker compares when a cancellation and its placement were appended.
  'log.message.timestamp.type': 'LogAppendTime',
  // After a SIGKILL the broker reads the open segment again, so it has to stay short.
  'log.segment.bytes': '16777216',
})

const startProxy = async (port: number, target: number): Promise<TcpProxy> => {
  const proxy = await createTcpProxy({ host, port: target }, { port })
  await proxy.open()
  return proxy
}

const startProxies = async (ports: Ports): Promise<[Proxies, Proxies]> => {
  const [postgresA, postgresB, kafkaA, kafkaB] = await Promise.all([
    startProxy(ports.postgresProxyA, ports.postgres),
    startProxy(ports.postgresProxyB, ports.postgres),
    startProxy(ports.kafkaProxyA, ports.kafkaA),
    startProxy(ports.kafkaProxyB, ports.kafkaB),
  ])
  return [
    { postgres: postgresA, kafka: kafkaA },
    { postgres: postgresB, kafka: kafkaB },
  ]
}

const at = (url: string, port: number): string => {
  const moved = new URL(url)
  moved.port = String(port)
  return moved.href
}

const replicaEnv = (
  databaseUrl: string,
  kafkaPort: number,
  fix: Record<string, string> = {},
): Record<string, string> => ({
  DATABASE_URL: databaseUrl,
  KAFKA_BOOTSTRAP_SERVERS: `${host}:${kafkaPort}`,
  KAFKA_CONSUMER_GROUP: group,
  SERVER_HOST: host,
  RELAY_LEASE_MS: String(leaseMs),
  SHUTDOWN_READINESS_DELAY_MS: '0',
  SHUTDOWN_DEADLINE_MS: '8000',
  ENGINE_FEATURES: features,
  // So that a run sees reports for which fills never come.
  REPORT_WAIT_MS: '5000',
  // All clients are one caller, and in a halt of all many of its orders are refused.
  REJECTED_PER_MINUTE_MAX: '1000000',
  // All clients are one caller, and while one replica is away the other has them all.
  STREAMS_PER_CALLER_MAX: '1000',
  // So that a client that reads slowly is cut off within seconds.
  STREAM_BUFFER_MAX_BYTES: '65536',
  ...fix,
})

const createReplicas = (dir: string, ports: Ports, url: string, [a, b]: readonly [Proxies, Proxies]) => {
  const replica = (name: string, port: number, env: Record<string, string>, kafkaProxy: TcpProxy | null): Replica =>
    createReplica({
      name,
      binary: join(dir, 'orders'),
      port,
      env,
      kafkaProxy,
      logFile: join(dir, `replica-${name}.log`),
    })
  const sessions = join(dir, 'fix-sessions.jsonl')
  writeFileSync(sessions, sessionLines(sessionRows))
  const fix = (port: number) => ({ FIX_PORT: String(port), FIX_SESSIONS_FILE: sessions })
  return {
    replicas: [
      replica(
        'a',
        ports.replicaA,
        replicaEnv(at(url, ports.postgresProxyA), ports.kafkaProxyA, fix(ports.fixA)),
        a.kafka,
      ),
      replica(
        'b',
        ports.replicaB,
        replicaEnv(at(url, ports.postgresProxyB), ports.kafkaProxyB, fix(ports.fixB)),
        b.kafka,
      ),
    ] as [Replica, Replica],
    third: replica('c', ports.replicaC, replicaEnv(url, ports.kafka), null),
  }
}

const migrate = async (binaryFile: string, url: string): Promise<void> => {
  const { exitCode, output } = await runTool([binaryFile, 'migrate'], { env: { DATABASE_URL: url } })
  if (exitCode !== 0) throw new StackError('START_FAILED', `the schema could not be made: ${output}`)
}

const startEngine = (dir: string, bootstrap: string): Promise<Server> =>
  startServer({
    name: 'the engine',
    command: [process.execPath, engineMain],
    env: { KAFKA_BOOTSTRAP_SERVERS: bootstrap, ENGINE_FEATURES: features },
    output: { file: join(dir, 'engine.log') },
    askToStop: 'SIGTERM',
    stopLimitMs: 10_000,
    readyLimitMs: 10_000,
    isReady: async () => true,
  })

/** Opens a world in an empty folder, or on the data of an earlier run. The replicas are started. */
export const startWorld = async (dir: string, ports: Ports): Promise<World> => {
  // The run uses a copy of the binary: somebody may build a new one meanwhile.
  copyFileSync(await crashingBinary(), join(dir, 'orders'))
  const [postgres, kafka, proxies] = await Promise.all([
    startPostgres({ dataDir: join(dir, 'postgres'), port: ports.postgres }),
    startKafka({ dataDir: join(dir, 'kafka'), port: ports.kafka, partitions, settings: kafkaSettings(ports) }),
    startProxies(ports),
  ])
  const url = await createDatabase(postgres.url, 'orders')
  await createTopics(kafka.bootstrap, { names: Object.values(topics), partitions })
  await migrate(join(dir, 'orders'), url)
  const tables = openTables(url)
  await tables.installAudit()
  const side = openKafkaSide(kafka.bootstrap)
  const engine = await startEngine(dir, kafka.bootstrap)
  const { replicas, third } = createReplicas(dir, ports, url, proxies)
  for (const replica of replicas) replica.start()
  return {
    dir,
    databaseUrl: url,
    postgres,
    kafka,
    engine,
    replicas,
    third,
    proxies,
    tables,
    side,
    deadlocks: () => readFileSync(join(dir, 'postgres', 'postgres.log'), 'utf8').split('deadlock detected').length - 1,
    crashLog: join(dir, 'crashPoints.log'),
    async close() {
      await Promise.all([...replicas, third].map((replica) => replica.kill()))
      await engine.stop()
      await Promise.all([
        side.close(),
        tables.close(),
        ...proxies.flatMap((pair) => [pair.postgres.shut(), pair.kafka.shut()]),
      ])
      await Promise.all([postgres.stop(), kafka.stop()])
    },
  }
}
