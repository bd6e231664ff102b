// A failure of the stack that the person at the terminal can mend, with a code for callers that continue without the part.

import { CommandFault } from '../../src/build/command.ts'

/** Why a server could not be started; `up` goes on without Kafka for the two that only concern Kafka. */
export type StackFault = 'JAVA_MISSING' | 'MAVEN_MISSING' | 'PORT_TAKEN' | 'START_FAILED' | 'NO_STACK' | 'USAGE'

export class StackError extends CommandFault {
  readonly code: StackFault

  constructor(code: StackFault, message: string) {
    super(message)
    this.name = 'StackError'
    this.code = code
  }
}
