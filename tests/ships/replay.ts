// Replays a Dockerfile without Docker: every stage gets an empty folder that stands for the root of its image. COPY takes from the build
// context or from another stage's folder and from nowhere else. RUN is executed by /bin/sh, word for word but for its absolute paths, which
// are led into the folder; it sees the image's variables and the base image's commands alone, and installs packages for real.

import { cpSync, existsSync, mkdirSync, statSync, symlinkSync } from 'node:fs'
import { basename, dirname, join, normalize } from 'node:path'
import { hold, release } from '../stack/guard.ts'
import type { Stage, Step } from './dockerfile.ts'

export type Image = {
  /** The folder that stands for `/`. */
  root: string
  workdir: string
  env: Record<string, string>
  /** Seen by RUN alone, also in stages that begin with this one. */
  args: Record<string, string>
  user: string | null
  ports: number[]
  stopSignal: string | null
  health: string[] | null
  entrypoint: string[]
  cmd: string[]
}

/** What of an image from a registry matters here. `commands`: those that a RUN line or an ENTRYPOINT may use. */
type Base = { workdir: string; user: string | null; commands: readonly string[] }
export type Bases = Readonly<Record<string, Base>>

type Replay = { stages: readonly Stage[]; context: string; target: string; bases: Bases }
type Under = { image: Image; images: Map<string, Image>; context: string }

const commandsDir = 'usr/local/bin'

/** Where a path of the image lies on this machine. */
export const pathIn = ({ root, workdir }: Image, path: string): string =>
  join(root, normalize(path.startsWith('/') ? path : `${workdir}/${path}`))

/** The command's absolute paths lie in the image. What its system has is not replayed: a line that touches it is refused. */
const leadIntoRoot = (command: string, root: string): string => {
  const [, system] =
    /(?:^|[\s="'(>])(\/(?:bin|dev|etc|home|lib\w*|opt|proc|root|run|sbin|sys|tmp|usr|var)\b)/.exec(command) ?? []
  if (system !== undefined) throw new Error(`RUN ${command}: the path ${system} is not replayed`)
  return command.replace(/(^|[\s="'(>])\/(?=\w)/g, `$1${root}/`)
}

/** How packages are found from this machine, and where it keeps those that it has. Nothing else of our environment gets in. */
const packageSettings =
  /^(HOME|BUN_INSTALL|BUN_INSTALL_CACHE_DIR|BUN_CONFIG_REGISTRY|npm_config_registry|https?_proxy|no_proxy)$/i
const packageEnv = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] => packageSettings.test(entry[0]) && entry[1] !== undefined,
    ),
  )

/** The environment of a process in the image. */
export const envIn = ({ root, env }: Image): Record<string, string> => ({ PATH: join(root, commandsDir), ...env })

const run = async (command: string, { image }: Under): Promise<void> => {
  const line = leadIntoRoot(command, image.root)
  const env = { ...packageEnv(), ...image.args, ...envIn(image) }
  const child = Bun.spawn(['/bin/sh', '-c', line], {
    cwd: pathIn(image, '.'),
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  hold(child.pid, 'SIGKILL')
  const [out, err, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  release(child.pid)
  if (exitCode !== 0) throw new Error(`RUN ${command}: it ended with ${exitCode}\n${out}${err}`)
}

const copy = (step: Step & { kind: 'COPY' }, { image, images, context }: Under): void => {
  const from = step.from === null ? context : images.get(step.from)?.root
  if (from === undefined) throw new Error(`COPY --from=${step.from}: there is no such stage above`)
  const target = pathIn(image, step.target)
  for (const source of step.sources) {
    const path = join(from, normalize(`/${source}`))
    if (!existsSync(path)) throw new Error(`COPY ${source}: it is not in ${step.from ?? 'the build context'}`)
    const isInto = step.target.endsWith('/') || (existsSync(target) && statSync(target).isDirectory())
    const place = statSync(path).isFile() && isInto ? join(target, basename(source)) : target
    mkdirSync(dirname(place), { recursive: true })
    cpSync(path, place, { recursive: true, verbatimSymlinks: true })
  }
}

const apply = async (step: Step, under: Under): Promise<void> => {
  const { image } = under
  switch (step.kind) {
    case 'COPY':
      return copy(step, under)
    case 'RUN':
      return run(step.command, under)
    case 'ARG':
      image.args[step.name] = step.value
      return
    case 'ENV':
      image.env[step.name] = step.value
      return
    case 'WORKDIR':
      image.workdir = step.path
      mkdirSync(pathIn(image, '.'), { recursive: true })
      return
    case 'USER':
      image.user = step.name
      return
    case 'EXPOSE':
      image.ports.push(step.port)
      return
    case 'STOPSIGNAL':
      image.stopSignal = step.signal
      return
    case 'HEALTHCHECK':
      image.health = step.argv
      return
    case 'ENTRYPOINT':
      image.entrypoint = step.argv
      image.cmd = []
      return
    case 'CMD':
      image.cmd = step.argv
      return
  }
}

const fromRegistry = ({ workdir, user, commands }: Base, root: string): Image => {
  mkdirSync(join(root, workdir), { recursive: true })
  if (commands.length > 0) mkdirSync(join(root, commandsDir), { recursive: true })
  for (const command of commands) {
    const found = command === 'bun' ? process.execPath : Bun.which(command)
    if (found === null) throw new Error(`this machine has no ${command}`)
    symlinkSync(found, join(root, commandsDir, command))
  }
  const nothing = { env: {}, args: {}, ports: [], stopSignal: null, health: null, entrypoint: [], cmd: [] }
  return { root, workdir, user, ...nothing }
}

const begin = ({ base, name }: Stage, { target, bases }: Replay, images: Map<string, Image>): Image => {
  const root = join(target, name)
  const above = images.get(base)
  const image = bases[base]
  if (above === undefined && image === undefined)
    throw new Error(`FROM ${base}: it is no stage above, nor an image that is known here`)
  if (above === undefined) return fromRegistry(image!, root)
  cpSync(above.root, root, { recursive: true, verbatimSymlinks: true })
  return { ...structuredClone(above), root }
}

/** The image of each stage by its name. Throws the first line that cannot be done. */
export const replay = async (options: Replay): Promise<Map<string, Image>> => {
  const images = new Map<string, Image>()
  for (const stage of options.stages) {
    const image = begin(stage, options, images)
    const under: Under = { image, images, context: options.context }
    for (const step of stage.steps) await apply(step, under)
    images.set(stage.name, image)
  }
  return images
}
