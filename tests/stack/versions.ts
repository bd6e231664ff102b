// Which PostgreSQL and which Kafka the stack runs: the newest of each, unless the environment names another (`bun run matrix` does).
// The exact versions: package.json and servers/package.json here for PostgreSQL, kafkaReleases for Kafka.

import { StackError } from './stackError.ts'

/** By major version; the last is what the stack uses by itself. */
export const postgresVersions = ['15', '16', '17', '18'] as const
export type PostgresVersion = (typeof postgresVersions)[number]
export const stackPostgres: PostgresVersion = '18'

type Artifact = readonly [group: string, name: string, version: string]
type KafkaRelease = {
  version: string
  /** Its jar list lacks only the binding of its logging to slf4j. */
  binding: Artifact
  /** How its logging is told where its settings are, and in which form they are. */
  logging: 'log4j' | 'log4j2'
  /** Broker settings without which it lacks what the newest has by itself. */
  settings: Readonly<Record<string, string>>
}

/** By major and minor version; the log4j is the one that each was released with. */
export const kafkaReleases = {
  '3.9': {
    version: '3.9.2',
    binding: ['org.slf4j', 'slf4j-reload4j', '1.7.36'],
    logging: 'log4j',
    // The newer group protocol was a preview then, as were groups with members of both.
    settings: {
      'group.coordinator.rebalance.protocols': 'classic,consumer',
      'group.consumer.migration.policy': 'bidirectional',
    },
  },
  '4.1': {
    version: '4.1.1',
    binding: ['org.apache.logging.log4j', 'log4j-slf4j-impl', '2.24.3'],
    logging: 'log4j2',
    settings: {},
  },
} as const satisfies Record<string, KafkaRelease>
export type KafkaVersion = keyof typeof kafkaReleases
export const kafkaVersions = Object.keys(kafkaReleases) as readonly KafkaVersion[]
export const stackKafka: KafkaVersion = '4.1'

const keys = { postgres: 'STACK_POSTGRES_VERSION', kafka: 'STACK_KAFKA_VERSION' } as const

type Environment = Record<string, string | undefined>

const choose = <T extends string>(env: Environment, key: string, versions: readonly T[], fallback: T): T => {
  const text = env[key]
  if (!text) return fallback
  const version = versions.find((each) => each === text)
  if (version !== undefined) return version
  throw new StackError('USAGE', `${key} must be one of ${versions.join(', ')}, not ${JSON.stringify(text)}.`)
}

/** Throws a StackError when the environment names one that the stack does not have. */
export const chosenPostgres = (env: Environment): PostgresVersion =>
  choose(env, keys.postgres, postgresVersions, stackPostgres)

/** Throws a StackError when the environment names one that the stack does not have. */
export const chosenKafka = (env: Environment): KafkaVersion => choose(env, keys.kafka, kafkaVersions, stackKafka)

/** The environment in which every server that is started is of these versions. */
export const choosing = (postgres: PostgresVersion, kafka: KafkaVersion): Record<string, string> => ({
  [keys.postgres]: postgres,
  [keys.kafka]: kafka,
})
