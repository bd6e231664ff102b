// The command line of the matrix, and which combinations of servers it stands for.

import { parseArgs } from 'node:util'
import { StackError } from '../stack/stackError.ts'
import {
  kafkaVersions,
  postgresVersions,
  stackKafka,
  stackPostgres,
  type KafkaVersion,
  type PostgresVersion,
} from '../stack/versions.ts'

/** Of tests/: those that run SQL or talk to a broker, and the compiled binary's own. */
export const defaultFolders = ['store', 'app', 'tail', 'relay', 'publisher', 'verify', 'kafka', 'e2e'] as const

export const help = `bun run matrix [--postgres LIST] [--kafka LIST] [--only LIST] [--publish]

Runs tests of this checkout on every server that the handbook names, one combination after the other, each on servers of its
own: PostgreSQL ${postgresVersions.join(', ')} with Kafka ${stackKafka}, then the other Kafka with PostgreSQL ${stackPostgres}. Ends with a table and the line
"N passed, N failed"; the exit code is 1 if anything failed. What the tests wrote is in .data/matrix/.

  --postgres LIST   only these of ${postgresVersions.join(', ')}: 15,16
  --kafka LIST      only these of ${kafkaVersions.join(', ')}; beside --postgres: each with each
  --only LIST       only these folders of tests/: store,relay. Without it:
                    ${defaultFolders.join(', ')}
  --publish         writes the result with its date into the handbook (src/handbook/operating.md)`

export type Combination = { postgres: PostgresVersion; kafka: KafkaVersion }
export type Options = { combinations: readonly Combination[]; folders: readonly string[]; publish: boolean }

const wordsOf = (text: string): string[] => [...new Set(text.split(','))]

const refuse = (why: string): never => {
  throw new StackError('USAGE', `${why}\n\n${help}`)
}

const versionsOf = <T extends string>(name: string, text: string | undefined, allowed: readonly T[]): T[] | null => {
  if (text === undefined) return null
  return wordsOf(text).map(
    (word) =>
      allowed.find((each) => each === word) ??
      refuse(`${name}: ${JSON.stringify(word)} is not one of ${allowed.join(', ')}`),
  )
}

const foldersOf = (text: string): string[] =>
  wordsOf(text).map((word) =>
    /^\w+$/.test(word) ? word : refuse(`--only: ${JSON.stringify(word)} is no folder of tests/`),
  )

/** Without a choice: each PostgreSQL with the stack's Kafka, and each other Kafka with the stack's PostgreSQL. */
const combine = (postgres: PostgresVersion[] | null, kafka: KafkaVersion[] | null): Combination[] => {
  const all = (rows: readonly PostgresVersion[], brokers: readonly KafkaVersion[]): Combination[] =>
    rows.flatMap((row) => brokers.map((broker) => ({ postgres: row, kafka: broker })))
  if (postgres !== null || kafka !== null) return all(postgres ?? [stackPostgres], kafka ?? [stackKafka])
  const otherKafkas = kafkaVersions.filter((version) => version !== stackKafka)
  return [...all(postgresVersions, [stackKafka]), ...all([stackPostgres], otherKafkas)]
}

/** Throws a StackError for what cannot be run. */
export const readOptions = (args: string[]): Options | 'help' => {
  const { values } = parseArgs({
    args,
    options: {
      postgres: { type: 'string' },
      kafka: { type: 'string' },
      only: { type: 'string' },
      publish: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false, short: 'h' },
    },
  })
  if (values.help) return 'help'
  if (values.publish && values.only !== undefined)
    refuse('--publish writes what the whole of the tests found: leave out --only')
  return {
    combinations: combine(
      versionsOf('--postgres', values.postgres, postgresVersions),
      versionsOf('--kafka', values.kafka, kafkaVersions),
    ),
    folders: values.only === undefined ? defaultFolders : foldersOf(values.only),
    publish: values.publish,
  }
}
