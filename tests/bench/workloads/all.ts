// Every workload by its name, and the slice of them that a quick run takes.

import type { Bench, Workload } from '../bench.ts'
import { w1 } from './w1.ts'
import { w2 } from './w2.ts'
import { w3 } from './w3.ts'
import { w4 } from './w4.ts'
import { w5 } from './w5.ts'
import { w6 } from './w6.ts'
import { w7 } from './w7.ts'
import { w8 } from './w8.ts'
import { w9 } from './w9.ts'
import { w10 } from './w10.ts'
import { w11 } from './w11.ts'
import { w12 } from './w12.ts'
import { w13 } from './w13.ts'
import { w14 } from './w14.ts'

export const workloadsOf = (bench: Bench): Workload[] =>
  [w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14].map((make) => make(bench))

const quickCells: readonly string[] = ['L1', '64 connections', 'L5', 'drain', 'L8', 'GET, 64 connections']

export const quickWorkloads = (bench: Bench): Workload[] =>
  [w1, w2, w4].map((make) => {
    const whole = make(bench)
    const isQuick = (name: string): boolean => quickCells.includes(name) || quickCells.includes(name.split(' ')[0]!)
    return { ...whole, cells: whole.cells.filter(({ name }) => isQuick(name)) }
  })
