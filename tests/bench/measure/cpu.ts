// Which process took how much of a processor while something was measured, from /proc: with two cores for everybody, that
// explains a figure. Without /proc there are no figures.

import { existsSync, readFileSync, readdirSync } from 'node:fs'

/** The parent of a process from /proc/<pid>/stat, and the clock ticks of itself and of its ended children. */
export type ProcessTimes = { pid: number; parent: number; own: number; ended: number }

/** Linux counts in hundredths of a second whatever the kernel's own clock does. */
const ticksPerSecond = 100

/** The name in brackets may hold anything, so fields are counted from its end. */
export const parseStat = (text: string): ProcessTimes => {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const number = (field: number): number => Number(fields[field - 3])
  return {
    pid: Number.parseInt(text, 10),
    parent: number(4),
    own: number(14) + number(15),
    ended: number(16) + number(17),
  }
}

/** Ticks of a process and all its descendants, including ended ones: a server may have a child for each connection. */
export const treeTicks = (root: number, processes: readonly ProcessTimes[]): number => {
  const [self] = processes.filter(({ pid }) => pid === root)
  if (self === undefined) return 0
  const children = processes.filter(({ parent }) => parent === root)
  return self.own + self.ended + children.reduce((sum, child) => sum + treeTicks(child.pid, processes), 0)
}

const readProcesses = (): ProcessTimes[] => {
  if (!existsSync('/proc/self/stat')) return []
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))]
      } catch {
        return [] // It ended between the two looks.
      }
    })
}

/** Processor time by name, in seconds and exact to the tick of 10 ms, and the time that passed meanwhile. */
export type CpuUse = { cpuSeconds: Record<string, number>; wallSeconds: number }

export type CpuClock = { stop: () => CpuUse }

/** Percent of one core, by name. */
export type CpuShares = Record<string, number>

export type CpuMeter = { stop: () => CpuShares }

/** For one measurement's report: rounded to a tenth. */
export const sharesOf = ({ cpuSeconds, wallSeconds }: CpuUse): CpuShares =>
  Object.fromEntries(
    Object.entries(cpuSeconds).map(([name, seconds]) => [name, Math.round((seconds / wallSeconds) * 1000) / 10]),
  )

export const startCpuClock = (roots: Readonly<Record<string, number>>): CpuClock => {
  const ticks = (): Record<string, number> => {
    const processes = readProcesses()
    // All other measured processes are children of this one, so only its own time counts for it.
    const own = processes.find(({ pid }) => pid === process.pid)?.own ?? 0
    const of = (pid: number): number => (pid === process.pid ? own : treeTicks(pid, processes))
    return Object.fromEntries(Object.entries(roots).map(([name, pid]) => [name, of(pid)]))
  }
  const startedAt = performance.now()
  const before = ticks()
  return {
    stop() {
      const wallSeconds = (performance.now() - startedAt) / 1000
      const after = ticks()
      const names = Object.keys(roots)
      const cpuSeconds = names.map((name) => [name, (after[name]! - before[name]!) / ticksPerSecond] as const)
      return { cpuSeconds: Object.fromEntries(cpuSeconds), wallSeconds }
    },
  }
}

/** A clock that tells shares, which is what most measurements report. */
export const startCpuMeter = (roots: Readonly<Record<string, number>>): CpuMeter => {
  const clock = startCpuClock(roots)
  return { stop: () => sharesOf(clock.stop()) }
}

/** Resident memory in MB; 0 without /proc. */
export const residentMb = (pid: number): number => {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return Number(kilobytes ?? 0) / 1024
  } catch {
    return 0
  }
}
