// `orders completion bash`: a script by which bash completes subcommands, flags and their values. What the commands that call a service
// take is read from their own tables.

import { pages } from '../handbook/pages.ts'
import { commands } from '../operate/commands.ts'
import { commonFlags, type Flag } from '../operate/grammar.ts'
import { printLine } from '../telemetry/terminal.ts'

type Completed = {
  flags: Readonly<Record<string, Pick<Flag, 'kind' | 'words'>>>
  /** What is offered where no flag stands. */
  words?: readonly string[]
}

const text = { kind: 'text' } as const
const word = { kind: 'switch' } as const
const file = { kind: 'text', words: 'files' } as const
const scopes = ['orders:read', 'orders:write', 'orders:admin'] as const

/** The other subcommands. A test holds them against `orders --help`. */
export const otherCommands = {
  serve: { flags: {} },
  migrate: { flags: {} },
  adopt: {
    flags: {
      'dry-run': word,
      list: word,
      transactions: text,
      'opening-balances': word,
      swallowed: { kind: 'text', words: ['exceptions', 'late'] },
      'publish-undecided': word,
      'cancel-older-than': text,
      back: word,
    },
  },
  health: { flags: { ready: word } },
  verify: { flags: { topics: word, json: word, 'slack-ms': text } },
  redrive: {
    flags: {
      reports: word,
      'dry-run': word,
      all: word,
      disposition: text,
      order: text,
      id: text,
      since: text,
      until: text,
      limit: text,
    },
  },
  expire: { flags: { 'older-than': text, user: text, ticker: text, 'dry-run': word } },
  watch: { flags: { user: text, ticker: text, order: text, json: word, url: text, 'ca-file': file, help: word } },
  'api-key': { flags: { subject: text, scopes: { kind: 'text', words: scopes }, id: text, expires: text, help: word } },
  'fix-session': {
    flags: {
      sender: text,
      user: text,
      target: text,
      id: text,
      scopes: { kind: 'text', words: ['orders:read', 'orders:write'] },
      reports: { kind: 'text', words: ['own', 'all'] },
      help: word,
    },
  },
  openapi: { flags: {} },
  asyncapi: { flags: {} },
  proto: { flags: {} },
  licenses: { flags: {} },
  dashboard: { flags: {} },
  alerts: { flags: { 'runbook-base': text, help: word } },
  completion: { flags: {}, words: ['bash'] },
  help: { flags: {}, words: pages.map(({ name }) => name) },
} as const satisfies Readonly<Record<string, Completed>>

/** A command of two words is offered behind its first. */
const innerWords = (name: string): string[] =>
  Object.keys(commands).flatMap((other) => (other.startsWith(`${name} `) ? [other.slice(name.length + 1)] : []))

const completed = (): [string, Completed][] => [
  ...Object.entries(commands).map(([name, { flags, words = [] }]): [string, Completed] => [
    name,
    { flags: { ...flags, ...commonFlags }, words: [...words, ...innerWords(name)] },
  ]),
  ...Object.entries(otherCommands),
]

const list = (words: readonly string[]): string => `'${words.join(' ')}'`

/** A line of the script for each command: its flags, its words. */
const commandCases = (all: readonly [string, Completed][]): string =>
  all
    .map(([name, { flags, words = [] }]) => {
      const names = Object.keys(flags).map((flag) => `--${flag}`)
      return `    '${name}') flags=${list(names)} words=${list(words)} ;;`
    })
    .join('\n')

/** A line for each flag that has a value. `-`: nothing is offered, for only the person knows it. */
const valueCases = (all: readonly [string, Completed][]): string =>
  all
    .flatMap(([name, { flags }]) =>
      Object.entries(flags).flatMap(([flag, { kind, words }]) =>
        kind === 'switch'
          ? []
          : [`    '${name} --${flag}') values=${words === 'files' ? 'files' : list(words ?? ['-'])} ;;`],
      ),
    )
    .join('\n')

const script = (): string => {
  const all = completed()
  const names = [...new Set(all.map(([name]) => name.split(' ')[0]!)), '--help', '--version']
  const inner = all.flatMap(([name]) => (name.includes(' ') ? [`'${name}'`] : []))
  return `# Completion of orders for bash. Now: source <(orders completion bash)
# For every shell: orders completion bash > ~/.local/share/bash-completion/completions/orders
_orders() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}"
  local command="\${COMP_WORDS[1]}" flags='' words='' values='' word
  COMPREPLY=()
  # bash takes --side=BUY for three words.
  if [ "$cur" = '=' ]; then cur=''; elif [ "$prev" = '=' ]; then prev="\${COMP_WORDS[COMP_CWORD-2]}"; fi
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W ${list(names)} -- "$cur"))
    return
  fi
${inner.length === 0 ? '' : `  case "$command \${COMP_WORDS[2]}" in\n    ${inner.join('|')}) [ "$COMP_CWORD" -eq 2 ] || command="$command \${COMP_WORDS[2]}" ;;\n  esac\n`}  case "$command" in
${commandCases(all)}
  esac
  case "$command $prev" in
${valueCases(all)}
  esac
  if [ "$values" = files ]; then
    local IFS=$'\\n'
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -- "$cur"))
    return
  fi
  # A word that stands already is not offered again, nor is its rival.
  if [ -z "$values" ]; then
    for word in "\${COMP_WORDS[@]:2:COMP_CWORD-2}"; do
      case " $words " in *" $word "*) words='' ;; esac
    done
    values="$words"
    case "$cur" in -*) values="$flags" ;; '') values="\${words:-$flags}" ;; esac
  fi
  [ "$values" = - ] || COMPREPLY=($(compgen -W "$values" -- "$cur"))
  # Sides, times and statuses may be typed in small letters.
  [ "\${#COMPREPLY[@]}" -gt 0 ] || [ -z "$cur" ] || [ "$values" = - ] ||
    COMPREPLY=($(compgen -W "$values" -- "$(printf %s "$cur" | tr '[:lower:]' '[:upper:]')"))
}
complete -F _orders orders`
}

/** Exit codes: 0, or 2 for another shell. */
export const completionCommand = async (args: readonly string[]): Promise<number> => {
  if (args.length === 1 && args[0] === 'bash') {
    await printLine(script())
    return 0
  }
  process.stderr.write('orders completion: only for bash: source <(orders completion bash)\n')
  return 2
}
