// Promises: a failure that the person at the terminal can mend. Its message is one sentence that says what to do,
// so the commands print it without a stack. Every other error is a bug and keeps its stack.

/** Why a server could not be started; `up` goes on without Kafka for the two that only concern Kafka. */
export type StackFault = 'JAVA_MISSING' | 'MAVEN_MISSING' | 'PORT_TAKEN' | 'START_FAILED' | 'NO_STACK' | 'USAGE'

export class StackError extends Error {
  readonly code: StackFault

  constructor(code: StackFault, message: string) {
    super(message)
    this.name = 'StackError'
    this.code = code
  }
}

/** Runs a command's main function; a StackError becomes its one sentence on stderr and exit code 1. */
export async function runCommand(main: () => Promise<number>): Promise<never> {
  try {
    process.exit(await main())
  } catch (error) {
    console.error(error instanceof StackError ? error.message : error)
    process.exit(1)
  }
}
