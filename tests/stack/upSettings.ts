// The settings of `up`, read once and checked before anything starts, with one sentence for a fault.

import { portIsFree } from './ports.ts'
import { StackError } from './stackError.ts'
import { chosenKafka, chosenPostgres } from './versions.ts'

export const help = `bun run up [--fresh] [--verbose]

Starts Postgres, Kafka, the order service and the reference matching engine on this machine, and stops them all on
Ctrl-C. Data and logs lie in .data/.

  --fresh     forget the data of earlier runs first
  --verbose   the service's and the engine's logs on the terminal instead of in .data/log/

  SERVER_PORT              8085    the service
  STACK_POSTGRES_PORT      25432   Postgres
  STACK_KAFKA_PORT         29092   Kafka
  STACK_POSTGRES_VERSION   18      or 15, 16, 17; with --fresh where the data are of another
  STACK_KAFKA_VERSION      4.1     or 3.9; likewise
  KAFKA_PARTITIONS         6       of the topics that are created
  DATABASE_URL                     use this Postgres and start none
  KAFKA_BOOTSTRAP_SERVERS          use this Kafka and start none
  ENGINE_FEATURES                  what the engine can do, and the service is told that it can; empty: an engine of the
                                   old kind. Default reports,display,post-only
  FIX_PORT                         take orders by FIX there; without FIX_SESSIONS_FILE for one session, whose password lies
                                   in .data/fix/

Every other setting of the service is handed on to it as it is.`

export type UpSettings = {
  serverPort: number
  postgresPort: number
  kafkaPort: number
  partitions: number
  databaseUrl: string | null
  kafka: string | null
  engineFeatures: string
  /** Null: no FIX. `ownSession`: the service is given no file of sessions. */
  fix: { port: number; ownSession: boolean } | null
}

const whole = (
  env: Record<string, string | undefined>,
  key: string,
  { fallback, max }: { fallback: number; max: number },
) => {
  const text = env[key]
  if (!text) return fallback
  const value = /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (value >= 1 && value <= max) return value
  throw new StackError('USAGE', `${key} must be a whole number from 1 to ${max}, not ${JSON.stringify(text)}.`)
}

export const readSettings = (env: Record<string, string | undefined>): UpSettings => {
  // The servers read these themselves when they start; a version that is none is refused before.
  chosenPostgres(env)
  chosenKafka(env)
  return {
    serverPort: whole(env, 'SERVER_PORT', { fallback: 8085, max: 65_535 }),
    postgresPort: whole(env, 'STACK_POSTGRES_PORT', { fallback: 25_432, max: 65_535 }),
    kafkaPort: whole(env, 'STACK_KAFKA_PORT', { fallback: 29_092, max: 65_535 }),
    partitions: whole(env, 'KAFKA_PARTITIONS', { fallback: 6, max: 1_000 }),
    databaseUrl: env['DATABASE_URL'] || null,
    kafka: env['KAFKA_BOOTSTRAP_SERVERS'] || null,
    engineFeatures: env['ENGINE_FEATURES'] ?? 'reports,display,post-only',
    fix: env['FIX_PORT']
      ? { port: whole(env, 'FIX_PORT', { fallback: 0, max: 65_535 }), ownSession: !env['FIX_SESSIONS_FILE'] }
      : null,
  }
}

/** Refuses a port that another process uses, before anything starts, and says what to do about it. */
export const refuseTakenPorts = async (settings: UpSettings): Promise<void> => {
  const needed: [number, string, string][] = [[settings.serverPort, 'the service', 'SERVER_PORT']]
  if (settings.fix !== null) needed.push([settings.fix.port, 'FIX', 'FIX_PORT'])
  if (settings.databaseUrl === null) needed.push([settings.postgresPort, 'Postgres', 'STACK_POSTGRES_PORT'])
  if (settings.kafka === null) needed.push([settings.kafkaPort, 'Kafka', 'STACK_KAFKA_PORT'])
  for (const [port, name, key] of needed) {
    if (await portIsFree(port)) continue
    const how = `stop what listens there, or choose another with ${key}=${port + 1}.`
    throw new StackError('PORT_TAKEN', `Port ${port}, which ${name} needs, is taken: ${how}`)
  }
}
