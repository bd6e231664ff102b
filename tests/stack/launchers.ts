// Ends `up` when the command that a person started ends. npx puts a shell and `bun run` between, and when it is killed it informs
// neither: so the launchers above us are watched. A shell that somebody types in is not one of them.

import { commandLine, isAlive, parentOf } from './processes.ts'

const watchMs = 1_000

const isRunner = (line: string): boolean => /^\S*\b(npm|npx|bun|bunx|bun\.exe)\s.*\bup\b|\bnpx-cli\.js\b/.test(line)

const isShell = (line: string): boolean => /^\S*\b(sh|bash|dash)\s+-c\b/.test(line)

/** Searches upwards from our parent; a `sh -c` counts only if npm or bun stands above it. */
const findLaunchers = (): number[] => {
  const chain: { pid: number; line: string }[] = []
  for (let pid = process.ppid; pid > 1; pid = parentOf(pid)) {
    const line = commandLine(pid)
    if (!isRunner(line) && !isShell(line)) break
    chain.push({ pid, line })
  }
  const top = chain.findLastIndex(({ line }) => isRunner(line))
  return chain.slice(0, top + 1).map(({ pid }) => pid)
}

/** Calls `onEnd` once when one of the launchers is gone. */
export const watchLaunchers = (onEnd: () => void): void => {
  const launchers = findLaunchers()
  const timer = setInterval(() => {
    if (launchers.every(isAlive)) return
    clearInterval(timer)
    onEnd()
  }, watchMs)
}
