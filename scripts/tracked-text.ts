import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Finding } from './repository.ts'

/**
 * Finds what belongs to one machine: absolute paths of somebody's home or work folder, and addresses of package
 * registries. `ownHosts` are the hosts this machine is set up with, so that they need not be written down anywhere.
 */
export function findMachineTraces(path: string, text: string, ownHosts: readonly string[]): Finding[] {
  if (text.includes('\0')) return []
  return text.split('\n').flatMap((line, index) => {
    const fault = faultIn(line, ownHosts)
    return fault === undefined ? [] : [{ path, line: index + 1, message: fault }]
  })
}

/** Reads the files and looks through each. */
export function checkTrackedText(root: string, paths: readonly string[], ownHosts: readonly string[]): Finding[] {
  return paths.flatMap((path) => findMachineTraces(path, readFileSync(join(root, path), 'utf8'), ownHosts))
}

/** A lockfile without download addresses installs from whatever registry a machine uses. */
export function checkLockfile(text: string): Finding[] {
  const { packages } = JSON.parse(text) as { packages: Record<string, { resolved?: string; link?: boolean }> }
  return Object.entries(packages)
    .filter(([, entry]) => entry.resolved !== undefined && entry.link !== true)
    .map(([name]) => ({
      path: 'package-lock.json',
      line: 1,
      message: `${name} has a download address; install with omit-lockfile-registry-resolved=true`,
    }))
}

const MACHINE_PATH = /(?<![\w.~$}-])\/(work|root|home\/[a-z][\w-]*|Users\/[A-Za-z][\w-]*)(?=[/\s"'`)\],:;]|$)/
const REGISTRY = /https?:\/\/[\w.-]*(registry|mirror|artifactory|nexus|verdaccio|pypi|npmjs)[\w.-]*/i

function faultIn(line: string, ownHosts: readonly string[]): string | undefined {
  const path = MACHINE_PATH.exec(line)
  if (path !== null) return `a path of one machine: ${path[0]}`
  const registry = REGISTRY.exec(line)
  if (registry !== null) return `the address of a package registry: ${registry[0]}`
  const host = ownHosts.find((name) => line.includes(name))
  return host === undefined ? undefined : 'the host of the package registry that this machine uses'
}
