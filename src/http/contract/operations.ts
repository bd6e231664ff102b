// Every route. A test checks that this table and the app's routes are the same set.

import { batchOperations } from './batchOperations.ts'
import { blotterOperations } from './blotterOperations.ts'
import { contractOperations } from './contractOperations.ts'
import { exceptionOperations } from './exceptionOperations.ts'
import { manyOperations } from './manyOperations.ts'
import { withIds } from './operation.ts'
import { operatorOperations } from './operatorOperations.ts'
import { orderOperations } from './orderOperations.ts'
import { ruleOperations } from './ruleOperations.ts'
import { streamOperations } from './streamOperations.ts'

export const operations = withIds({
  ...orderOperations,
  ...batchOperations,
  ...manyOperations,
  ...streamOperations,
  ...exceptionOperations,
  ...ruleOperations,
  ...operatorOperations,
  ...contractOperations,
  ...blotterOperations,
})
export type Operations = typeof operations
export type OperationId = keyof Operations
