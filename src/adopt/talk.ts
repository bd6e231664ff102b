// What the command says: lines for whoever keeps them, and how far it is.

import type { Progress } from '../telemetry/terminal.ts'

export type Talk = { progress: Progress; print: (line: string) => Promise<void> }
