// A real one-node Apache Kafka (versions.ts says which; KRaft, broker and controller in one) on 127.0.0.1 with its data on disk. It
// survives `kill()` and comes back with `restart()` on the same data and port. No Docker: a JDK runs the jars.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Admin } from '@platformatic/kafka'
import { findJava, kafkaClassPath } from './kafkaJars.ts'
import { freePort } from './ports.ts'
import { runTool, startServer, type Server } from './server.ts'
import { StackError } from './stackError.ts'
import { chosenKafka, kafkaReleases, type KafkaVersion } from './versions.ts'

export type KafkaServer = Server & {
  readonly bootstrap: string
  readonly port: number
  readonly dataDir: string
  /** Sets a user's password for a SCRAM mechanism; it applies to new connections. */
  setScramPassword: (user: string, mechanism: string, password: string) => Promise<void>
}

export type Listener = {
  port: number
  protocol: 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL'
  /** The host that the broker advertises to clients; 127.0.0.1 if absent. */
  host?: string
}

/** One node of several, each a broker and a controller. `controllers`: their ports by node, from node 1 on. */
type ClusterMember = { clusterId: string; node: number; controllers: readonly number[] }

export type KafkaOptions = {
  dataDir: string
  port: number
  /** If absent, that of the environment, else the stack's own (versions.ts). */
  version?: KafkaVersion
  /** The number of partitions of a topic that is created without one. */
  partitions?: number
  /** Broker settings over the defaults below. */
  settings?: Record<string, string>
  /** Further listeners beside the plain one, by name (upper case). */
  listeners?: Record<string, Listener>
  /** Passwords of SCRAM users by name, for both mechanisms. Applies to a new data folder only. */
  scramUsers?: Record<string, string>
  /** If absent, it is the only node of a cluster of its own. */
  member?: ClusterMember
  log?: (line: string) => void
}

// Serial GC and the small buffers below: on two cores beside Postgres and the service, memory is worth more.
const javaFlags = [
  '-Xms256m',
  '-Xmx512m',
  '-XX:+UseSerialGC',
  '-Xshare:auto',
  '-XX:-UsePerfData',
  '-Djava.awt.headless=true',
]

/** A broker that answers a metadata request with itself in it can be used; an open port alone says little. */
const answersMetadata = async (bootstrap: string): Promise<boolean> => {
  const bootstrapBrokers = bootstrap.split(',')
  const admin = new Admin({ clientId: 'stack', bootstrapBrokers, retries: 0, timeout: 5_000, connectTimeout: 2_000 })
  try {
    const { brokers } = await admin.metadata({ topics: [] })
    return brokers.size > 0
  } catch {
    return false
  } finally {
    await admin.close()
  }
}

export const newClusterId = (): string => Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('base64url')

type Formatting = { properties: string; clusterId: string; scramUsers: Record<string, string> }

const format = async (run: string[], { properties, clusterId, scramUsers }: Formatting): Promise<void> => {
  const users = Object.entries(scramUsers).flatMap(([name, password]) =>
    ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
      '--add-scram',
      `${mechanism}=[name=${name},password=${password}]`,
    ]),
  )
  // Joined to its option by "=": one id in 64 begins with a dash.
  const tool = [...run, 'kafka.tools.StorageTool', 'format', `--cluster-id=${clusterId}`, '--config', properties]
  const command = [...tool, ...users]
  const { exitCode, output } = await runTool(command)
  if (exitCode !== 0) throw new StackError('START_FAILED', `Kafka: formatting failed: ${output}`)
}

/** Warnings and worse into the file, in the words of each logging library. */
const loggingSettings = {
  log4j: (file: string) => `log4j.rootLogger=WARN, file
log4j.appender.file=org.apache.log4j.FileAppender
log4j.appender.file.File=${file}
log4j.appender.file.layout=org.apache.log4j.PatternLayout
log4j.appender.file.layout.ConversionPattern=%d{ISO8601} %p %c{1}: %m%n
`,
  log4j2: (file: string) => `status=error
appender.file.type=File
appender.file.name=file
appender.file.fileName=${file}
appender.file.layout.type=PatternLayout
appender.file.layout.pattern=%d{ISO8601} %p %c{1}: %m%n
rootLogger.level=warn
rootLogger.appenderRef.file.ref=file
`,
} as const

/** Writes the settings of the broker's logging; answers the flag of java that leads to them. */
const prepareLogging = (version: KafkaVersion, dataDir: string): string => {
  const { logging } = kafkaReleases[version]
  const file = join(dataDir, `${logging}.properties`)
  writeFileSync(file, loggingSettings[logging](join(dataDir, 'kafka.log')))
  return logging === 'log4j' ? `-Dlog4j.configuration=file:${file}` : `-Dlog4j2.configurationFile=${file}`
}

export const startKafka = async (options: KafkaOptions): Promise<KafkaServer> => {
  const { dataDir, port, partitions = 6, settings, listeners = {}, scramUsers = {}, log } = options
  const { version = chosenKafka(process.env) } = options
  const member = options.member ?? { clusterId: newClusterId(), node: 1, controllers: [await freePort()] }
  const java = findJava()
  const classPath = await kafkaClassPath(version, log)
  mkdirSync(dataDir, { recursive: true })
  const properties = join(dataDir, 'server.properties')
  const own = {
    ...defaults(dataDir, { plain: port, member, listeners }),
    ...kafkaReleases[version].settings,
    'num.partitions': `${partitions}`,
  }
  const all = { ...own, ...settings }
  writeFileSync(
    properties,
    Object.entries(all)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(''),
  )
  const run = [java, ...javaFlags, prepareLogging(version, dataDir), '-cp', classPath]
  if (!existsSync(join(dataDir, 'logs', 'meta.properties')))
    await format(run, { properties, clusterId: member.clusterId, scramUsers })
  const bootstrap = `127.0.0.1:${port}`
  const server = await startServer({
    name: 'Kafka',
    command: [...run, 'kafka.Kafka', properties],
    output: { file: join(dataDir, 'kafka.log') },
    askToStop: 'SIGTERM',
    stopLimitMs: 30_000,
    readyLimitMs: 120_000,
    isReady: () => answersMetadata(bootstrap),
  })
  const setScramPassword: KafkaServer['setScramPassword'] = async (user, mechanism, password) => {
    const change = ['--alter', '--add-config', `${mechanism}=[password=${password}]`]
    const whose = ['--entity-type', 'users', '--entity-name', user]
    const tool = [...run, 'kafka.admin.ConfigCommand', '--bootstrap-server', bootstrap, ...change, ...whose]
    const { exitCode, output } = await runTool(tool)
    if (exitCode !== 0) throw new StackError('START_FAILED', `Kafka: the password was not changed: ${output}`)
  }
  return Object.assign(server, { bootstrap, port, dataDir, setScramPassword })
}

type Node = { plain: number; member: ClusterMember; listeners: Record<string, Listener> }

const defaults = (dataDir: string, { plain, member, listeners }: Node): Record<string, string> => {
  const { node, controllers } = member
  const others = Object.entries(listeners)
  const bound = others.map(([name, { port }]) => `,${name}://127.0.0.1:${port}`).join('')
  const addresses = others.map(([name, { port, host = '127.0.0.1' }]) => `,${name}://${host}:${port}`).join('')
  const protocols = others.map(([name, { protocol }]) => `,${name}:${protocol}`).join('')
  return {
    'process.roles': 'broker,controller',
    'node.id': `${node}`,
    'controller.quorum.voters': controllers.map((port, i) => `${i + 1}@127.0.0.1:${port}`).join(','),
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://127.0.0.1:${plain},CONTROLLER://127.0.0.1:${controllers[node - 1]!}${bound}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${plain}${addresses}`,
    'listener.security.protocol.map': `PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT${protocols}`,
    'log.dirs': join(dataDir, 'logs'),
    // One broker can hold one copy of anything.
    'offsets.topic.replication.factor': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'min.insync.replicas': '1',
    'auto.create.topics.enable': 'false',
    'group.initial.rebalance.delay.ms': '0',
    // After a SIGKILL the controller waits this long for the old incarnation before it lets the new one in (default 9 s).
    'broker.session.timeout.ms': '2000',
    'broker.heartbeat.interval.ms': '400',
    // Small: the defaults are made for a machine of its own.
    'offsets.topic.num.partitions': '5',
    'transaction.state.log.num.partitions': '5',
    'log.cleaner.dedupe.buffer.size': `${16 * 1024 * 1024}`,
    'num.network.threads': '2',
    'num.io.threads': '4',
  }
}
