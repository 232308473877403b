import type { SkillRunner } from '../skills/runner.ts'
import type { Skills } from '../skills/skills.ts'
import { createSkillRead } from './skill-read.ts'
import { createSkillRun } from './skill-run.ts'
import type { Tool } from './tool.ts'

/** The tools about skills. */
export function createSkillTools(skills: Skills, runner: SkillRunner): readonly Tool[] {
  // A tool's functions take its own parsed input; whoever calls them parses first.
  return [createSkillRead(skills), createSkillRun(skills, runner)] as unknown as readonly Tool[]
}
