// The compiled binary as a child process: what it knows comes through its environment, what it says is read from its standard
// output, and it does not outlive its test (`await using`), nor the run (the guard of tests/stack).

import { hold, release } from '../stack/guard.ts'
import { freePort } from '../stack/ports.ts'
import { killTree } from '../stack/processes.ts'
import { binary } from './binary.ts'
import { parseMetrics } from './metricsPage.ts'
import { temporaryDir } from './servers.ts'
import { until } from './until.ts'

export type LogLine = { time: string; level: string; message: string; [field: string]: unknown }
type Reply = { status: number; headers: Headers; text: string; json: Record<string, unknown> }
type Request = { method?: string; body?: unknown; headers?: Record<string, string> }

export type RunningService = AsyncDisposable & {
  port: number
  url: string
  pid: number
  /** Every JSON line that it has written so far. */
  log: LogLine[]
  /** All lines of output that were no JSON, and standard error. */
  noise: () => string
  exited: Promise<number>
  http: (path: string, request?: Request) => Promise<Reply>
  post: (order: Record<string, unknown>, headers?: Record<string, string>) => Promise<Reply>
  /** The figures of /metrics by name, labels included. */
  metrics: () => Promise<Record<string, number>>
  /** SIGTERM; answers the exit code. */
  stop: () => Promise<number>
  signal: (name: NodeJS.Signals) => void
  kill: () => Promise<void>
  /** Waits for the first line that has this text in its message or passes the test: the line may still be in the pipe. */
  logged: (what: string | ((line: LogLine) => boolean)) => Promise<LogLine>
  ready: () => Promise<void>
}

export type ServiceOptions = {
  env: Record<string, string>
  port?: number
  cwd?: string
  /** The command to run; the compiled binary with `serve` if absent. */
  command?: readonly string[]
  /** Whether to wait until it serves. */
  wait?: 'ready' | 'live' | 'nothing'
}

const linesOf = async (stream: ReadableStream<Uint8Array>, onLine: (line: string) => void): Promise<void> => {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop()!
    lines.forEach(onLine)
  }
  if (rest !== '') onLine(rest)
}

/** Ends a test that would hang; no answer of the service takes so long. */
const requestTimeoutMs = 120_000

const callHttp = async (url: string, { method, body, headers = {} }: Request = {}): Promise<Reply> => {
  const response = await fetch(url, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    signal: AbortSignal.timeout(requestTimeoutMs),
    // The tests of certificates check whether a certificate is the right one.
    tls: { rejectUnauthorized: false },
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json') === true
  return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : {} }
}

const started: { service: RunningService; ended: boolean }[] = []
/** Every service that this process started so far; explained.ts shows their logs when a test fails. */
export const startedServices = (): RunningService[] => started.map(({ service }) => service)
/** The services that run now. */
export const runningServices = (): RunningService[] =>
  started.filter(({ ended }) => !ended).map(({ service }) => service)

const lastLinesMax = 60
const lastNoiseMax = 4_000

/** The last lines of a service's output, for a person. */
export const lastWords = ({ port, pid, log, noise }: RunningService): string => {
  const lines = log.slice(-lastLinesMax).map((line) => JSON.stringify(line))
  const head = `-- the service on port ${port} (process ${pid}) said last, ${lines.length} of ${log.length} lines:`
  const rest = noise().slice(-lastNoiseMax)
  return [head, ...lines, ...(rest === '' ? [] : ['-- and what is no log line:', rest])].join('\n')
}

let emptyDir: string | null = null

/** Nothing of our own environment reaches the child. */
const launch = (command: readonly string[], env: Record<string, string>, cwd?: string) =>
  Bun.spawn([...command], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    cwd: cwd ?? (emptyDir ??= temporaryDir('cwd')),
    env,
    detached: true,
  })

/** Runs a subcommand to its end. */
export const runBinary = async (
  args: readonly string[],
  env: Record<string, string> = {},
  cwd?: string,
): Promise<{ exitCode: number; out: string; err: string }> => {
  const child = launch([await binary(), ...args], env, cwd)
  hold(child.pid, 'SIGKILL')
  const [out, err, exitCode] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  release(child.pid)
  return { exitCode, out, err }
}

export const startService = async (options: ServiceOptions): Promise<RunningService> => {
  const { env, port, cwd, command, wait = 'ready' } = options
  const own = port ?? (await freePort())
  const child = launch(command ?? [await binary(), 'serve'], { ...env, SERVER_PORT: String(own) }, cwd)
  hold(child.pid, 'SIGKILL')
  const url = `${env['SERVER_TLS_CERT_FILE'] === undefined ? 'http' : 'https'}://127.0.0.1:${own}`
  const operators = env['MANAGEMENT_PORT'] === undefined ? url : `http://127.0.0.1:${env['MANAGEMENT_PORT']}`
  const log: LogLine[] = []
  const noise: string[] = []
  const take = (line: string): void => {
    try {
      log.push(JSON.parse(line) as LogLine)
    } catch {
      noise.push(line)
    }
  }
  const outputs = [linesOf(child.stdout, take), linesOf(child.stderr, take)]
  const exited = Promise.all([child.exited, ...outputs]).then(([code]) => {
    release(child.pid)
    return code
  })
  const probe = async (name: string): Promise<boolean> => {
    if (child.exitCode !== null || child.signalCode !== null) return false
    return (await callHttp(`${operators}/actuator/health/${name}`)).status === 200
  }
  const kill = async (): Promise<void> => {
    await killTree(child.pid)
    await exited
  }
  const service: RunningService = {
    port: own,
    url,
    pid: child.pid,
    log,
    noise: () => noise.join('\n'),
    exited,
    http: (path, request) => callHttp(`${url}${path}`, request),
    post: (order, headers = {}) => callHttp(`${url}/orders`, { body: order, headers }),
    metrics: async () => parseMetrics((await callHttp(`${operators}/metrics`)).text),
    stop() {
      child.kill('SIGTERM')
      return exited
    },
    signal: (name) => child.kill(name),
    kill,
    logged(what) {
      const is = typeof what === 'string' ? (line: LogLine) => line.message.includes(what) : what
      return until(() => log.find(is), {
        what: `the log says ${typeof what === 'string' ? `"${what}"` : String(what)}`,
      })
    },
    ready: async () => {
      await until(() => probe('readiness'), { what: 'the service is ready' })
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) await kill()
      await exited
    },
  }
  const entry = { service, ended: false }
  started.push(entry)
  void exited.then(() => (entry.ended = true))
  if (wait === 'nothing') return service
  // This may fail in a hook, where nothing else shows the log.
  await until(() => child.exitCode !== null || probe(wait === 'ready' ? 'readiness' : 'liveness'), {
    what: 'the service is up',
  }).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${lastWords(service)}`)
  })
  if (child.exitCode !== null) {
    await exited
    throw new Error(`the service ended with ${child.exitCode}\n${lastWords(service)}`)
  }
  return service
}
