// Every request of the comparison, in the sections of the handbook's page.

import { methods, operating } from './around.ts'
import type { ParityCase } from './case.ts'
import { canceling, reading, trading } from './orders.ts'
import { placing } from './placing.ts'

export const sections = [
  { title: 'Place an order', cases: placing },
  { title: 'Read an order', cases: reading },
  { title: 'Cancel an order', cases: canceling },
  { title: 'Read an order after a trade', cases: trading },
  { title: 'Other methods', cases: methods },
  { title: 'Operation', cases: operating },
] as const satisfies readonly { title: string; cases: readonly ParityCase[] }[]

export const allCases: readonly ParityCase[] = sections.flatMap(({ cases }): readonly ParityCase[] => cases)
