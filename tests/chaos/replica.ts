// One replica of the compiled service as a process that is killed, armed with a crash point, frozen and started again. It
// never outlives the harness.

import { closeSync, openSync } from 'node:fs'
import { hold, release } from '../stack/guard.ts'
import { killTree, signal } from '../stack/processes.ts'
import type { TcpProxy } from '../support/tcpProxy.ts'

type CrashSetting = { point: string; nth: number; log: string }

export type Replica = {
  readonly name: string
  readonly url: string
  /** The client id of the last process, as Kafka knows it. */
  readonly clientId: () => string | null
  readonly isRunning: () => boolean
  /** How a process ended by itself, once for each process; null if none did. */
  readonly ownEnd: () => string | null
  /** Settles when the process that runs now has ended. */
  readonly exited: () => Promise<unknown>
  /** Starts the process, with a crash point or without, and does not wait for it. */
  start: (crashPoint?: CrashSetting) => void
  kill: () => Promise<void>
  /** SIGTERM and its end; past the limit SIGKILL. Answers whether it drained in time. */
  stop: () => Promise<boolean>
  pause: () => void
  goOn: () => void
  readiness: () => Promise<boolean>
  health: () => Promise<Health | null>
}

type Health = {
  status: string
  components: { kafka: { status: string; details: { tickersSetAside?: number } } }
}

export type ReplicaOptions = {
  name: string
  binary: string
  port: number
  env: Record<string, string>
  logFile: string
  /** Null if the replica reaches Kafka directly. */
  kafkaProxy: TcpProxy | null
}

const stopLimitMs = 25_000
/** A slow replica answers within this time; one that does not hangs. */
const probeMs = 10_000

/** A request to Kafka begins with its length, api key, version, correlation id, and the client's id. */
const clientIdOf = (bytes: Buffer): string | null =>
  bytes.length < 14 ? null : bytes.subarray(14, 14 + bytes.readInt16BE(12)).toString()

const environment = ({ env, port }: ReplicaOptions, crashPoint: CrashSetting | undefined): Record<string, string> => ({
  ...env,
  SERVER_PORT: String(port),
  ...(crashPoint === undefined
    ? {}
    : { ORDERS_TEST_CRASH: `${crashPoint.point}@${crashPoint.nth}`, ORDERS_TEST_CRASH_LOG: crashPoint.log }),
})

export const createReplica = (options: ReplicaOptions): Replica => {
  const url = `http://127.0.0.1:${options.port}`
  let child: Bun.Subprocess | null = null
  let clientId: string | null = null
  /** Processes that the harness ends, or that have a crash point. */
  const mayEnd = new WeakSet<object>()
  let ownEnd: string | null = null
  options.kafkaProxy?.onHello((bytes) => (clientId = clientIdOf(bytes) ?? clientId))

  const isRunning = (): boolean => child !== null && child.exitCode === null && child.signalCode === null
  /** A process that ended by itself is only released: another process may have its id by now. */
  const end = async (how: (pid: number) => Promise<void>): Promise<void> => {
    if (child === null) return
    mayEnd.add(child)
    if (isRunning()) await how(child.pid)
    await child.exited
    release(child.pid)
  }
  const kill = () => end(killTree)
  const ask = async (path: string): Promise<Response | null> => {
    if (!isRunning()) return null
    return fetch(`${url}${path}`, { keepalive: false, signal: AbortSignal.timeout(probeMs) }).catch(() => null)
  }
  return {
    name: options.name,
    url,
    clientId: () => clientId,
    isRunning,
    ownEnd() {
      const end = ownEnd
      ownEnd = null
      return end
    },
    exited: () => child?.exited ?? Promise.resolve(),
    start(crashPoint) {
      const log = openSync(options.logFile, 'a')
      child = Bun.spawn([options.binary, 'serve'], {
        stdin: 'ignore',
        stdout: log,
        stderr: log,
        cwd: '/',
        env: environment(options, crashPoint),
        detached: true,
        onExit(ended, code, signalCode) {
          if (!mayEnd.has(ended)) ownEnd = `${options.name} ended by itself: ${signalCode ?? `exit code ${code}`}`
        },
      })
      closeSync(log)
      if (crashPoint !== undefined) mayEnd.add(child)
      hold(child.pid, 'SIGKILL')
    },
    kill,
    async stop() {
      const startedAt = performance.now()
      await end(async (pid) => {
        signal(pid, 'SIGTERM')
        const timer = setTimeout(() => signal(pid, 'SIGKILL'), stopLimitMs)
        await child!.exited
        clearTimeout(timer)
      })
      return performance.now() - startedAt < stopLimitMs
    },
    pause: () => child !== null && isRunning() && signal(child.pid, 'SIGSTOP'),
    goOn: () => child !== null && isRunning() && signal(child.pid, 'SIGCONT'),
    readiness: async () => (await ask('/actuator/health/readiness'))?.status === 200,
    async health() {
      const response = await ask('/actuator/health')
      return response === null ? null : ((await response.json().catch(() => null)) as Health | null)
    },
  }
}
