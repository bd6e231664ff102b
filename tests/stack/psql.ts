// `bun run psql` opens the database of the running stack: with the real psql if this machine has one, else with a small prompt of
// our own, so that nobody needs to install anything to look into a table.

import { createInterface } from 'node:readline'
import { runCommand } from '../../src/build/command.ts'
import { metaHelp, metaStatements } from './sqlDescribe.ts'
import { openSession, type SqlSession } from './sqlSession.ts'
import { isBlank, splitStatements } from './sqlText.ts'
import { StackError } from './stackError.ts'
import { findServer } from './state.ts'

const help = `bun run psql [-c "<sql>"] [--builtin] [--url]

Opens the running stack's database, or that of DATABASE_URL. A real psql is used when there is one on the path (and gets
all options); --builtin, or its absence, gives the built-in prompt. Without -c, SQL is read from stdin.
--url prints the database's address, for other programs.`

/** The password goes by the environment: a command line can be read by everybody on the machine. */
const realPsql = async (psql: string, url: string, args: string[]): Promise<number> => {
  const plain = new URL(url)
  const password = decodeURIComponent(plain.password)
  plain.password = ''
  // Ctrl-C belongs to psql, which cancels a statement with it.
  process.on('SIGINT', () => {})
  const env = { ...process.env, ...(password && { PGPASSWORD: password }) }
  return Bun.spawn([psql, plain.href, ...args], { stdio: ['inherit', 'inherit', 'inherit'], env }).exited
}

/** Answers an exit code: 1 when a statement failed, once all of them ran. */
const runText = async (session: SqlSession, text: string): Promise<number> => {
  const { statements, rest } = splitStatements(text)
  const all = isBlank(rest) ? statements : [...statements, rest]
  let failures = 0
  for (const statement of all) failures += (await session.run(statement)) ? 0 : 1
  return failures === 0 ? 0 : 1
}

const runMeta = async (session: SqlSession, line: string): Promise<number> => {
  const statements = metaStatements(line)
  if (!statements) console.log(metaHelp)
  for (const statement of statements ?? []) if (!(await session.run(statement))) return 1
  return 0
}

const runInput = async (session: SqlSession, database: string): Promise<number> => {
  const interactive = process.stdin.isTTY
  const reader = createInterface({ input: process.stdin, ...(interactive && { output: process.stdout }) })
  let buffer = ''
  let exitCode = 0
  const prompt = () => {
    reader.setPrompt(`${database}${isBlank(buffer) ? '=' : '-'}# `)
    if (interactive) reader.prompt()
  }
  if (interactive) console.log(`built-in prompt; \\? for help`)
  reader.on('SIGINT', () => {
    buffer = ''
    console.log()
    prompt()
  })
  prompt()
  for await (const line of reader) {
    if (isBlank(buffer) && line.trimStart().startsWith('\\')) {
      if (/^\s*\\q\b/.test(line)) break
      exitCode = Math.max(exitCode, await runMeta(session, line))
    } else {
      const { statements, rest } = splitStatements(`${buffer}${line}\n`)
      for (const statement of statements) if (!(await session.run(statement))) exitCode = 1
      buffer = rest
    }
    prompt()
  }
  reader.close()
  if (!interactive && !isBlank(buffer)) exitCode = Math.max(exitCode, await runText(session, buffer))
  return interactive ? 0 : exitCode
}

const main = async (): Promise<number> => {
  const args = process.argv.slice(2).filter((arg) => arg !== '--builtin')
  const builtin = process.argv.includes('--builtin')
  if (args.includes('--help')) {
    console.log(help)
    return 0
  }
  const url = findServer('DATABASE_URL')
  if (args.includes('--url')) {
    console.log(url)
    return 0
  }
  const psql = builtin ? null : Bun.which('psql')
  if (psql) return realPsql(psql, url, args)
  const [flag, statement, ...more] = args
  if (flag !== undefined && (flag !== '-c' || statement === undefined || more.length > 0)) {
    throw new StackError('USAGE', `the built-in prompt knows only -c "<sql>", not ${args.join(' ')}.`)
  }
  const session = openSession(url)
  try {
    if (statement?.trimStart().startsWith('\\')) return await runMeta(session, statement)
    return await (statement === undefined
      ? runInput(session, new URL(url).pathname.slice(1))
      : runText(session, statement))
  } finally {
    await session.end()
  }
}

if (import.meta.main) await runCommand(main)
