// Reads what `bun test` writes while it runs, line by line: which file it is at, and which test failed. Pure.

/** The lines to show for a line of its output: most of them none. `files`: how many there are. */
export const createProgress = (files: number): ((line: string, seconds: number) => string[]) => {
  let begun = 0
  return (line, seconds) => {
    const file = /^(tests\/\S+\.test\.ts):$/.exec(line)?.[1]
    if (file !== undefined) {
      begun += 1
      return [`  ${`${begun}`.padStart(3)}/${files}  ${clock(seconds)}  ${file}`]
    }
    return line.startsWith('(fail) ') ? [`           FAILED  ${line.slice('(fail) '.length)}`] : []
  }
}

/** Minutes and seconds, as 12:05. */
const clock = (seconds: number): string => {
  const whole = Math.floor(seconds)
  return `${`${Math.floor(whole / 60)}`.padStart(3)}:${`${whole % 60}`.padStart(2, '0')}`
}
