// The library compiles a validator for the options of each of its calls while it loads, 38 of them: as much processor time as all the rest
// of a start. None is asked but one (our clients are not `strict`): TypeScript knows our options, and what is in them of the configuration was
// judged when that was read. So none is compiled. This changes the library's own instance of the compiler, and nothing of its class: whoever
// loaded the library before has compiled validators, and no other difference. The library exports that instance only together with
// everything that was compiled by then, so tsconfig.json names its file.

import { ajv } from '@platformatic/kafka/utils'

const accept = Object.assign(() => true, { errors: null })

ajv.compile = () => accept
