// The guard: no server outlives the process that started it, however that process ends. A small second process holds the far end
// of a pipe; when the pipe closes (also by SIGKILL of this process) it ends whatever is still on its list.

import { rm } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { endProcess, killTree, signal } from './processes.ts'

type Order = { hold: number; ask: NodeJS.Signals } | { release: number } | { removeDir: string }

const stopLimitMs = 30_000
const heldHere = new Map<number, NodeJS.Signals>()
let pipe: Bun.FileSink | null = null
let closed = false

/** Detached, so that the Ctrl-C which ends this process does not reach the guard first. */
const startGuard = (): Bun.FileSink => {
  const guard = Bun.spawn([process.execPath, import.meta.path], {
    stdin: 'pipe',
    stdout: 'ignore',
    stderr: 'ignore',
    detached: true,
    env: { PATH: process.env['PATH'] ?? '' },
  })
  guard.unref()
  return guard.stdin
}

const send = (order: Order): void => {
  pipe ??= startGuard()
  void pipe.write(`${JSON.stringify(order)}\n`)
  void pipe.flush()
}

/** From now on, if this process dies, the guard sends `ask` to `pid` and kills it if it does not end. */
export const hold = (pid: number, ask: NodeJS.Signals): void => {
  heldHere.set(pid, ask)
  send({ hold: pid, ask })
  // Somebody was still starting servers while everything was being stopped.
  if (closed) signal(pid, 'SIGKILL')
}

export const release = (pid: number): void => {
  heldHere.delete(pid)
  send({ release: pid })
}

/** From now on, if this process dies, the folder is removed after the servers that used it are gone. */
export const removeOnDeath = (dir: string): void => {
  send({ removeDir: dir })
}

/** Ends all processes that this process still holds, the youngest first, each within its limit, and any that start later. */
export const endAllHeld = async (): Promise<void> => {
  closed = true
  for (const [pid, ask] of [...heldHere].toReversed()) {
    await endProcess(pid, ask, stopLimitMs)
    release(pid)
  }
}

/** The same without asking. */
export const killAllHeld = async (): Promise<void> => {
  closed = true
  await Promise.all([...heldHere.keys()].map(killTree))
}

/** The guard's own loop: it notes the processes to end, and ends them all when the pipe closes. */
const watch = async (): Promise<void> => {
  const processes = new Map<number, NodeJS.Signals>()
  const dirs = new Set<string>()
  for await (const line of createInterface({ input: process.stdin })) {
    const order = JSON.parse(line) as Order
    if ('hold' in order) processes.set(order.hold, order.ask)
    else if ('release' in order) processes.delete(order.release)
    else dirs.add(order.removeDir)
  }
  await Promise.all([...processes].map(([pid, ask]) => endProcess(pid, ask, stopLimitMs)))
  await Promise.all([...dirs].map((dir) => rm(dir, { recursive: true, force: true })))
}

if (import.meta.main) await watch()
