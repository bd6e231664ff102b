// What the matrix found, as the table at its end and as the table of the handbook. Pure.

import { CommandFault } from '../../src/build/command.ts'
import { table } from '../../src/build/docs.ts'
import type { TestCounts } from '../stack/junit.ts'
import { kafkaVersions, postgresVersions } from '../stack/versions.ts'

/** `postgres`, `kafka`: as the servers name themselves, such as 15.18 and 4.1.1. */
export type Result = { postgres: string; kafka: string; counts: TestCounts; seconds: number }

/** All of them together. */
export const total = (results: readonly Result[]): TestCounts => {
  const sum = (of: keyof TestCounts): number => results.reduce((all, { counts }) => all + counts[of], 0)
  return { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') }
}

/** The table at the end of a run: its head and one line a combination. */
export const resultLines = (results: readonly Result[]): string[] => {
  const rows = results.map(({ postgres, kafka, counts, seconds }) => [
    postgres,
    kafka,
    `${counts.passed}`,
    `${counts.failed}`,
    seconds.toFixed(0),
  ])
  const all = [['PostgreSQL', 'Kafka', 'passed', 'failed', 'seconds'], ...rows]
  const width = (column: number): number => Math.max(...all.map((cells) => cells[column]!.length))
  return all.map((cells) =>
    cells.map((cell, column) => (column < 2 ? cell.padEnd(width(column)) : cell.padStart(width(column)))).join('  '),
  )
}

const begin = '<!-- measured: matrix -->\n'
const end = '<!-- end -->'
const head = ['PostgreSQL', 'Kafka', 'passed', 'failed', 'version', 'on']
type Row = readonly string[]
/** When something was run, and of which version. */
type Run = { version: string; on: string }

/** 15 of 15.18, 3.9 of 3.9.2. */
const line = (version: string): string => version.split('.').slice(0, -1).join('.')
const linesOf = ([postgres = '', kafka = '']: Row): readonly [postgres: string, kafka: string] => [
  line(postgres),
  line(kafka),
]

/** Whether the stack runs such servers. One that did not start has no exact version. */
const isKnown = (row: Row): boolean => {
  const [postgres, kafka] = linesOf(row)
  return postgresVersions.some((each) => each === postgres) && kafkaVersions.some((each) => each === kafka)
}

/** The rows that the page has now. */
const rowsIn = (text: string): Row[] =>
  text
    .split('\n')
    .filter((each) => each.startsWith('| '))
    .map((each) =>
      each
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    )

const compare = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true })

/** The newest Kafka first, and under it PostgreSQL from the oldest on. */
const inOrder = (a: Row, b: Row): number => {
  const [[postgres, kafka], [otherPostgres, otherKafka]] = [linesOf(a), linesOf(b)]
  return compare(otherKafka, kafka) || compare(postgres, otherPostgres)
}

/**
 * The page with these results in its table. Each row has its own version of the service and its own date, so that one combination may be run again alone: its row is
 * replaced, the others stay, unless nobody runs such servers any more. A combination whose servers did not start gets no row. `version`:
 * such as 1.5.0. `on`: the day, as 2026-01-31. Throws a CommandFault if the marks are missing.
 */
export const withResults = (page: string, results: readonly Result[], { version, on }: Run): string => {
  const [before, rest] = page.split(begin)
  const at = rest?.indexOf(end) ?? -1
  if (rest === undefined || at === -1)
    throw new CommandFault(`the page has no ${begin.trim()} with an ${end} behind it`)
  const fresh = results.map(({ postgres, kafka, counts }): Row => [
    postgres,
    kafka,
    `${counts.passed}`,
    `${counts.failed}`,
    version,
    on,
  ])
  const rows = new Map(
    [...rowsIn(rest.slice(0, at)), ...fresh].filter(isKnown).map((row) => [linesOf(row).join(), row]),
  )
  return `${before}${begin}\n${table(head, [...rows.values()].toSorted(inOrder))}\n\n${rest.slice(at)}`
}
