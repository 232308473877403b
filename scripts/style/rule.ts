import type { Finding, SourceFile } from '../repository.ts'

/** One rule of the style script. Its examples are its tests: every one is run by the conformance suite. */
export type StyleRule = {
  name: string
  /** Hard findings fail the check; soft ones are only shown. */
  severity: 'error' | 'warning'
  check: (file: SourceFile, repository: Repository) => Finding[]
  /** At least one file that the rule must object to. */
  bad: readonly [Example, ...Example[]]
  /** Files that come near and are fine. */
  good: readonly [Example, ...Example[]]
}

export type Example = { path: string; text: string }

/** What a rule may know about the rest of the repository. */
export type Repository = {
  paths: ReadonlySet<string>
  /** The files that the packages' `exports` name: the only places that may gather what others declare. */
  packageEntries: ReadonlySet<string>
}

export function defineRule(rule: StyleRule): StyleRule {
  return rule
}
