// Processes, the same on Linux and macOS: which live, what they run, who their children are, and a sure way to end them.

import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { sleep } from 'bun'

const pollMs = 20

/** True while the process exists and is not merely waiting to be reaped. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  return statOf(pid)?.state !== 'Z'
}

/** The command line of a process, or '' when it is gone. */
export function commandLine(pid: number): string {
  if (existsSync('/proc/self')) return readOrEmpty(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim()
  return Bun.spawnSync(['ps', '-o', 'command=', '-p', `${pid}`])
    .stdout.toString()
    .trim()
}

/** The direct children of a process. */
export function childrenOf(parent: number): number[] {
  return processTable()
    .filter(([, ppid]) => ppid === parent)
    .map(([pid]) => pid)
}

/** The parent of a process, 0 when there is none to be seen. */
export function parentOf(pid: number): number {
  return processTable().find(([each]) => each === pid)?.[1] ?? 0
}

/** Sends a signal to a process, or to a group when negative; one that is already gone is no error. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It ended between the look and the signal.
  }
}

/**
 * Kills a process that was started detached, its children and its group, at once. The parent first: it must not see a
 * child die and start another.
 */
export async function killTree(pid: number): Promise<void> {
  const children = childrenOf(pid)
  for (const each of [pid, ...children, -pid]) signal(each, 'SIGKILL')
  await Promise.all([pid, ...children].map((each) => waitForEnd(each, 10_000)))
}

/** Asks a detached process to end and, past the limit, ends it; what it forgot of its group goes with it. */
export async function endProcess(pid: number, ask: NodeJS.Signals, limitMs: number): Promise<void> {
  signal(pid, ask)
  if (await waitForEnd(pid, limitMs)) signal(-pid, 'SIGKILL')
  else await killTree(pid)
}

async function waitForEnd(pid: number, limitMs: number): Promise<boolean> {
  const deadline = Date.now() + limitMs
  while (isAlive(pid)) {
    if (Date.now() > deadline) return false
    await sleep(pollMs)
  }
  return true
}

/** Every process as [pid, parent]. Without /proc the table comes from `ps`. */
function processTable(): [number, number][] {
  if (!existsSync('/proc/self')) {
    const lines = Bun.spawnSync(['ps', '-A', '-o', 'pid=,ppid=']).stdout.toString().trim().split('\n')
    return lines.map((line) => line.trim().split(/\s+/).map(Number) as [number, number])
  }
  const pids = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
  return pids.map((pid) => [pid, statOf(pid)?.parent ?? 0])
}

/** State and parent from /proc; the name before them may hold spaces and brackets, so it is cut at the last one. */
function statOf(pid: number): { state: string; parent: number } | null {
  const text = readOrEmpty(`/proc/${pid}/stat`)
  const [state, parent] = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return state ? { state, parent: Number(parent) } : null
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
