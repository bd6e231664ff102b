// The command line of the matrix, and which combinations of servers it stands for.

import { parseArgs } from 'node:util'
import {
  kafkaVersions,
  postgresVersions,
  stackKafka,
  stackPostgres,
  type KafkaVersion,
  type PostgresVersion,
} from '../stack/versions.ts'
import { StackError } from '../stack/stackError.ts'

/** What meets a new PostgreSQL: everything that sends SQL. What meets a new Kafka: everything that talks to a broker. */
const foldersOf = {
  postgres: ['store', 'app', 'relay', 'tail', 'verify', 'e2e'],
  kafka: ['kafka', 'relay', 'e2e'],
} as const

export const help = `bun run matrix [--postgres LIST] [--kafka LIST] [--only LIST] [--publish]

Runs tests of this checkout on every server that the handbook names, one combination after the other, each on servers of its
own: PostgreSQL ${postgresVersions.join(', ')} with Kafka ${stackKafka}, then PostgreSQL ${stackPostgres} with the other Kafka. Ends with a table and the line
"N passed, N failed"; the exit code is 1 if anything failed. What the tests wrote is in .data/matrix/.

  --postgres LIST   only these, such as 15,16 (of ${postgresVersions.join(', ')})
  --kafka LIST      only these (of ${kafkaVersions.join(', ')}); with --postgres: each with each
  --only LIST       only these folders of tests/, such as store,relay. Without it: ${foldersOf.postgres.join(', ')};
                    on another Kafka than the stack's ${foldersOf.kafka.join(', ')}
  --publish         writes the result with its date into the handbook (src/handbook/operating.md)`

export type Combination = { postgres: PostgresVersion; kafka: KafkaVersion; folders: readonly string[] }
export type Options = { combinations: readonly Combination[]; publish: boolean }

const list = <T extends string>(name: string, text: string, allowed: readonly T[] | null): T[] => {
  const words = [...new Set(text.split(','))]
  const wrong = words.find((word) => !/^[\w.]+$/.test(word) || !(allowed ?? words).includes(word as T))
  if (wrong === undefined) return words as T[]
  const known = allowed === null ? 'a folder of tests/' : `one of ${allowed.join(', ')}`
  throw new StackError('USAGE', `${name}: ${JSON.stringify(wrong)} is not ${known}\n\n${help}`)
}

type Versions = { postgres: PostgresVersion; kafka: KafkaVersion }

const others = kafkaVersions.filter((each) => each !== stackKafka)

/** Without a choice a line and a column of the table, not all of it; with one exactly what was chosen. */
const chosen = (postgres: PostgresVersion[] | null, kafka: KafkaVersion[] | null): Versions[] => {
  if (postgres === null && kafka === null)
    return [
      ...postgresVersions.map((each) => ({ postgres: each, kafka: stackKafka })),
      ...others.map((each) => ({ postgres: stackPostgres, kafka: each })),
    ]
  return (postgres ?? [stackPostgres]).flatMap((each) =>
    (kafka ?? [stackKafka]).map((broker) => ({ postgres: each, kafka: broker })),
  )
}

const foldersFor = ({ postgres, kafka }: Versions): readonly string[] =>
  kafka === stackKafka || postgres !== stackPostgres ? foldersOf.postgres : foldersOf.kafka

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
    throw new StackError('USAGE', `--publish: the handbook names what passed every folder, so not with --only\n\n${help}`)
  const postgres = values.postgres === undefined ? null : list('--postgres', values.postgres, postgresVersions)
  const kafka = values.kafka === undefined ? null : list('--kafka', values.kafka, kafkaVersions)
  const only = values.only === undefined ? null : list('--only', values.only, null)
  const combinations = chosen(postgres, kafka).map((each) => ({ ...each, folders: only ?? foldersFor(each) }))
  return { combinations, publish: values.publish }
}
