// Every kind of record that the generator knows, by name. A kind plans its steps on one partition (some on all); which
// values its records have, and what becomes of them, is for the oracle of trades to say.

import { batchKinds } from './batchKinds.ts'
import { encodingKinds } from './encodingKinds.ts'
import { headerKinds } from './headerKinds.ts'
import type { Pen } from './pen.ts'
import type { Step } from './sender.ts'
import { transactionKinds } from './transactionKinds.ts'
import { valueKinds } from './valueKinds.ts'

export type Kind = (pen: Pen) => Step[]

export const kinds: Readonly<Record<string, Kind>> = {
  ...headerKinds,
  ...valueKinds,
  ...batchKinds,
  ...encodingKinds,
  ...transactionKinds,
}
