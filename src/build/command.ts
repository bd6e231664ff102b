// How a command of the repository ends: with its exit code, and with one sentence if the person at the terminal can mend the failure.

/** Its message is one sentence that says what to do, and is printed without a stack. Every other error is a bug and keeps its stack. */
export class CommandFault extends Error {
  override name = 'CommandFault'
}

/** Runs a command's main function and exits with its code; a CommandFault becomes its one sentence on stderr and exit code 1. */
export const runCommand = async (main: () => Promise<number>): Promise<never> => {
  try {
    process.exit(await main())
  } catch (error) {
    console.error(error instanceof CommandFault ? error.message : error)
    process.exit(1)
  }
}
