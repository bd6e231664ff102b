// Observes the memory and the open files of the service's process. Without /proc both are 0.

import { readdirSync, readFileSync } from 'node:fs'

/** Resident memory in MB; 0 where the system does not say. */
export const residentMb = (pid: number): number => {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}

/** Open files; 0 where the system does not say. */
export const openFiles = (pid: number): number => {
  try {
    return readdirSync(`/proc/${pid}/fd`).length
  } catch {
    return 0
  }
}

/** The highest resident memory of all samples, in MB. */
export const watchMemory = (pid: number, everyMs = 100): { stop: () => number } => {
  let highest = residentMb(pid)
  const timer = setInterval(() => (highest = Math.max(highest, residentMb(pid))), everyMs)
  return {
    stop() {
      clearInterval(timer)
      return Math.max(highest, residentMb(pid))
    },
  }
}
