import { classesHaveALife } from './classes-have-a-life.ts'
import { fileLength, fileLengthSoft, functionLength, functionLengthSoft } from './length.ts'
import { noBarrel } from './no-barrel.ts'
import { noMemberName } from './no-member-name.ts'
import { noModuleMock } from './no-module-mock.ts'
import { noModuleState } from './no-module-state.ts'
import { noOwnClock } from './no-own-clock.ts'
import { nothingSwallowed } from './nothing-swallowed.ts'
import { plainComments } from './plain-comments.ts'
import type { StyleRule } from './rule.ts'
import { testsBesideCode } from './tests-beside-code.ts'

/** Every rule of the style script. Default exports and enums are the linter's business: see biome.json. */
export const styleRules: readonly StyleRule[] = [
  fileLength,
  fileLengthSoft,
  functionLength,
  functionLengthSoft,
  noBarrel,
  noMemberName,
  noModuleState,
  noModuleMock,
  noOwnClock,
  nothingSwallowed,
  plainComments,
  testsBesideCode,
  classesHaveALife,
]
