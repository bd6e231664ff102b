// The terminal that the table is drawn on: it is given back as it was, however the command ends.

export type Terminal = {
  write: (text: string) => unknown
  columns?: number | undefined
  rows?: number | undefined
}

const enter = '\u001b[?1049h\u001b[?25l'
const leave = '\u001b[?25h\u001b[?1049l'
const home = '\u001b[H'
const restOfLine = '\u001b[K'
const restOfScreen = '\u001b[J'
/** Between these two a terminal that knows them shows nothing half drawn. */
const frame = { begin: '\u001b[?2026h', end: '\u001b[?2026l' }

const defaultSize = { columns: 80, rows: 24 }
/** Ten frames a second at most. */
const frameEveryMs = 100

export const createScreen = (
  terminal: Terminal,
  draw: (size: { columns: number; rows: number }) => readonly string[],
) => {
  let timer: Timer | undefined
  let isOpen = true
  const size = () => ({ columns: terminal.columns || defaultSize.columns, rows: terminal.rows || defaultSize.rows })

  const paint = (): void => {
    const lines = draw(size()).map((line) => `${line}${restOfLine}`)
    terminal.write(`${frame.begin}${home}${lines.join('\r\n')}${restOfScreen}${frame.end}`)
  }
  terminal.write(enter)
  paint()

  return {
    /** Draws again, soon. */
    touch(): void {
      if (!isOpen || timer !== undefined) return
      timer = setTimeout(() => {
        timer = undefined
        if (isOpen) paint()
      }, frameEveryMs)
    },
    /** Gives the terminal back; may be called again. */
    close(): void {
      if (!isOpen) return
      isOpen = false
      clearTimeout(timer)
      terminal.write(leave)
    },
  }
}
