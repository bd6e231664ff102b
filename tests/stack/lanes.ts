// Runs test files in several processes at a time, on the servers that all of them share. Most tests wait for something, so one process alone
// leaves much of the machine idle.

import { availableParallelism } from 'node:os'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'

/** The rooms whose files take longest, by name: they come first, so that no process is left alone with them at the end. */
const longest = ['chaos', 'e2e', 'sim', 'browser', 'fuzz', 'relay']
const filesMax = 16
const lanesMax = 4

export const lanesOf = (cores = availableParallelism()): number => Math.min(lanesMax, Math.max(1, cores))

const rankOf = (file: string): number => {
  const rank = longest.indexOf(file.split('/')[1] ?? '')
  return rank === -1 ? longest.length : rank
}

/** The files (`tests/<room>/…`) in groups, one for each process: each file is in one of them, and those of the longest rooms come first. */
export const groupsOf = (files: readonly string[]): string[][] => {
  const ordered = files.toSorted((a, b) => rankOf(a) - rankOf(b) || a.localeCompare(b, 'en'))
  const groups: string[][] = []
  for (const file of ordered) {
    const last = groups.at(-1)
    const isFull = last === undefined || last.length === filesMax || rankOf(last[0]!) !== rankOf(file)
    if (isFull) groups.push([file])
    else last.push(file)
  }
  return groups
}

/** Gives each of `lanes` lanes the next group as soon as it is free; whether all passed. A group that failed holds up none. */
export const runInLanes = async <Group>(
  groups: readonly Group[],
  { lanes, run }: { lanes: number; run: (group: Group, at: number) => Promise<boolean> },
): Promise<boolean> => {
  const waiting = [...groups.entries()]
  const lane = async (): Promise<boolean> => {
    let ok = true
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
      ok = (await run(next[1], next[0])) && ok
    return ok
  }
  const passed = await Promise.all(Array.from({ length: lanes }, lane))
  return passed.every(Boolean)
}

const beginsFile = (line: string): boolean => /^tests\/\S+\.test\.ts:$/.test(line)

/**
 * Takes the lines of one process, and shows them by files: all that a file wrote comes together, once the next one begins. So the output of
 * several processes can be read. That a file begins is shown at once: if it hangs, its name is the last word.
 */
export const createBlocks = (show: (block: string) => void): { line: (line: string) => void; end: () => void } => {
  let block: string[] = []
  const flush = (): void => {
    if (block.length > 0) show(block.join('\n'))
    block = []
  }
  return {
    line(line) {
      if (beginsFile(line)) {
        flush()
        show(`begins: ${line.slice(0, -1)}`)
      }
      block.push(line)
    },
    end: flush,
  }
}

/** Shows what a process writes on its two pipes; resolves once both have ended. */
export const showOutput = async (
  { stdout, stderr }: { stdout: ReadableStream<Uint8Array>; stderr: ReadableStream<Uint8Array> },
  show: (block: string) => void,
): Promise<void> => {
  const blocks = createBlocks(show)
  const follow = async (stream: ReadableStream<Uint8Array>): Promise<void> => {
    for await (const line of createInterface({ input: Readable.fromWeb(stream as never) })) blocks.line(line)
  }
  await Promise.all([follow(stdout), follow(stderr)])
  blocks.end()
}
