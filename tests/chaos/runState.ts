// The state that a run needs to resume after an interruption and for its report. It is written whole after every cycle.

import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { StackError } from '../stack/stackError.ts'

export type Ports = Record<
  | 'postgres'
  | 'kafka'
  | 'controller'
  | 'kafkaA'
  | 'kafkaB'
  | 'kafkaProxyA'
  | 'kafkaProxyB'
  | 'postgresProxyA'
  | 'postgresProxyB'
  | 'replicaA'
  | 'replicaB'
  | 'replicaC'
  | 'fixA'
  | 'fixB',
  number
>

export type RunState = {
  seed: number
  ports: Ports
  cycles: number
  elapsedMs: number
  /** How often each fault happened; a named point counts when it fired. */
  faults: Record<string, number>
  injected: Record<string, number>
  /** Milliseconds from the last fault of a cycle until both replicas are ready, by the crash. */
  recoveriesMs: Record<string, number[]>
  /** Milliseconds from the end of the load until the outbox is empty and nothing lags, at each full check. */
  restsMs: number[]
  /** Deadlocks that Postgres had to break; the service repeats the statements. */
  deadlocks: number
}

export const addTo = (counts: Record<string, number>, name: string, n = 1): void =>
  void (counts[name] = (counts[name] ?? 0) + n)

const fileIn = (dir: string): string => join(dir, 'state.json')

export const newState = (seed: number, ports: Ports): RunState => ({
  seed,
  ports,
  cycles: 0,
  elapsedMs: 0,
  faults: {},
  injected: {},
  recoveriesMs: {},
  restsMs: [],
  deadlocks: 0,
})

export const writeState = (dir: string, state: RunState): void => {
  writeFileSync(`${fileIn(dir)}.new`, JSON.stringify(state, null, 2))
  renameSync(`${fileIn(dir)}.new`, fileIn(dir))
}

/** The state of the run to resume. */
export const readState = (dir: string, seed: number): RunState => {
  if (!existsSync(fileIn(dir))) throw new StackError('USAGE', 'there is no run to resume: start one without --resume')
  const state = JSON.parse(readFileSync(fileIn(dir), 'utf8')) as RunState
  if (state.seed !== seed) throw new StackError('USAGE', `the run to resume has --seed ${state.seed}`)
  return state
}
