// A command that works on servers of its own: whatever became of it, they end with it.

import { endAllHeld } from '../stack/guard.ts'
import { runCommand } from '../../src/build/command.ts'
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
