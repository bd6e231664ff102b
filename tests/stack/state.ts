// Keeps a record of what runs in .data/stack.json, so that `psql` and `tail` find it and the next `up` finds what an earlier one
// left behind. A process counts as ours only if its command line still carries our mark.

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { dataDir } from './paths.ts'
import { commandLine, endProcess, isAlive } from './processes.ts'
import { StackError } from './stackError.ts'

type StackProcess = {
  name: string
  pid: number
  /** Something that only this process's command line holds: a path of this checkout. */
  mark: string
}

export type StackState = {
  /** The process id of `up` itself. */
  pid: number
  databaseUrl: string | null
  kafka: string | null
  processes: StackProcess[]
}

const file = join(dataDir, 'stack.json')

/** Readable by the owner alone: it holds the database's password. */
export const writeState = (state: StackState): void => {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 })
}

const readState = (): StackState | null => {
  if (!existsSync(file)) return null
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as StackState
  } catch {
    return null
  }
}

/** Removes only our own record: an `up` that was refused must not hide the one that runs. */
export const removeState = (): void => {
  if (readState()?.pid === process.pid) rmSync(file)
}

const isUp = (state: StackState): boolean => isAlive(state.pid) && commandLine(state.pid).includes('up.ts')

/** The stack that runs now, or null. */
const runningStack = (): StackState | null => {
  const state = readState()
  return state && isUp(state) ? state : null
}

/** The running stack's database or Kafka, unless the environment names one. */
export const findServer = (key: 'DATABASE_URL' | 'KAFKA_BOOTSTRAP_SERVERS'): string => {
  const state = runningStack()
  const found = process.env[key] || (key === 'DATABASE_URL' ? state?.databaseUrl : state?.kafka)
  if (found) return found
  const why = state ? 'the running stack has none' : 'no stack runs here'
  throw new StackError('NO_STACK', `${why}: start one with \`bun run up\`, or give ${key}.`)
}

/** Ends what a killed `up` left behind; a stack that runs is not touched but refused. */
export const endLeftovers = async (log: (line: string) => void): Promise<void> => {
  const state = readState()
  if (!state) return
  if (isUp(state))
    throw new StackError('PORT_TAKEN', `the stack runs already (process ${state.pid}): stop that one first.`)
  for (const { name, pid, mark } of state.processes.toReversed()) {
    if (!isAlive(pid) || !commandLine(pid).includes(mark)) continue
    log(`ending ${name} (process ${pid}), left behind by an earlier run`)
    await endProcess(pid, name === 'Postgres' ? 'SIGINT' : 'SIGTERM', 30_000)
  }
  rmSync(file)
}
