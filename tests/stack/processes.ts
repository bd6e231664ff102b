// Processes, the same on Linux and macOS: which live, what they run, who their children are, and a sure way to end them.

import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { sleep } from 'bun'

const pollMs = 20

const readOrEmpty = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** State and parent from /proc; the name before them may hold spaces and brackets, so it is cut at the last one. */
const statOf = (pid: number): { state: string; parent: number } | null => {
  const text = readOrEmpty(`/proc/${pid}/stat`)
  const [state, parent] = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return state ? { state, parent: Number(parent) } : null
}

/** True while the process exists and is not merely waiting to be reaped. */
export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  return statOf(pid)?.state !== 'Z'
}

/** The command line of a process, or '' when it is gone. */
export const commandLine = (pid: number): string => {
  if (existsSync('/proc/self')) return readOrEmpty(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim()
  return Bun.spawnSync(['ps', '-o', 'command=', '-p', `${pid}`])
    .stdout.toString()
    .trim()
}

/** Every process as [pid, parent]. Without /proc the table comes from `ps`. */
const processTable = (): [number, number][] => {
  if (!existsSync('/proc/self')) {
    const lines = Bun.spawnSync(['ps', '-A', '-o', 'pid=,ppid=']).stdout.toString().trim().split('\n')
    return lines.map((line) => line.trim().split(/\s+/).map(Number) as [number, number])
  }
  const pids = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
  return pids.map((pid) => [pid, statOf(pid)?.parent ?? 0])
}

/** The direct children of a process. */
export const childrenOf = (parent: number): number[] =>
  processTable()
    .filter(([, ppid]) => ppid === parent)
    .map(([pid]) => pid)

/** The parent of a process, 0 when there is none to be seen. */
export const parentOf = (pid: number): number => processTable().find(([each]) => each === pid)?.[1] ?? 0

/** Sends a signal to a process, or to a group when negative; one that is already gone is no error. */
export const signal = (pid: number, name: NodeJS.Signals): void => {
  try {
    process.kill(pid, name)
  } catch {
    // It ended between the look and the signal.
  }
}

const waitForEnd = async (pid: number, limitMs: number): Promise<boolean> => {
  const deadline = Date.now() + limitMs
  while (isAlive(pid)) {
    if (Date.now() > deadline) return false
    await sleep(pollMs)
  }
  return true
}

/**
 * Kills a process that was started detached, its children and its group, at once. The parent first: it must not see a
 * child die and start another.
 */
export const killTree = async (pid: number): Promise<void> => {
  const children = childrenOf(pid)
  for (const each of [pid, ...children, -pid]) signal(each, 'SIGKILL')
  await Promise.all([pid, ...children].map((each) => waitForEnd(each, 10_000)))
}

/** Asks a detached process to end and, past the limit, ends it; what it forgot of its group goes with it. */
export const endProcess = async (pid: number, ask: NodeJS.Signals, limitMs: number): Promise<void> => {
  signal(pid, ask)
  if (await waitForEnd(pid, limitMs)) signal(-pid, 'SIGKILL')
  else await killTree(pid)
}
