// A real server process: start it, wait until it answers, stop it, kill it with everything under it, and start it again on the
// same data. Postgres, Kafka, the service and the engine all run this way.

import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { sleep } from 'bun'
import { hold, release } from './guard.ts'
import { endProcess, killTree } from './processes.ts'
import { StackError } from './stackError.ts'

export type ServerPlan = {
  name: string
  command: string[]
  env?: Record<string, string>
  user?: { uid: number; gid: number }
  /** stdout and stderr are appended here; `inherit` shows them on the terminal instead. */
  output: { file: string } | 'inherit'
  askToStop: NodeJS.Signals
  stopLimitMs: number
  readyLimitMs: number
  /** Asked again and again until it says true; it may also throw while the server is not there yet. */
  isReady: (pid: number) => Promise<boolean>
}

export type Server = {
  readonly name: string
  readonly pid: number
  /** Settles when the present process ends, for whatever reason. */
  readonly exited: Promise<number>
  stop: () => Promise<void>
  kill: () => Promise<void>
  /** Stops it when it runs, then starts it on the same data and port. */
  restart: () => Promise<void>
  /** The last lines that it wrote. */
  logTail: (lines?: number) => Promise<string>
}

const pollMs = 25

const exitOf = (child: { exitCode: number | null; signalCode: string | number | null }): string =>
  child.signalCode === null ? `exit code ${child.exitCode}` : `${child.signalCode}`

const logTail = async (plan: ServerPlan, lines: number): Promise<string> => {
  if (plan.output === 'inherit') return ''
  const text = await Bun.file(plan.output.file).text()
  return text.trimEnd().split('\n').slice(-lines).join('\n')
}

const whyNot = async (plan: ServerPlan, child: Bun.Subprocess, late: boolean): Promise<string> => {
  const how = late ? `did not answer within ${plan.readyLimitMs / 1000} s` : `ended at start (${exitOf(child)})`
  const where = plan.output === 'inherit' ? '' : `; the end of ${plan.output.file}:\n${await logTail(plan, 20)}`
  return `${plan.name} ${how}${where}`
}

const waitUntilReady = async (plan: ServerPlan, child: Bun.Subprocess): Promise<void> => {
  const deadline = Date.now() + plan.readyLimitMs
  while (!(await plan.isReady(child.pid).catch(() => false))) {
    const late = Date.now() > deadline
    if (late) await killTree(child.pid)
    if (late || child.exitCode !== null || child.signalCode !== null) {
      release(child.pid)
      throw new StackError('START_FAILED', await whyNot(plan, child, late))
    }
    await sleep(pollMs)
  }
}

const openOutput = (plan: ServerPlan): number | 'inherit' => {
  if (plan.output === 'inherit') return 'inherit'
  mkdirSync(dirname(plan.output.file), { recursive: true })
  return openSync(plan.output.file, 'a')
}

/** Detached: Ctrl-C at the terminal reaches the command alone, which then stops its servers in order. */
const launch = async (plan: ServerPlan): Promise<Bun.Subprocess> => {
  const output = openOutput(plan)
  const child = Bun.spawn(plan.command, {
    stdin: 'ignore',
    stdout: output,
    stderr: output,
    detached: true,
    env: { ...process.env, ...plan.env },
    ...plan.user,
  })
  if (typeof output === 'number') closeSync(output)
  hold(child.pid, plan.askToStop)
  child.unref()
  await waitUntilReady(plan, child)
  return child
}

export const startServer = async (plan: ServerPlan): Promise<Server> => {
  let child = await launch(plan)
  const end = async (how: () => Promise<void>): Promise<void> => {
    await how()
    await child.exited
    release(child.pid)
  }
  const stop = () => end(() => endProcess(child.pid, plan.askToStop, plan.stopLimitMs))
  return {
    name: plan.name,
    get pid() {
      return child.pid
    },
    get exited() {
      return child.exited
    },
    stop,
    kill: () => end(() => killTree(child.pid)),
    restart: async () => {
      await stop()
      child = await launch(plan)
    },
    logTail: (lines = 20) => logTail(plan, lines),
  }
}

/** Runs a tool to its end; answers its exit code and all that it wrote. Held, so it does not outlive us either. */
export const runTool = async (
  command: string[],
  options: { user?: { uid: number; gid: number }; env?: Record<string, string> } = {},
): Promise<{ exitCode: number; output: string }> => {
  const env = { ...process.env, ...options.env }
  const stdio = ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe']
  const tool = Bun.spawn(command, { stdio, cwd: '/', detached: true, env, ...options.user })
  hold(tool.pid, 'SIGTERM')
  const output = await Promise.all([new Response(tool.stdout).text(), new Response(tool.stderr).text()])
  const exitCode = await tool.exited
  release(tool.pid)
  return { exitCode, output: output.join('').trim() }
}
