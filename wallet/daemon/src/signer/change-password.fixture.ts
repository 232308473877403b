import { changePassword } from './change-password.ts'

/** Changes a password and kills itself after a step: `<folder> <old> <new> <step>`. */
const [folder, oldPassword, newPassword, fatal] = process.argv.slice(2)
let step = 0
await changePassword({
  folder: folder!,
  oldPassword: Buffer.from(oldPassword!),
  newPassword: Buffer.from(newPassword!),
  onStep: () => {
    step += 1
    if (step === Number(fatal)) process.kill(process.pid, 'SIGKILL')
  },
})
