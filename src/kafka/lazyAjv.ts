// Why it stays: while the Kafka library is loaded it compiles a validator for the options of every call it knows, 38 of them; most are
// never used. Without this file the service listens 0.15 s later (0.44 s instead of 0.27 s) and spends 0.15 s more of processor time at
// each start: medians of eleven pairs of the compiled binary. It can go when the library compiles them lazily itself.
//
// From the import of this module until `endLaziness` a validator is compiled when it is first asked. What it accepts and refuses
// stays the same. `ajv` is a package of ours for this alone, so it has to be the one that the library resolves: `endLaziness` checks it.

import { Ajv2020, type AnySchema, type ValidateFunction } from 'ajv/dist/2020.js'
import { assert } from '../domain/assert.ts'

const compileNow: Ajv2020['compile'] = Reflect.get(Ajv2020.prototype, 'compile')

let postponed = 0

const compileLater = function (this: Ajv2020, schema: AnySchema, meta?: boolean): ValidateFunction {
  postponed++
  let compiled: ValidateFunction | undefined
  const validate = (data: unknown): boolean => {
    compiled ??= compileNow.call(this, schema, meta)
    const valid = compiled(data)
    validate.errors = compiled.errors
    return valid
  }
  validate.errors = null as ValidateFunction['errors']
  return validate as ValidateFunction
}

Ajv2020.prototype.compile = compileLater as typeof compileNow

/** Gives Ajv back as it was. Throws where the library compiled nothing with it: then it has loaded another copy. */
export const endLaziness = (): void => {
  Ajv2020.prototype.compile = compileNow
  assert(postponed > 0, 'the Kafka library uses the same Ajv as lazyAjv.ts')
}
