// The command line of the benchmark.

import { parseArgs } from 'node:util'
import { StackError } from '../stack/stackError.ts'

export const workloadNames = ['W1', 'W2', 'W3', 'W4', 'W5', 'W6', 'W7', 'W8', 'W9', 'W10'] as const
export type WorkloadName = (typeof workloadNames)[number]

export const help = `bun run bench [--only W1,W2] [--rounds N] [--seconds N] [--minutes N] [--orders N]
              [--resume] [--quick] [--publish]

Measures the compiled service on a Postgres and a Kafka of its own, with data on disk and full durability, against what
the same machine can do without it: each limit runs in the same rounds as the workload it bounds. Every run ends with a
recount of what was acknowledged, stored and published; a figure without its recount is marked invalid. The report
(report.json, report.md and plots) is written to .data/bench/report after every workload. About two and a half hours.

  W1  placing orders     W3  the outbox          W5  mixed load for half an hour    W7  start, idle, size
  W2  applying trades    W4  reading an order    W6  growth to ten million orders
  W8  overload and fairness                      W9  one, two and three replicas        W10 tokens and traces

  --only W1       only this workload (repeat it, or give a list: W1,W4)
  --rounds N      rounds of W1 to W4 (default 5)
  --seconds N     of one timed measurement (default 15)
  --minutes N     of W5 (default 30)
  --orders N      W6 grows to so many millions of orders (default 10)
  --resume        go on after a cut, in the rounds and sizes that it began with: what was measured stays
  --quick         three ratios in less than two minutes: W1/L1, W2/L5, W4/L8
  --publish       copy the report into tests/bench/results, which the README shows

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
}

const usage = (fault: string): never => {
  throw new StackError('USAGE', `${fault}\n\n${help}`)
}

const whole = (name: string, text: string, most: number): number => {
  const value = /^[1-9]\d{0,8}$/.test(text) ? Number(text) : 0
  return value >= 1 && value <= most ? value : usage(`${name} must be a whole number from 1 to ${most}`)
}

const readNames = (given: readonly string[] | undefined): readonly WorkloadName[] => {
  if (given === undefined) return workloadNames
  const asked = given.flatMap((list) => list.split(',')).map((name) => name.trim().toUpperCase())
  const strange = asked.find((name) => !workloadNames.some((known) => known === name))
  if (strange !== undefined) usage(`--only takes ${workloadNames.join(', ')}, not ${JSON.stringify(strange)}`)
  return workloadNames.filter((name) => asked.includes(name))
}

const parse = (args: string[]) => {
  try {
    return parseArgs({
      args,
      options: {
        only: { type: 'string', multiple: true },
        rounds: { type: 'string', default: '5' },
        seconds: { type: 'string', default: '15' },
        minutes: { type: 'string', default: '30' },
        orders: { type: 'string', default: '10' },
        resume: { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        publish: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    return usage((error as Error).message)
  }
}

export const readOptions = (args: string[]): Options | 'help' => {
  const values = parse(args)
  if (values.help) return 'help'
  if (values.quick && values.resume) usage('--quick is over before it could be cut: it takes no --resume')
  return {
    only: readNames(values.only),
    rounds: whole('--rounds', values.rounds, 100),
    seconds: whole('--seconds', values.seconds, 600),
    minutes: whole('--minutes', values.minutes, 600),
    millions: whole('--orders', values.orders, 100),
    resume: values.resume,
    quick: values.quick,
    publish: values.publish,
  }
}
