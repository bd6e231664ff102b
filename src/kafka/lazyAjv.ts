// While the Kafka library is loaded it compiles a validator for the options of every call it knows, 38 of them, which took 0.2 s of
// the service's start; most are never used. From the import of this module until `endLaziness` a validator is compiled
// when it is first asked. What it accepts and refuses stays the same.

import { Ajv2020, type AnySchema, type ValidateFunction } from 'ajv/dist/2020.js'

const compileNow: Ajv2020['compile'] = Reflect.get(Ajv2020.prototype, 'compile')

const compileLater = function (this: Ajv2020, schema: AnySchema, meta?: boolean): ValidateFunction {
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

export const endLaziness = (): void => {
  Ajv2020.prototype.compile = compileNow
}
