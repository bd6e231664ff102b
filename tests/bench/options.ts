// The command line of the benchmark.

import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { StackError } from '../stack/stackError.ts'

export const workloadNames = [
  'W1',
  'W2',
  'W3',
  'W4',
  'W5',
  'W6',
  'W7',
  'W8',
  'W9',
  'W10',
  'W11',
  'W12',
  'W13',
  'W14',
] as const
export type WorkloadName = (typeof workloadNames)[number]

/** Those that count operations and the processor over the same time. */
export const comparedNames = ['W1', 'W2', 'W3', 'W4', 'W6', 'W12'] as const satisfies readonly WorkloadName[]

export const help = `bun run bench [--only W1,W2] [--rounds N] [--seconds N] [--minutes N] [--orders N]
              [--resume] [--quick] [--publish]
bun run bench --against <binary> [--only W1,W2,W3,W4,W6,W12] [--rounds N] [--seconds N]

Measures the compiled service on a Postgres and a Kafka of its own, with data on disk and full durability, against what
the same machine can do without it: each limit runs in the same rounds as the workload it bounds. Every run ends with a
recount of what was acknowledged, stored and published; a figure without its recount is marked invalid. The report
(report.json, report.md and plots) is written to .data/bench/report after every workload. About two and a half hours.

  W1  placing orders     W3  the outbox          W5  mixed load for half an hour    W7  start, idle, size
  W2  applying trades    W4  reading an order    W6  growth to ten million orders
  W8  overload and fairness                      W9  one, two and three replicas        W10 tokens and traces
  W11 streams            W12 many orders a request      W13 one close
  W14 placing orders by FIX

  --only W1       only this workload (repeat it, or give a list: W1,W4)
  --rounds N      rounds of W1 to W4 (default 5; --against: 7)
  --seconds N     of one timed measurement (default 15)
  --minutes N     of W5 (default 30)
  --orders N      W6 grows to so many millions of orders (default 10)
  --resume        go on after a cut, in the rounds and sizes that it began with: what was measured stays
  --quick         three ratios in less than two minutes: W1/L1, W2/L5, W4/L8
  --publish       copy the report into tests/bench/results, which the README shows
  --against FILE  compare another compiled binary, A, with this tree's, B: processor time an operation of W1 (POST, 64
                  connections), W2 (drain), W3 (the outbox's drain), W4 (GET, 64 connections), W6 (POST as in W1, at a
                  million orders) and W12 (100 orders a request, 16 connections), A and B in turn in each round (default 7). Its report is .data/bench-against/report/report.json. Rates wander with the machine, processor time less.

Exit codes: 0 measured, 1 a recount found something or a measurement failed, 2 wrk or pgbench is missing.`

export type Options = {
  only: readonly WorkloadName[]
  rounds: number
  seconds: number
  minutes: number
  millions: number
  resume: boolean
  quick: boolean
  publish: boolean
  /** The absolute path of the binary to compare with. */
  against: string | null
}

const usage = (fault: string): never => {
  throw new StackError('USAGE', `${fault}\n\n${help}`)
}

const whole = (name: string, text: string, most: number): number => {
  const value = /^[1-9]\d{0,8}$/.test(text) ? Number(text) : 0
  return value >= 1 && value <= most ? value : usage(`${name} must be a whole number from 1 to ${most}`)
}

type Names = readonly WorkloadName[]

const readNames = (lists: readonly string[] | undefined, names: Names): Names => {
  if (lists === undefined) return names
  const choice = lists.flatMap((list) => list.split(',')).map((name) => name.trim().toUpperCase())
  const strange = choice.find((name) => !names.some((one) => one === name))
  if (strange !== undefined) usage(`--only takes ${names.join(', ')}, not ${JSON.stringify(strange)}`)
  return names.filter((name) => choice.includes(name))
}

const parse = (args: string[]) => {
  try {
    return parseArgs({
      args,
      options: {
        only: { type: 'string', multiple: true },
        rounds: { type: 'string' },
        seconds: { type: 'string', default: '15' },
        minutes: { type: 'string' },
        orders: { type: 'string' },
        resume: { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        publish: { type: 'boolean', default: false },
        against: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    return usage((error as Error).message)
  }
}

/** A program that this user may start, as an absolute path. */
const readBinary = (file: string): string => {
  const path = resolve(file)
  const executable = statSync(path, { throwIfNoEntry: false })?.isFile() === true && Bun.which(path) !== null
  return executable
    ? path
    : usage(`--against takes a compiled binary of this service: ${path} is no file that can be run`)
}

/** The options that a comparison (`--against`) does not take. */
const aloneFlags = ['minutes', 'orders', 'resume', 'quick', 'publish'] as const

export const readOptions = (args: string[]): Options | 'help' => {
  const values = parse(args)
  if (values.help) return 'help'
  if (values.quick && values.resume) usage('--quick is over before it could be cut: it takes no --resume')
  const compares = values.against !== undefined
  const alone = aloneFlags.find((name) => values[name] !== undefined && values[name] !== false)
  if (compares && alone !== undefined) usage(`--against takes no --${alone}`)
  return {
    only: readNames(values.only, compares ? comparedNames : workloadNames),
    rounds: whole('--rounds', values.rounds ?? (compares ? '7' : '5'), 100),
    seconds: whole('--seconds', values.seconds, 600),
    minutes: whole('--minutes', values.minutes ?? '30', 600),
    millions: whole('--orders', values.orders ?? '10', 100),
    resume: values.resume,
    quick: values.quick,
    publish: values.publish,
    against: values.against === undefined ? null : readBinary(values.against),
  }
}
