// The clock of the machine can be set while a session lasts: by time synchronisation, or when a virtual machine goes on after a pause.

/** Less is the drift of a clock, or the time between two looks. */
const leastMs = 500

/** Answers by how many milliseconds the clock was set since the last call; 0: it was not. `elapsed`: ms that really went by, whatever the clock says. */
export const createClockJumps = (now: () => number, elapsed: () => number): (() => number) => {
  let known = now() - elapsed()
  return () => {
    const present = now() - elapsed()
    const movedMs = present - known
    known = present
    return Math.abs(movedMs) < leastMs ? 0 : movedMs
  }
}
