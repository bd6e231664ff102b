// What a run has to remember to go on after a cut, and what its report is made of. Written whole after every cycle.

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
  | 'replicaC',
  number
>

export type RunState = {
  seed: number
  ports: Ports
  cycles: number
  elapsedMs: number
  /** How often each fault was done, a named point counted when it fired. */
  faults: Record<string, number>
  badTrades: Record<string, number>
  /** From the last fault of a cycle to both replicas being ready, by the crash. */
  recoveriesMs: Record<string, number[]>
  /** From the end of the load to an empty outbox and no lag, at each full check. */
  restsMs: number[]
  /** That Postgres had to break; the service repeats what they rolled back. */
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
  badTrades: {},
  recoveriesMs: {},
  restsMs: [],
  deadlocks: 0,
})

export const writeState = (dir: string, state: RunState): void => {
  writeFileSync(`${fileIn(dir)}.new`, JSON.stringify(state, null, 2))
  renameSync(`${fileIn(dir)}.new`, fileIn(dir))
}

/** The state of the run to go on with. */
export const readState = (dir: string, seed: number): RunState => {
  if (!existsSync(fileIn(dir))) throw new StackError('USAGE', 'there is no run to resume: start one without --resume')
  const state = JSON.parse(readFileSync(fileIn(dir), 'utf8')) as RunState
  if (state.seed !== seed) throw new StackError('USAGE', `the run to resume has --seed ${state.seed}`)
  return state
}
