// A Dockerfile as steps that can be replayed. The grammar is read by a library; what would need more than is replayed here (a flag, a
// variable, a pattern, an instruction of another kind) is refused, so that no line is ever passed over.

import { DockerfileParser, type Copy, type From, type Healthcheck, type Instruction, type Run } from 'dockerfile-ast'

export type Step =
  | { kind: 'COPY'; from: string | null; sources: string[]; target: string }
  | { kind: 'RUN'; command: string }
  | { kind: 'ARG'; name: string; value: string }
  | { kind: 'ENV'; name: string; value: string }
  | { kind: 'WORKDIR'; path: string }
  | { kind: 'USER'; name: string }
  | { kind: 'EXPOSE'; port: number }
  | { kind: 'STOPSIGNAL'; signal: string }
  | { kind: 'HEALTHCHECK'; argv: string[] }
  | { kind: 'ENTRYPOINT'; argv: string[] }
  | { kind: 'CMD'; argv: string[] }

/** `base`: an image, or a stage above. */
export type Stage = { name: string; base: string; steps: Step[] }

const refuse = (instruction: Instruction, why: string): never => {
  throw new Error(`Dockerfile, line ${instruction.getRange().start.line + 1}: ${why}`)
}

const textOf = (instruction: Instruction): string =>
  instruction.getArgumentsContent()?.trim() || refuse(instruction, `${instruction.getKeyword()} has nothing to do`)

const only = (instruction: Instruction, pattern: RegExp): string => {
  const text = textOf(instruction)
  return pattern.test(text) ? text : refuse(instruction, `${instruction.getKeyword()} ${text} is not known here`)
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const isText = (value: unknown): value is string => typeof value === 'string'

/** The form that needs no shell: a list of words as JSON. */
const wordsOf = (instruction: Instruction, text: string): string[] => {
  const argv = parseJson(text)
  return Array.isArray(argv) && argv.length > 0 && argv.every(isText)
    ? argv
    : refuse(instruction, `${instruction.getKeyword()} needs its words as a list, for there is no shell`)
}

const flagsOf = (instruction: Copy | From | Healthcheck | Run, known: readonly string[]): Record<string, string> => {
  const flags = instruction.getFlags().map((flag): [string, string] => [flag.getName(), flag.getValue() ?? ''])
  for (const [name] of flags) if (!known.includes(name)) refuse(instruction, `--${name} is not replayed`)
  return Object.fromEntries(flags)
}

const pairOf = (instruction: Instruction): { name: string; value: string } => {
  const [, name, value] = /^([A-Z_]+)=([\w./:-]*)$/.exec(textOf(instruction)) ?? []
  if (name === undefined || value === undefined)
    return refuse(instruction, `${instruction.getKeyword()} is replayed as one NAME=value without quotes`)
  return { name, value }
}

const copyOf = (copy: Copy): Step => {
  const { from = null } = flagsOf(copy, ['from'])
  const argv = copy.getArguments().map((argument) => argument.getValue())
  const target = argv.pop()
  if (target === undefined || argv.length === 0) return refuse(copy, 'COPY needs a source and a target')
  if (argv.some((word) => /[*?[\\]/.test(word))) refuse(copy, 'a pattern is not replayed')
  if (argv.length > 1 && !target.endsWith('/')) refuse(copy, 'the target of several sources must end with /')
  return { kind: 'COPY', from, sources: argv, target }
}

const healthOf = (check: Healthcheck): Step => {
  flagsOf(check, ['interval', 'timeout', 'start-period', 'retries'])
  const [, command] = /^CMD\s+(\[.*\])$/s.exec(check.getSubcommand() === null ? '' : textOf(check)) ?? []
  if (command === undefined) return refuse(check, 'HEALTHCHECK needs CMD and a list of words')
  return { kind: 'HEALTHCHECK', argv: wordsOf(check, command) }
}

const stepOf = (instruction: Instruction): Step => {
  const keyword = instruction.getKeyword()
  if (keyword !== 'RUN' && instruction.getVariables().some((variable) => variable.toString().startsWith('$')))
    refuse(instruction, 'a variable is not replayed')
  switch (keyword) {
    case 'COPY':
      return copyOf(instruction as Copy)
    case 'RUN':
      flagsOf(instruction as Run, [])
      // Neither a list of words nor a document: the form for the shell.
      return { kind: 'RUN', command: only(instruction, /^(?!\[.*\]$|.*<<)/s) }
    case 'ARG':
    case 'ENV':
      return { kind: keyword, ...pairOf(instruction) }
    case 'WORKDIR':
      return { kind: 'WORKDIR', path: only(instruction, /^\/[\w./-]*$/) }
    case 'USER':
      return { kind: 'USER', name: only(instruction, /^[a-z]+$/) }
    case 'EXPOSE':
      return { kind: 'EXPOSE', port: Number(only(instruction, /^\d+$/)) }
    case 'STOPSIGNAL':
      return { kind: 'STOPSIGNAL', signal: only(instruction, /^SIG[A-Z]+$/) }
    case 'HEALTHCHECK':
      return healthOf(instruction as Healthcheck)
    case 'ENTRYPOINT':
    case 'CMD':
      return { kind: keyword, argv: wordsOf(instruction, textOf(instruction)) }
    default:
      return refuse(instruction, `${keyword} is not replayed`)
  }
}

/** Throws a sentence with the line for whatever cannot be replayed. */
export const readDockerfile = (text: string): Stage[] => {
  const stages: Stage[] = []
  for (const instruction of DockerfileParser.parse(text).getInstructions()) {
    if (instruction.getKeyword() === 'FROM') {
      const from = instruction as From
      flagsOf(from, [])
      const [base, name] = [from.getImage(), from.getBuildStage()]
      if (base === null || name === null) return refuse(from, 'FROM needs an image and a name for its stage')
      if (stages.some((stage) => stage.name === name)) refuse(from, `two stages are named ${name}`)
      stages.push({ name, base, steps: [] })
    } else (stages.at(-1) ?? refuse(instruction, 'a stage begins with FROM')).steps.push(stepOf(instruction))
  }
  return stages
}
