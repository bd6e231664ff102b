// Where the compose file parts ways with the Dockerfile, the settings of the service and of the engine, and itself.

import { readConfig, settings } from '../../src/config/config.ts'
import { readConfig as readEngineConfig } from '../engine/config.ts'
import { durationMs, readCompose, type Compose, type Service } from './compose.ts'
import type { Stage } from './dockerfile.ts'

type Shipped = { text: string; stages: readonly Stage[]; subcommands: readonly string[] }
type Env = Record<string, string>

/** The names that `read` asks the environment for. */
const namesRead = (env: Env, read: (env: Env) => void): Set<string> => {
  const names = new Set<string>()
  read(new Proxy(env, { get: (target, name) => (names.add(String(name)), target[String(name)]) }))
  return names
}

/** Every variable has to be one that is read where the others are set so, and to have a lawful value. */
const serviceEnvFaults = (env: Env): string[] => {
  const faults: string[] = []
  const names = namesRead(env, (watched) => {
    const result = readConfig(watched)
    if (!result.ok) faults.push(...result.faults)
  })
  return [...faults, ...Object.keys(env).flatMap((name) => (names.has(name) ? [] : [`the service reads no ${name}`]))]
}

const engineEnvFaults = (env: Env): string[] => {
  const faults: string[] = []
  const names = namesRead(env, (watched) => {
    try {
      readEngineConfig(watched)
    } catch (error) {
      faults.push(String(error))
    }
  })
  return [...faults, ...Object.keys(env).flatMap((name) => (names.has(name) ? [] : [`the engine reads no ${name}`]))]
}

const envFaults = ({ build, environment = {} }: Service): string[] => {
  switch (build?.target) {
    case undefined:
      return []
    case 'orders':
      return serviceEnvFaults(environment)
    case 'engine':
      return engineEnvFaults(environment)
    default:
      return [`nobody knows which variables ${build!.target} reads`]
  }
}

/** A stage with the steps of those that it begins with. */
const stepsOf = (stages: readonly Stage[], name: string): Stage['steps'] => {
  const stage = stages.find((one) => one.name === name)
  return stage === undefined ? [] : [...stepsOf(stages, stage.base), ...stage.steps]
}

/** The ports of clients that the service opens with these variables. */
const portsOf = (env: Env): number[] =>
  (['SERVER_PORT', 'GRPC_PORT', 'FIX_PORT'] as const)
    .map((key) => settings[key].read(key, env, []))
    .filter((port) => port !== 0)

const buildFaults = (service: Service, { stages, subcommands }: Shipped): string[] => {
  const { build, healthcheck, ports = [], environment = {} } = service
  if (build === undefined) return service.image === undefined ? ['it has neither image nor build'] : []
  if (build.context !== '.') return [`its context is ${build.context}`]
  if (!stages.some(({ name }) => name === build.target)) return [`the Dockerfile has no stage ${build.target}`]
  const steps = stepsOf(stages, build.target)
  const entrypoint = steps.findLast((step) => step.kind === 'ENTRYPOINT')?.argv ?? []
  const exposed = steps.flatMap((step) => (step.kind === 'EXPOSE' ? [step.port] : []))
  const listening = build.target === 'orders' ? portsOf(environment) : []
  const published = ports.map((port) => Number(port.split(':').at(-1)))
  const faults = published
    .filter((port) => !listening.includes(port) || !exposed.includes(port))
    .map((port) => `it publishes ${port}, listens on ${listening.join()} and exposes ${exposed.join()}`)
  if (healthcheck === undefined) return faults
  const [kind, program, subcommand] = healthcheck.test
  if (kind !== 'CMD') faults.push(`its health check is ${kind}, and its image has no shell`)
  if (program !== entrypoint[0]) faults.push(`its health check runs ${program}, which is not in its image`)
  if (subcommand === undefined || !subcommands.includes(subcommand))
    faults.push(`its health check runs the subcommand ${subcommand}, which there is not`)
  return faults
}

const dependencyFaults = ({ depends_on = {} }: Service, { services }: Compose): string[] =>
  Object.entries(depends_on).flatMap(([name, { condition }]) => {
    const other = services[name]
    if (other === undefined) return [`it depends on ${name}, which there is not`]
    const isWatched = condition !== 'service_healthy' || other.healthcheck !== undefined
    return isWatched ? [] : [`it waits for the health of ${name}, which has no health check`]
  })

/** The addresses that it is told must be those of services, which must have what it is told of them. */
const addressFaults = ({ environment = {} }: Service, { services }: Compose): string[] => {
  const faults: string[] = []
  const { SPRING_DATASOURCE_URL: url, KAFKA_BOOTSTRAP_SERVERS: servers } = environment
  if (url !== undefined) {
    const [, host, port, database] = /^jdbc:postgresql:\/\/([^:/]+):(\d+)\/([^?]+)/.exec(url) ?? []
    const env = services[host ?? '']?.environment
    const expected = { POSTGRES_DB: database, POSTGRES_USER: environment['SPRING_DATASOURCE_USERNAME'] }
    const all = { ...expected, POSTGRES_PASSWORD: environment['SPRING_DATASOURCE_PASSWORD'] }
    if (env === undefined || port !== '5432') faults.push(`no service is a Postgres at ${host}:${port}`)
    else
      for (const [name, value] of Object.entries(all))
        if (env[name] !== value) faults.push(`${host} has another ${name}`)
  }
  for (const server of servers?.split(',') ?? []) {
    const argv = services[server.split(':')[0]!]?.command ?? []
    const isAdvertised = argv.some(
      (word) => word.startsWith('--advertise-kafka-addr=') && word.split(/[=,]|:\/\//).includes(server),
    )
    if (!isAdvertised) faults.push(`no service says that its brokers are at ${server}`)
  }
  return faults
}

/** Asked to stop, a service has to get the time that it takes. */
const graceFaults = ({ build, stop_grace_period, environment = {} }: Service): string[] => {
  if (build?.target !== 'orders') return []
  const result = readConfig(environment)
  if (!result.ok) return []
  const { SHUTDOWN_DEADLINE_MS: deadlineMs } = result.config
  const givenMs = durationMs(stop_grace_period ?? '10s')
  return givenMs > deadlineMs ? [] : [`it is killed after ${givenMs} ms, and may take ${deadlineMs}`]
}

const volumeFaults = ({ services, volumes = {} }: Compose): string[] => {
  const mounted = Object.values(services).flatMap((service) =>
    (service.volumes ?? []).map((volume) => volume.split(':')[0]!),
  )
  // A path is a file beside the compose file.
  const used = mounted.filter((name) => !name.startsWith('./'))
  return [
    ...used.filter((name) => !Object.hasOwn(volumes, name)).map((name) => `the volume ${name} is not declared`),
    ...Object.keys(volumes).flatMap((name) => (used.includes(name) ? [] : [`nobody uses the volume ${name}`])),
  ]
}

/** One sentence each; none where the file is right. */
export const composeFaults = (shipped: Shipped): string[] => {
  const { compose, faults } = readCompose(shipped.text)
  if (compose === null) return faults
  const ofServices = Object.entries(compose.services).flatMap(([name, service]) =>
    [
      ...buildFaults(service, shipped),
      ...envFaults(service),
      ...dependencyFaults(service, compose),
      ...addressFaults(service, compose),
      ...graceFaults(service),
    ].map((fault) => `${name}: ${fault}`),
  )
  return [...ofServices, ...volumeFaults(compose)]
}
