// Runs a command that uses servers of its own; they end with it, even if it fails.

import { runCommand } from '../../src/build/command.ts'
import { endAllHeld } from '../stack/guard.ts'
import { stopServers } from './servers.ts'

/** `main` answers the exit code. */
export const runWithServers = (main: () => Promise<number>): Promise<void> =>
  runCommand(async () => {
    try {
      return await main()
    } finally {
      await endAllHeld()
      await stopServers()
    }
  })
