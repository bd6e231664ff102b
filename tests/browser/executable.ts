// Where this machine's Chromium is, if it has one.

import { CommandFault } from '../../src/build/command.ts'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** What to do about a machine that has none, for a message. */
export const noChromium = 'no Chromium here: install it (Debian: apt-get install chromium) or set CHROMIUM'

/** The path of the executable: that of CHROMIUM, else the first that PATH has; null if there is none. */
export const findChromium = (): string | null => {
  const { CHROMIUM } = process.env
  const candidates = CHROMIUM ? [CHROMIUM] : names
  return candidates.map((name) => Bun.which(name)).find((path) => path !== null) ?? null
}

/** The same; throws a CommandFault that says how to install it. */
export const requireChromium = (): string => {
  const found = findChromium()
  if (found === null) throw new CommandFault(noChromium)
  return found
}
