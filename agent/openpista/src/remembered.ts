import { dirname } from 'node:path'
import { AppError, ensurePrivateDir, loadConfig, writeFileAtomic } from '@openpista/common'
import { z } from 'zod'

const State = z.strictObject({ last_model: z.string().default(''), last_provider: z.string().default('') })

export type RememberedModel = { provider: string; model: string }

/** What is remembered from one use to the next, in `state.toml`. */
export type Remembered = {
  /** The model chosen last, and whose it is. */
  model: () => RememberedModel | undefined
  noteModel: (model: RememberedModel | undefined) => void
}

export function openRemembered(file: string): Remembered {
  let known = read(file)
  return {
    model: () => known,
    noteModel: (model) => {
      known = model
      ensurePrivateDir(dirname(file))
      writeFileAtomic(file, toToml(model ?? { provider: '', model: '' }))
    },
  }
}

/** A file that cannot be understood holds nothing worth stopping for. */
function read(file: string): RememberedModel | undefined {
  try {
    const { last_model: model, last_provider: provider } = loadConfig(State, { file, env: {}, envKeys: {} })
    return model === '' || provider === '' ? undefined : { provider, model }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return undefined
  }
}

/** JSON's strings are TOML's basic strings, but for DEL, which JSON leaves as it is. */
function toToml({ provider, model }: RememberedModel): string {
  const quote = (text: string) => JSON.stringify(text).replaceAll('\u007f', '\\u007f')
  return `# Written by openpista.\nlast_model = ${quote(model)}\nlast_provider = ${quote(provider)}\n`
}
