// A command of an image, run with the image's files and variables and with what a test adds to them. It is no container: the kernel, and the
// libraries that the dynamic linker finds, are this machine's.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { hold, release } from '../stack/guard.ts'
import { envIn, pathIn, type Image } from './replay.ts'

type Env = Record<string, string>

/** The words with their program's place on this machine; throws where the image has no such program. */
export const commandIn = (image: Image, argv: readonly string[]): string[] => {
  const [program, ...args] = argv
  if (program === undefined) throw new Error('the image says no command')
  const path = program.startsWith('/') ? pathIn(image, program) : join(envIn(image)['PATH']!, program)
  if (!existsSync(path)) throw new Error(`the image has no ${program}`)
  return [path, ...args]
}

export const startIn = (image: Image, argv: readonly string[], env: Env = {}) => {
  const child = Bun.spawn(commandIn(image, argv), {
    cwd: pathIn(image, '.'),
    env: { ...envIn(image), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  hold(child.pid, 'SIGKILL')
  const exited = child.exited.finally(() => release(child.pid))
  return {
    child,
    exited,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

type Ended = { exitCode: number; out: string; err: string }

export const runIn = async (image: Image, argv: readonly string[], env: Env = {}): Promise<Ended> => {
  const { child, exited } = startIn(image, argv, env)
  const [out, err, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), exited])
  return { exitCode, out, err }
}
